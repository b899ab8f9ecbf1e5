package pibl;

import java.io.*;
import java.net.Socket;

/** Atiende a un cliente hasta que se va. */
class Atencion implements Runnable {
    private final Socket c;
    private final Balanceador bal;
    private final Almacen alm;
    private final Bitacora bit;

    Atencion(Socket c, Balanceador bal, Almacen alm, Bitacora bit) {
        this.c = c;
        this.bal = bal;
        this.alm = alm;
        this.bit = bit;
    }

    public void run() {
        try (Socket s = c) {
            s.setTcpNoDelay(true);
            s.setSoTimeout(30000);
            InputStream in = new BufferedInputStream(s.getInputStream(), 16384);
            OutputStream out = s.getOutputStream();
            while (una(in, out)) { }
        } catch (IOException e) {
            // el cliente se fue
        }
    }

    private boolean una(InputStream in, OutputStream out) throws IOException {
        Mensaje p;
        String quien = c.getInetAddress().getHostAddress();
        try {
            p = Mensaje.leerCabecera(in);
            if (p.linea.split(" ").length != 3 || !p.linea.contains(" HTTP/1.")) throw new Mensaje.ProtocoloException();
            if (p.tiene("Expect", "100-continue") && p.anunciaCuerpo()) {
                out.write("HTTP/1.1 100 Continue\r\n\r\n".getBytes());
                out.flush();
            }
            p.leerCuerpo(in, false);
        } catch (Mensaje.ProtocoloException | NumberFormatException e) {
            long n = bit.peticion(quien, "?", "?");
            entregar(out, n, "?", "?", new ErrorHttp(400), true);
            return false;
        }
        boolean cerrar = p.tiene("Connection", "close")
                || p.linea.endsWith("HTTP/1.0") && !p.tiene("Connection", "keep-alive");
        String metodo = p.metodo(), destino = p.destino();
        long n = bit.peticion(quien, metodo, destino);
        boolean conClave = p.valor("Authorization") != null;
        if (metodo.equals("GET") && !conClave) {
            Almacen.Hallado h = alm.buscar(destino);
            if (h != null) {
                String cab = new String(h.cabecera, "ISO-8859-1") + "Age: " + h.edad / 1000 + "\r\n";
                return entregar(out, n, metodo, destino, "200 OK", cab, h.cuerpo, false, cerrar, "del almacen");
            }
        }
        Balanceador.Respuesta r;
        try {
            r = bal.repartir(p);
        } catch (ErrorHttp e) {
            return entregar(out, n, metodo, destino, e, cerrar);
        }
        StringBuilder cab = new StringBuilder();
        for (String[] f : r.m.finAFin())
            if (r.sinCuerpo || !f[0].equalsIgnoreCase("Content-Length"))
                cab.append(f[0]).append(": ").append(f[1]).append("\r\n");
        if (metodo.equals("GET") && r.m.codigo() == 200 && !conClave && p.valor("Range") == null
                && !r.m.tiene("Cache-Control", "no-store") && !r.m.tiene("Cache-Control", "private")
                && !r.m.tiene("Vary", "*"))
            alm.guardar(destino, cab.toString().getBytes("ISO-8859-1"), r.m.cuerpo);
        return entregar(out, n, metodo, destino, r.m.estado(), cab.toString(), r.m.cuerpo, r.sinCuerpo, cerrar, r.servidor);
    }

    private boolean entregar(OutputStream out, long n, String metodo, String destino, ErrorHttp e, boolean cerrar)
            throws IOException {
        return entregar(out, n, metodo, destino, e.texto(), "Content-Type: text/plain\r\n",
                (e.texto() + "\n").getBytes(), metodo.equals("HEAD"), cerrar, "error del pibl");
    }

    private boolean entregar(OutputStream out, long n, String metodo, String destino, String estado, String cab,
            byte[] cuerpo, boolean sinCuerpo, boolean cerrar, String de) throws IOException {
        StringBuilder s = new StringBuilder("HTTP/1.1 ").append(estado).append("\r\n").append(cab);
        if (!sinCuerpo) s.append("Content-Length: ").append(cuerpo.length).append("\r\n");
        if (cerrar) s.append("Connection: close\r\n");
        s.append("\r\n");
        bit.respuesta(n, metodo, destino, estado, sinCuerpo ? 0 : cuerpo.length, de);
        ByteArrayOutputStream b = new ByteArrayOutputStream();
        b.write(s.toString().getBytes("ISO-8859-1"));
        if (!sinCuerpo) b.write(cuerpo);
        b.writeTo(out);
        out.flush();
        return !cerrar;
    }
}
