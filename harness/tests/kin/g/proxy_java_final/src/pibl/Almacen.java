package pibl;

import java.io.*;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.util.*;
import java.util.zip.CRC32;

/**
 * Cache en un solo archivo al que solo se agrega.
 * Registro: marca(4) crc(8) hora(8) nClave(4) nCab(4) nCuerpo(4) clave cabecera cuerpo
 * El indice esta en memoria y se rehace al arrancar leyendo el archivo.
 */
class Almacen {
    static final int MARCA = 0x5049424C, FIJO = 32;

    static class Entrada {
        long hora, pos;
        int nCab, nCuerpo;
    }

    static class Hallado {
        byte[] cabecera, cuerpo;
        long edad;
    }

    private final FileChannel canal;
    private final long ttl;
    private final Map<String, Entrada> indice = new HashMap<>();
    private long fin;

    Almacen(String nombre, long ttl) throws IOException {
        this.ttl = ttl;
        canal = FileChannel.open(Path.of(nombre), StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
        rehacer();
    }

    synchronized int cuantos() { return indice.size(); }

    private static byte[] leer(FileChannel c, long pos, int n) throws IOException {
        ByteBuffer b = ByteBuffer.allocate(n);
        while (b.hasRemaining()) {
            int r = c.read(b, pos + b.position());
            if (r < 0) throw new EOFException();
        }
        return b.array();
    }

    private static long crc(long hora, byte[] clave, byte[] cab, byte[] cuerpo) {
        CRC32 c = new CRC32();
        c.update(ByteBuffer.allocate(8).putLong(0, hora));
        c.update(clave);
        c.update(cab);
        c.update(cuerpo);
        return c.getValue();
    }

    private void rehacer() throws IOException {
        long pos = 0, total = canal.size();
        while (pos + FIJO <= total) {
            ByteBuffer h = ByteBuffer.wrap(leer(canal, pos, FIJO));
            int marca = h.getInt();
            long crc = h.getLong(), hora = h.getLong();
            int nk = h.getInt(), nc = h.getInt(), nb = h.getInt();
            if (marca != MARCA || nk < 0 || nc < 0 || nb < 0 || pos + FIJO + nk + nc + (long) nb > total) break;
            byte[] k = leer(canal, pos + FIJO, nk), c = leer(canal, pos + FIJO + nk, nc), b = leer(canal, pos + FIJO + nk + nc, nb);
            if (crc(hora, k, c, b) != crc) break;
            Entrada e = new Entrada();
            e.hora = hora;
            e.pos = pos + FIJO + nk;
            e.nCab = nc;
            e.nCuerpo = nb;
            indice.put(new String(k, StandardCharsets.ISO_8859_1), e);
            pos += FIJO + nk + nc + nb;
        }
        canal.truncate(pos);        // lo que quedo a medias se bota
        fin = pos;
    }

    Hallado buscar(String clave) {
        Entrada e;
        long edad;
        synchronized (this) {
            e = indice.get(clave);
            if (e == null) return null;
            edad = System.currentTimeMillis() - e.hora;
            if (edad >= ttl || edad < 0) {
                indice.remove(clave);
                return null;
            }
        }
        try {
            Hallado h = new Hallado();
            h.cabecera = leer(canal, e.pos, e.nCab);
            h.cuerpo = leer(canal, e.pos + e.nCab, e.nCuerpo);
            h.edad = edad;
            return h;
        } catch (IOException x) {
            return null;
        }
    }

    synchronized void guardar(String clave, byte[] cab, byte[] cuerpo) {
        byte[] k = clave.getBytes(StandardCharsets.ISO_8859_1);
        long hora = System.currentTimeMillis();
        ByteBuffer b = ByteBuffer.allocate(FIJO + k.length + cab.length + cuerpo.length);
        b.putInt(MARCA).putLong(crc(hora, k, cab, cuerpo)).putLong(hora);
        b.putInt(k.length).putInt(cab.length).putInt(cuerpo.length);
        b.put(k).put(cab).put(cuerpo).flip();
        try {
            long p = fin;
            while (b.hasRemaining()) p += canal.write(b, p);
            Entrada e = new Entrada();
            e.hora = hora;
            e.pos = fin + FIJO + k.length;
            e.nCab = cab.length;
            e.nCuerpo = cuerpo.length;
            fin = p;
            indice.put(clave, e);
        } catch (IOException x) {
            System.err.println("almacen: " + x);
        }
    }
}
