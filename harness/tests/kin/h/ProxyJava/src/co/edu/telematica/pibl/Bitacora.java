package co.edu.telematica.pibl;

import java.io.*;
import java.nio.charset.StandardCharsets;
import java.text.SimpleDateFormat;
import java.util.Date;

class Bitacora {
    private final FileOutputStream f;
    private final SimpleDateFormat fmt = new SimpleDateFormat("yyyy-MM-dd HH:mm:ss.SSS");

    Bitacora(String archivo) throws IOException {
        File d = new File(archivo).getAbsoluteFile().getParentFile();
        d.mkdirs();
        f = new FileOutputStream(archivo, true);
        anotar("-", "INICIO", 0, 0, 0, "PIBL"); // la primera vez es lenta
    }

    synchronized void anotar(String quien, String peticion, long cuerpo, int estado, long bytes, String de) {
        String l = fmt.format(new Date()) + "\t" + quien + "\t" + peticion + "\t(" + cuerpo + ")\t" + estado + "\t" + bytes + "\t" + de + "\n";
        byte[] b = l.getBytes(StandardCharsets.ISO_8859_1);
        try {
            f.write(b);
        } catch (IOException e) {
            System.err.println(e);
        }
        System.out.write(b, 0, b.length);
        System.out.flush();
    }
}
