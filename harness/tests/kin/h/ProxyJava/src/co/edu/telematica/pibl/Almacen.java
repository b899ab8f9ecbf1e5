package co.edu.telematica.pibl;

import java.io.*;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.security.MessageDigest;
import java.util.concurrent.atomic.AtomicLong;

/** Cache en disco: cache/ab/cdef.... ; adentro: url, momento, cabecera y cuerpo */
class Almacen {
    final File dir;
    final long ttl;
    private final AtomicLong n = new AtomicLong();

    Almacen(File dir, long ttl) {
        this.dir = dir;
        this.ttl = ttl;
        dir.mkdirs();
    }

    private File archivo(String url) {
        try {
            byte[] h = MessageDigest.getInstance("SHA-1").digest(url.getBytes(StandardCharsets.ISO_8859_1));
            StringBuilder s = new StringBuilder();
            for (byte b : h)
                s.append(Character.forDigit(b >> 4 & 15, 16)).append(Character.forDigit(b & 15, 16));
            return new File(dir, s.substring(0, 2) + "/" + s.substring(2));
        } catch (Exception e) {
            throw new RuntimeException(e);
        }
    }

    static class Hallado {
        String cabecera;
        long edad, largo;
        FileInputStream cuerpo;
    }

    Hallado buscar(String url) {
        FileInputStream f = null;
        try {
            f = new FileInputStream(archivo(url));
            DataInputStream d = new DataInputStream(f);
            long t = d.readLong();
            byte[] u = new byte[d.readInt()];
            d.readFully(u);
            byte[] c = new byte[d.readInt()];
            d.readFully(c);
            Hallado h = new Hallado();
            h.edad = System.currentTimeMillis() - t;
            if (h.edad < ttl && new String(u, StandardCharsets.ISO_8859_1).equals(url)) {
                h.cabecera = new String(c, StandardCharsets.ISO_8859_1);
                h.largo = f.getChannel().size() - f.getChannel().position();
                h.cuerpo = f;
                return h;
            }
        } catch (IOException e) {
        }
        try {
            if (f != null)
                f.close();
        } catch (IOException e) {
        }
        return null;
    }

    class Nuevo {
        private final File tmp, fin;
        private RandomAccessFile r;

        Nuevo(String url, String cab) throws IOException {
            fin = archivo(url);
            fin.getParentFile().mkdirs();
            tmp = new File(dir, "t" + ProcessHandle.current().pid() + "-" + n.incrementAndGet());
            r = new RandomAccessFile(tmp, "rw");
            r.setLength(0);
            byte[] u = url.getBytes(StandardCharsets.ISO_8859_1), c = cab.getBytes(StandardCharsets.ISO_8859_1);
            r.writeLong(0);
            r.writeInt(u.length);
            r.write(u);
            r.writeInt(c.length);
            r.write(c);
        }

        void poner(byte[] b, int o, int k) {
            try {
                if (r != null)
                    r.write(b, o, k);
            } catch (IOException e) {
                botar();
            }
        }

        void listo() {
            try {
                if (r == null)
                    return;
                r.seek(0);
                r.writeLong(System.currentTimeMillis());
                r.close();
                r = null;
                Files.move(tmp.toPath(), fin.toPath(), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            } catch (IOException e) {
                tmp.delete();
            }
        }

        void botar() {
            try {
                if (r != null)
                    r.close();
            } catch (IOException e) {
            }
            if (r != null)
                tmp.delete();
            r = null;
        }
    }
}
