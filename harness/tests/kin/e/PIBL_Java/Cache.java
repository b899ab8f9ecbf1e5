import java.io.*;
import java.nio.file.*;
import java.util.*;
import java.util.concurrent.atomic.AtomicInteger;

/** Caché en disco. Queda en la carpeta del usuario para que no se borre al recompilar. */
class Cache {
    static Path dir = Paths.get(System.getenv("HOME"), ".pibl", "cache");
    static AtomicInteger n = new AtomicInteger();

    static void iniciar() throws IOException {
        Files.createDirectories(dir);
    }

    // los nombres de archivo no pueden llevar / ni ? ni cosas raras
    static Path archivo(String ruta) {
        String s = ruta.replaceAll("[^A-Za-z0-9.]", "_");
        if (s.length() > 200) s = s.substring(0, 180) + "_" + ruta.hashCode();
        return dir.resolve("c" + s);
    }

    static Atencion.Resp buscar(String ruta) {
        try (DataInputStream d = new DataInputStream(new BufferedInputStream(Files.newInputStream(archivo(ruta))))) {
            long creado = d.readLong();
            if (System.currentTimeMillis() / 1000 - creado >= Pibl.ttl) return null;
            Atencion.Resp r = new Atencion.Resp();
            r.estado = d.readUTF();
            int k = d.readInt();
            for (int i = 0; i < k; i++) r.cab.add(d.readUTF());
            r.cuerpo = new byte[d.readInt()];
            d.readFully(r.cuerpo);
            return r;
        } catch (IOException e) {
            return null;
        }
    }

    static void guardar(String ruta, Atencion.Resp r) {
        try {
            Path tmp = dir.resolve("tmp" + n.incrementAndGet());
            try (DataOutputStream d = new DataOutputStream(new BufferedOutputStream(Files.newOutputStream(tmp)))) {
                d.writeLong(System.currentTimeMillis() / 1000);
                d.writeUTF(r.estado);
                d.writeInt(r.cab.size());
                for (String s : r.cab) d.writeUTF(s);
                d.writeInt(r.cuerpo.length);
                d.write(r.cuerpo);
            }
            Files.move(tmp, archivo(ruta), StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            System.out.println("No se guardó en caché: " + e);
        }
    }
}
