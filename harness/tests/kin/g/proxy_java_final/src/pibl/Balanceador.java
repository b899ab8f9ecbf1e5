package pibl;

import java.io.*;
import java.net.*;
import java.util.*;
import java.util.concurrent.atomic.AtomicInteger;

/** Round Robin y conversacion con el servidor elegido. */
class Balanceador {
    static final int CONECTAR = 3000, LEER = 10000;

    static class Respuesta {
        Mensaje m;
        String servidor;
        boolean sinCuerpo;
    }

    private final List<InetSocketAddress> lista;
    private final AtomicInteger turno = new AtomicInteger();

    Balanceador(List<InetSocketAddress> lista) { this.lista = lista; }

    Respuesta repartir(Mensaje p) throws ErrorHttp {
        boolean seguro = p.metodo().equals("GET") || p.metodo().equals("HEAD");
        int error = 503;
        for (int i = 0; i < lista.size(); i++) {
            InetSocketAddress s = lista.get(Math.floorMod(turno.getAndIncrement(), lista.size()));
            try (Socket k = new Socket()) {
                try {
                    k.connect(s, CONECTAR);
                } catch (IOException e) {
                    continue;
                }
                k.setSoTimeout(LEER);
                k.setTcpNoDelay(true);
                try {
                    return conversar(k, s, p);
                } catch (SocketTimeoutException e) {
                    throw new ErrorHttp(504);
                } catch (Mensaje.Vacio e) {
                    error = 502;
                    if (!seguro) throw new ErrorHttp(502);
                } catch (IOException | NumberFormatException | IndexOutOfBoundsException e) {
                    throw new ErrorHttp(502);
                }
            } catch (IOException e) {
                error = 502;
            }
        }
        throw new ErrorHttp(error);
    }

    private Respuesta conversar(Socket k, InetSocketAddress s, Mensaje p) throws IOException {
        StringBuilder sb = new StringBuilder(p.linea.substring(0, p.linea.lastIndexOf(' '))).append(" HTTP/1.1\r\n");
        for (String[] c : p.finAFin())
            if (!c[0].equalsIgnoreCase("Content-Length") && !c[0].equalsIgnoreCase("Expect"))
                sb.append(c[0]).append(": ").append(c[1]).append("\r\n");
        if (p.anunciaCuerpo()) sb.append("Content-Length: ").append(p.cuerpo.length).append("\r\n");
        sb.append("Connection: close\r\n\r\n");
        try {
            OutputStream o = k.getOutputStream();
            ByteArrayOutputStream t = new ByteArrayOutputStream();
            t.write(sb.toString().getBytes("ISO-8859-1"));
            t.write(p.cuerpo);
            t.writeTo(o);
            o.flush();
        } catch (IOException e) {
            // pudo contestar antes de leer todo
        }
        InputStream in = new BufferedInputStream(k.getInputStream(), 65536);
        Respuesta r = new Respuesta();
        r.servidor = s.getHostString() + ":" + s.getPort();
        do {
            r.m = Mensaje.leerCabecera(in);
        } while (r.m.codigo() < 200);
        int c = r.m.codigo();
        r.sinCuerpo = p.metodo().equals("HEAD") || c == 204 || c == 304;
        if (!r.sinCuerpo) r.m.leerCuerpo(in, true);
        return r;
    }
}
