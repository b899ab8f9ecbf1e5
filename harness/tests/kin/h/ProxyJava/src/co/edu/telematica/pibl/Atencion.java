package co.edu.telematica.pibl;

import java.io.*;
import java.net.*;
import java.nio.charset.StandardCharsets;
import java.util.Set;

/** Atiende una conexion (una peticion) */
class Atencion implements Runnable {
    private final Socket cli;
    private final Ronda ronda;
    private final Almacen alm;
    private final Bitacora bit;

    private String metodo = "-", url = "-", ver = "HTTP/1.1", de = "-";
    private long entra = 0, sale = 0;
    private int estado = 0;
    private OutputStream out;

    Atencion(Socket c, Ronda r, Almacen a, Bitacora b) {
        cli = c;
        ronda = r;
        alm = a;
        bit = b;
    }

    public void run() {
        Socket srv = null;
        try {
            cli.setSoTimeout(20000);
            cli.setTcpNoDelay(true);
            out = new BufferedOutputStream(cli.getOutputStream(), 16384);
            srv = todo();
        } catch (IOException e) {
            de += " (" + e.getMessage() + ")";
        } catch (RuntimeException e) {
            System.err.println("error interno " + e);
        } finally {
            anotar();
            try {
                if (estado > 0) {
                    out.flush();
                    InputStream i = cli.getInputStream();
                    int k;
                    while ((k = i.available()) > 0)
                        i.skip(k);
                    cli.shutdownOutput();
                }
            } catch (IOException e) {
            }
            try {
                cli.close();
                if (srv != null)
                    srv.close();
            } catch (IOException e) {
            }
        }
    }

    private boolean anotado = false;

    private void anotar() {
        if (estado > 0 && !anotado)
            bit.anotar(cli.getInetAddress().getHostAddress(), metodo + " " + url + " " + ver, entra, estado, sale, de);
        anotado = true;
    }

    private void texto(String s) throws IOException {
        out.write(s.getBytes(StandardCharsets.ISO_8859_1));
    }

    private Socket error(int cod, String t) throws IOException {
        estado = cod;
        String c = "<html><body><h1>" + cod + " " + t + "</h1></body></html>\n";
        texto("HTTP/1.1 " + cod + " " + t + "\r\nContent-Type: text/html\r\nContent-Length: " + c.length() + "\r\nConnection: close\r\n\r\n");
        if (!metodo.equals("HEAD"))
            texto(c);
        sale = c.length();
        anotar();
        out.flush();
        return null;
    }

    private Socket todo() throws IOException {
        InputStream in = new BufferedInputStream(cli.getInputStream(), 16384);
        Mensaje p;
        try {
            p = Mensaje.leer(in);
        } catch (Mensaje.Grande e) {
            return error(431, "Request Header Fields Too Large");
        }
        String[] x = p.primera.split(" ");
        if (x.length != 3 || !x[2].startsWith("HTTP/1."))
            return error(400, "Bad Request");
        for (String l : p.lineas)
            if (l.indexOf(':') < 1)
                return error(400, "Bad Request");
        metodo = x[0];
        url = x[1];
        ver = x[2];
        if (url.regionMatches(true, 0, "http://", 0, 7)) {
            int i = url.indexOf('/', 7);
            url = i < 0 ? "/" : url.substring(i);
        }
        if (p.palabras("expect").contains("100-continue")) {
            texto("HTTP/1.1 100 Continue\r\n\r\n");
            out.flush();
        }
        byte[] cuerpo = null;
        if (p.valor("transfer-encoding") != null) {
            if (!p.palabras("transfer-encoding").contains("chunked"))
                return error(501, "Not Implemented");
            ByteArrayOutputStream b = new ByteArrayOutputStream();
            Mensaje.trozos(in, b);
            cuerpo = b.toByteArray();
        } else if (p.valor("content-length") != null) {
            int n;
            try {
                n = Integer.parseInt(p.valor("content-length"));
                if (n < 0)
                    throw new NumberFormatException();
            } catch (NumberFormatException e) {
                return error(400, "Bad Request");
            }
            cuerpo = in.readNBytes(n);
            if (cuerpo.length < n)
                throw new EOFException("cuerpo incompleto");
        }
        if (cuerpo != null)
            entra = cuerpo.length;

        boolean usa = metodo.equals("GET") && p.valor("authorization") == null;
        if (usa) {
            Almacen.Hallado h = alm.buscar(url);
            if (h != null) {
                try (FileInputStream f = h.cuerpo) {
                    de = "cache";
                    estado = 200;
                    texto(h.cabecera + "Content-Length: " + h.largo + "\r\nAge: " + h.edad / 1000 + "\r\nVia: 1.1 ProxyJava\r\nConnection: close\r\n\r\n");
                    byte[] b = new byte[32768];
                    int k;
                    while ((k = f.read(b)) > 0) {
                        sale += k;
                        if (sale == h.largo)
                            anotar();
                        out.write(b, 0, k);
                    }
                }
                return null;
            }
        }

        Socket s = null;
        for (int i = 0; i < ronda.cuantos() && s == null; i++) {
            InetSocketAddress d = ronda.siguiente();
            s = new Socket();
            try {
                s.connect(d, 3000);
                de = d.getHostString() + ":" + d.getPort();
            } catch (IOException e) {
                s.close();
                s = null;
            }
        }
        if (s == null)
            return error(502, "Bad Gateway");
        try {
            pasarPeticion(s, p, cuerpo, usa);
        } finally {
            s.close();
        }
        return null;
    }

    private void pasarPeticion(Socket s, Mensaje p, byte[] cuerpo, boolean usa) throws IOException {
        s.setSoTimeout(12000);
        StringBuilder q = new StringBuilder();
        q.append(metodo).append(' ').append(url).append(" HTTP/1.1\r\n");
        p.pasar(q);
        if (cuerpo != null)
            q.append("Content-Length: ").append(cuerpo.length).append("\r\n");
        q.append("Via: ").append(ver.substring(5)).append(" ProxyJava\r\n");
        q.append("X-Forwarded-For: ").append(cli.getInetAddress().getHostAddress()).append("\r\nConnection: close\r\n\r\n");
        InputStream in = new BufferedInputStream(s.getInputStream(), 32768);
        try {
            OutputStream o = s.getOutputStream();
            o.write(q.toString().getBytes(StandardCharsets.ISO_8859_1));
            if (cuerpo != null)
                o.write(cuerpo);
        } catch (IOException e) {
            // puede que ya haya respondido, se mira abajo
        }
        Mensaje r;
        int cod;
        try {
            do {
                r = Mensaje.leer(in);
                cod = Integer.parseInt(r.primera.split(" ")[1]);
            } while (cod < 200);
        } catch (SocketTimeoutException e) {
            error(504, "Gateway Timeout");
            return;
        } catch (IOException | RuntimeException e) {
            error(502, "Bad Gateway");
            return;
        }
        estado = cod;
        boolean sin = metodo.equals("HEAD") || cod == 204 || cod == 304;
        boolean chunk = r.palabras("transfer-encoding").contains("chunked");
        String cl = chunk ? null : r.valor("content-length");
        boolean rechunk = chunk && !sin && !ver.equals("HTTP/1.0");
        StringBuilder h = new StringBuilder("HTTP/1.1").append(r.primera.substring(8)).append("\r\n");
        r.pasar(h);
        Set<String> cc = r.palabras("cache-control");
        Almacen.Nuevo g = null;
        if (usa && cod == 200 && !cc.contains("no-store") && !cc.contains("private") && !cc.contains("no-cache")
                && !p.palabras("cache-control").contains("no-store") && p.valor("range") == null)
            try {
                g = alm.new Nuevo(url, h.toString());
            } catch (IOException e) {
                System.err.println("cache: " + e);
            }
        if (cl != null)
            h.append("Content-Length: ").append(cl).append("\r\n");
        if (rechunk)
            h.append("Transfer-Encoding: chunked\r\n");
        h.append("Via: 1.1 ProxyJava\r\nConnection: close\r\n\r\n");
        final Almacen.Nuevo gg = g;
        final boolean rc = rechunk;
        try {
            texto(h.toString());
            OutputStream los2 = new OutputStream() {
                public void write(int b) throws IOException {
                    write(new byte[] { (byte) b }, 0, 1);
                }

                public void write(byte[] b, int o, int k) throws IOException {
                    if (gg != null)
                        gg.poner(b, o, k);
                    if (rc)
                        texto(Integer.toHexString(k) + "\r\n");
                    out.write(b, o, k);
                    if (rc)
                        texto("\r\n");
                    out.flush();
                    sale += k;
                }
            };
            if (sin) {
                anotar();
            } else if (chunk) {
                Mensaje.trozos(in, los2);
                anotar();
                if (rc)
                    texto("0\r\n\r\n");
            } else {
                long falta = cl == null ? Long.MAX_VALUE : Long.parseLong(cl);
                byte[] b = new byte[32768];
                while (falta > 0) {
                    int k = in.read(b, 0, (int) Math.min(b.length, falta));
                    if (k < 0) {
                        if (cl != null)
                            throw new EOFException("el servidor corto");
                        break;
                    }
                    falta -= k;
                    if (falta == 0) { // ya se va a ir todo
                        sale += k;
                        anotar();
                        sale -= k;
                    }
                    los2.write(b, 0, k);
                }
            }
            out.flush();
            if (g != null)
                g.listo();
        } catch (NumberFormatException e) {
            throw new IOException("largo malo");
        } finally {
            if (g != null)
                g.botar();
        }
    }
}
