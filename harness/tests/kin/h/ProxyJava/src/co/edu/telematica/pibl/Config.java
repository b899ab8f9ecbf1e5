package co.edu.telematica.pibl;

import java.io.*;
import java.net.InetSocketAddress;
import java.util.*;

class Config {
    int puerto = 8080;
    String cache = "cache";
    String log = "pibl.log";
    List<InetSocketAddress> servidores = new ArrayList<>();

    Config(String archivo) throws Exception {
        Properties p = new Properties();
        try (InputStream in = new FileInputStream(archivo)) {
            p.load(in);
        }
        puerto = Integer.parseInt(p.getProperty("pibl.puerto", "8080").trim());
        cache = p.getProperty("pibl.cache", cache).trim();
        log = p.getProperty("pibl.log", log).trim();
        // servidor.1=host:puerto, servidor.2= ...   (sin saltarse numeros)
        for (int i = 1; p.getProperty("servidor." + i) != null; i++) {
            String[] hp = p.getProperty("servidor." + i).trim().split(":");
            servidores.add(new InetSocketAddress(hp[0], hp.length > 1 ? Integer.parseInt(hp[1]) : 80));
        }
        if (servidores.isEmpty())
            throw new Exception("falta servidor.1 en " + archivo);
    }
}
