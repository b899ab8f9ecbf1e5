import java.io.*;
import java.net.*;
import java.util.*;

/** Atiende a un cliente; la conexión puede traer varias peticiones (keep-alive). */
public class Atencion implements Runnable {
    private final Socket cli;
    private int miServidor = -1;

    Atencion(Socket s) { cli = s; }

    // lee una línea sin usar BufferedReader porque se come los bytes del cuerpo
    static String linea(InputStream in) throws IOException {
        ByteArrayOutputStream b = new ByteArrayOutputStream();
        int c;
        while ((c = in.read()) != -1) {
            if (c == '\n') {
                String s = b.toString("ISO-8859-1");
                return s.endsWith("\r") ? s.substring(0, s.length() - 1) : s;
            }
            b.write(c);
        }
        return null;
    }

    static List<String> cabeceras(InputStream in) throws IOException {
        List<String> l = new ArrayList<>();
        while (true) {
            String s = linea(in);
            if (s == null) throw new EOFException();
            if (s.isEmpty()) return l;
            l.add(s);
        }
    }

    static String valor(List<String> cab, String nombre) {
        for (String s : cab) {
            int i = s.indexOf(':');
            if (i > 0 && s.substring(0, i).trim().equalsIgnoreCase(nombre)) return s.substring(i + 1).trim();
        }
        return null;
    }

    static byte[] exactos(InputStream in, int n) throws IOException {
        byte[] b = in.readNBytes(n);
        if (b.length < n) throw new EOFException("faltaron bytes");
        return b;
    }

    static byte[] chunked(InputStream in) throws IOException {
        ByteArrayOutputStream o = new ByteArrayOutputStream();
        while (true) {
            String l = linea(in);
            if (l == null) throw new EOFException();
            int n = Integer.parseInt(l.split(";")[0].trim(), 16);
            if (n == 0) {
                cabeceras(in);
                return o.toByteArray();
            }
            o.write(exactos(in, n));
            linea(in);
        }
    }

    static class Resp {
        String estado;
        List<String> cab = new ArrayList<>();
        byte[] cuerpo;      // null = no lleva
        int codigo() { return Integer.parseInt(estado.split(" ")[1]); }
    }

    public void run() {
        String ip = cli.getInetAddress().getHostAddress();
        try (Socket c = cli) {
            InputStream in = new BufferedInputStream(c.getInputStream());
            OutputStream out = new BufferedOutputStream(c.getOutputStream());
            while (true) {
                String pet = linea(in);
                if (pet == null) return;
                if (pet.isEmpty()) continue;
                List<String> cab = cabeceras(in);
                String[] p = pet.split(" ");
                if (p.length != 3) {
                    error(out, 400, "Bad Request", false);
                    Pibl.log(ip, pet, "400 Bad Request", "pibl");
                    return;
                }
                if ("100-continue".equalsIgnoreCase(valor(cab, "Expect"))) {
                    out.write("HTTP/1.1 100 Continue\r\n\r\n".getBytes());
                    out.flush();
                }
                byte[] cuerpo = null;
                String te = valor(cab, "Transfer-Encoding");
                if (te != null && te.toLowerCase().contains("chunked")) cuerpo = chunked(in);
                else if (valor(cab, "Content-Length") != null) cuerpo = exactos(in, Integer.parseInt(valor(cab, "Content-Length")));

                String con = valor(cab, "Connection");
                boolean seguir = p[2].equals("HTTP/1.1") && (con == null || !con.toLowerCase().contains("close"));

                boolean conCache = p[0].equals("GET") && valor(cab, "Authorization") == null && valor(cab, "Range") == null;
                Resp r = conCache ? Cache.buscar(p[1]) : null;
                String origen = "cache";
                if (r == null) {
                    if (miServidor < 0) miServidor = Pibl.siguienteServidor();
                    int n = Pibl.servidores.size();
                    for (int i = 0; i < n && r == null; i++) {
                        InetSocketAddress dir = Pibl.servidores.get(miServidor);
                        Socket b = new Socket();
                        try {
                            b.connect(dir, 2000);
                        } catch (IOException e) {
                            b.close();
                            miServidor = (miServidor + 1) % n;   // probar el otro
                            continue;
                        }
                        origen = dir.getHostString() + ":" + dir.getPort();
                        try {
                            r = preguntar(b, p, cab, cuerpo);
                        } catch (Exception e) {
                            error(out, 502, "Bad Gateway", p[0].equals("HEAD"));
                            Pibl.log(ip, pet, "502 Bad Gateway " + e, origen);
                            return;
                        } finally {
                            b.close();
                        }
                    }
                    if (r == null) {
                        error(out, 503, "Service Unavailable", p[0].equals("HEAD"));
                        Pibl.log(ip, pet, "503 Service Unavailable", "pibl");
                        return;
                    }
                    String cc = valor(r.cab, "Cache-Control");
                    if (conCache && r.codigo() == 200 && (cc == null || !cc.toLowerCase().contains("no-store")))
                        Cache.guardar(p[1], r);
                }
                Pibl.log(ip, pet, r.estado, origen);
                mandar(out, r, seguir);
                if (!seguir) return;
            }
        } catch (IOException e) {
            // el cliente se fue
        } catch (Exception e) {
            System.err.println("error raro: " + e);
        }
    }

    static boolean salta(String l) {
        String m = l.toLowerCase();
        return m.startsWith("connection:") || m.startsWith("keep-alive:") || m.startsWith("transfer-encoding:")
            || m.startsWith("content-length:") || m.startsWith("expect:") || m.startsWith("proxy-connection:");
    }

    static Resp preguntar(Socket b, String[] p, List<String> cab, byte[] cuerpo) throws IOException {
        b.setSoTimeout(10000);
        StringBuilder sb = new StringBuilder(p[0] + " " + p[1] + " HTTP/1.1\r\n");
        for (String l : cab) if (!salta(l)) sb.append(l).append("\r\n");
        if (cuerpo != null) sb.append("Content-Length: ").append(cuerpo.length).append("\r\n");
        sb.append("Connection: close\r\n\r\n");
        OutputStream o = b.getOutputStream();
        o.write(sb.toString().getBytes("ISO-8859-1"));
        if (cuerpo != null) o.write(cuerpo);
        o.flush();
        InputStream in = new BufferedInputStream(b.getInputStream());
        Resp r = new Resp();
        do {
            r.estado = linea(in);
            if (r.estado == null) throw new EOFException("sin respuesta");
            r.cab = cabeceras(in);
        } while (r.codigo() < 200);
        String te = valor(r.cab, "Transfer-Encoding");
        if (p[0].equals("HEAD") || r.codigo() == 204 || r.codigo() == 304) r.cuerpo = null;
        else if (te != null && te.toLowerCase().contains("chunked")) r.cuerpo = chunked(in);
        else if (valor(r.cab, "Content-Length") != null) r.cuerpo = exactos(in, Integer.parseInt(valor(r.cab, "Content-Length")));
        else r.cuerpo = in.readAllBytes();
        return r;
    }

    static void mandar(OutputStream o, Resp r, boolean seguir) throws IOException {
        StringBuilder sb = new StringBuilder("HTTP/1.1" + r.estado.substring(r.estado.indexOf(' ')) + "\r\n");
        for (String l : r.cab) if (!salta(l)) sb.append(l).append("\r\n");
        if (r.cuerpo != null) sb.append("Content-Length: ").append(r.cuerpo.length).append("\r\n");
        else if (valor(r.cab, "Content-Length") != null) sb.append("Content-Length: ").append(valor(r.cab, "Content-Length")).append("\r\n");
        sb.append(seguir ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n");
        o.write(sb.toString().getBytes("ISO-8859-1"));
        if (r.cuerpo != null) o.write(r.cuerpo);
        o.flush();
    }

    static void error(OutputStream o, int c, String t, boolean head) throws IOException {
        byte[] b = ("<html><h1>" + c + " " + t + "</h1></html>").getBytes();
        o.write(("HTTP/1.1 " + c + " " + t + "\r\nContent-Type: text/html\r\nContent-Length: " + b.length + "\r\nConnection: close\r\n\r\n").getBytes());
        if (!head) o.write(b);
        o.flush();
    }
}
