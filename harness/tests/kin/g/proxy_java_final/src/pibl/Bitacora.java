package pibl;

import java.io.*;
import java.nio.charset.StandardCharsets;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicLong;

/** Una linea para la peticion y otra para la respuesta, con el mismo numero. */
class Bitacora {
    private final Writer archivo;
    private final AtomicLong numero = new AtomicLong();
    private final DateTimeFormatter f = DateTimeFormatter.ofPattern("EEEE d 'de' MMMM HH:mm:ss.SSS", new Locale("es", "CO"));

    Bitacora(String nombre) throws IOException {
        archivo = new OutputStreamWriter(new FileOutputStream(nombre, true), StandardCharsets.UTF_8);
    }

    private synchronized void linea(String s) {
        s = LocalDateTime.now().format(f) + " | " + s;
        System.out.println(s);
        System.out.flush();
        try {
            archivo.write(s + "\n");
            archivo.flush();
        } catch (IOException e) {
            System.err.println("bitacora: " + e);
        }
    }

    long peticion(String quien, String metodo, String destino) {
        long n = numero.incrementAndGet();
        linea("PETICION  #" + n + " " + metodo + " " + destino + " (cliente " + quien + ")");
        return n;
    }

    void respuesta(long n, String metodo, String destino, String estado, int largo, String de) {
        linea("RESPUESTA #" + n + " " + estado + " " + largo + " bytes, " + de);
    }
}
