package co.edu.telematica.pibl;

import java.io.*;
import java.nio.charset.StandardCharsets;
import java.util.*;

/** Cabecera de una peticion o respuesta. */
class Mensaje {
    String primera;
    List<String> lineas = new ArrayList<>();

    static class Grande extends IOException {
    }

    static String linea(InputStream in, int max) throws IOException {
        ByteArrayOutputStream b = new ByteArrayOutputStream(80);
        int c;
        while ((c = in.read()) != '\n') {
            if (c < 0)
                throw new EOFException(b.size() == 0 ? "nada" : "a medias");
            b.write(c);
            if (b.size() > max)
                throw new Grande();
        }
        String s = b.toString(StandardCharsets.ISO_8859_1);
        return s.endsWith("\r") ? s.substring(0, s.length() - 1) : s;
    }

    static Mensaje leer(InputStream in) throws IOException {
        Mensaje m = new Mensaje();
        int vacias = 0, total = 0;
        do {
            m.primera = linea(in, 65536);
        } while (m.primera.isEmpty() && vacias++ < 10);
        String l;
        while (!(l = linea(in, 65536)).isEmpty()) {
            m.lineas.add(l);
            if ((total += l.length()) > 131072)
                throw new Grande();
        }
        return m;
    }

    static String nombre(String l) {
        int i = l.indexOf(':');
        return i < 0 ? "" : l.substring(0, i).trim().toLowerCase();
    }

    String valor(String n) {
        for (String l : lineas)
            if (nombre(l).equals(n))
                return l.substring(l.indexOf(':') + 1).trim();
        return null;
    }

    Set<String> palabras(String n) {
        Set<String> r = new HashSet<>();
        for (String l : lineas)
            if (nombre(l).equals(n))
                for (String x : l.substring(l.indexOf(':') + 1).split(","))
                    r.add(x.trim().toLowerCase().split("[=;]", 2)[0]);
        return r;
    }

    private static final Set<String> SALTO = new HashSet<>(Arrays.asList("connection", "keep-alive", "proxy-connection",
            "te", "trailer", "transfer-encoding", "upgrade", "expect", "content-length"));

    /** Lo que pasa de un lado al otro (sin hop by hop ni Content-Length, ese se pone aparte) */
    void pasar(StringBuilder sb) {
        Set<String> c = palabras("connection");
        for (String l : lineas)
            if (!SALTO.contains(nombre(l)) && !c.contains(nombre(l)))
                sb.append(l).append("\r\n");
    }

    /** Lee chunked y lo escribe ya sin trozos. */
    static void trozos(InputStream in, OutputStream out) throws IOException {
        byte[] b = new byte[16384];
        while (true) {
            long n;
            try {
                n = Long.parseLong(linea(in, 4000).split(";")[0].trim(), 16);
            } catch (NumberFormatException e) {
                throw new IOException("chunk malo");
            }
            if (n == 0)
                break;
            while (n > 0) {
                int k = in.read(b, 0, (int) Math.min(b.length, n));
                if (k < 0)
                    throw new EOFException("chunk a medias");
                out.write(b, 0, k);
                n -= k;
            }
            if (!linea(in, 10).isEmpty())
                throw new IOException("chunk malo");
        }
        while (!linea(in, 65536).isEmpty())
            ;
    }
}
