package pibl;

import java.io.*;
import java.util.*;

/** Un mensaje HTTP (peticion o respuesta), siempre en bytes ISO-8859-1. */
class Mensaje {
    static class Vacio extends IOException { }

    static final Set<String> SALTO = Set.of("connection", "keep-alive", "proxy-connection", "te", "trailer",
            "transfer-encoding", "upgrade");

    String linea;
    List<String[]> campos = new ArrayList<>();
    byte[] cuerpo = new byte[0];

    private static String leerLinea(InputStream in, int max) throws IOException {
        ByteArrayOutputStream b = new ByteArrayOutputStream();
        while (true) {
            int c = in.read();
            if (c < 0) {
                if (b.size() == 0) throw new Vacio();
                throw new EOFException();
            }
            if (c == '\n') break;
            b.write(c);
            if (b.size() > max) throw new IOException("largo");
        }
        String s = b.toString("ISO-8859-1");
        return s.endsWith("\r") ? s.substring(0, s.length() - 1) : s;
    }

    static Mensaje leerCabecera(InputStream in) throws IOException {
        Mensaje m = new Mensaje();
        do m.linea = leerLinea(in, 65536); while (m.linea.isEmpty());
        while (true) {
            String l;
            try {
                l = leerLinea(in, 131072);
            } catch (Vacio v) {
                throw new EOFException();
            }
            if (l.isEmpty()) return m;
            int d = l.indexOf(':');
            if (d <= 0 || m.campos.size() > 1000) throw new ProtocoloException();
            m.campos.add(new String[] { l.substring(0, d), l.substring(d + 1).trim() });
        }
    }

    static class ProtocoloException extends IOException { }

    String valor(String n) {
        for (String[] c : campos) if (c[0].equalsIgnoreCase(n)) return c[1];
        return null;
    }

    boolean tiene(String n, String palabra) {
        for (String[] c : campos)
            if (c[0].equalsIgnoreCase(n))
                for (String p : c[1].split(","))
                    if (p.trim().toLowerCase().split("[=; ]")[0].equals(palabra)) return true;
        return false;
    }

    List<String[]> finAFin() {
        Set<String> fuera = new HashSet<>(SALTO);
        for (String[] c : campos)
            if (c[0].equalsIgnoreCase("connection"))
                for (String p : c[1].split(",")) fuera.add(p.trim().toLowerCase());
        fuera.remove("content-length");
        fuera.remove("host");
        List<String[]> r = new ArrayList<>();
        for (String[] c : campos) if (!fuera.contains(c[0].toLowerCase())) r.add(c);
        return r;
    }

    String metodo() { return linea.substring(0, linea.indexOf(' ')); }

    String destino() { return linea.substring(linea.indexOf(' ') + 1, linea.lastIndexOf(' ')); }

    int codigo() {
        return Integer.parseInt(linea.split(" ")[1].trim());
    }

    String estado() { return linea.substring(linea.indexOf(' ') + 1); }

    boolean anunciaCuerpo() { return tiene("Transfer-Encoding", "chunked") || valor("Content-Length") != null; }

    void leerCuerpo(InputStream in, boolean hastaElFin) throws IOException {
        String cl = valor("Content-Length");
        if (tiene("Transfer-Encoding", "chunked")) {
            ByteArrayOutputStream b = new ByteArrayOutputStream();
            while (true) {
                int n = Integer.parseInt(leerLinea(in, 4096).split(";")[0].trim(), 16);
                if (n == 0) break;
                byte[] t = in.readNBytes(n);
                if (t.length < n) throw new EOFException();
                b.write(t);
                if (!leerLinea(in, 10).isEmpty()) throw new ProtocoloException();
            }
            while (!leerLinea(in, 131072).isEmpty()) { }
            cuerpo = b.toByteArray();
        } else if (cl != null) {
            int n = Integer.parseInt(cl.trim());
            cuerpo = in.readNBytes(n);
            if (cuerpo.length < n) throw new EOFException();
        } else if (hastaElFin) {
            cuerpo = in.readAllBytes();
        }
    }
}
