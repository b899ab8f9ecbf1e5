package co.edu.telematica.pibl;

import java.io.*;
import java.net.*;
import java.util.concurrent.*;

/** Clase principal del PIBL. */
public class Principal {

    public static void main(String[] args) throws Exception {
        if (args.length < 1) {
            System.err.println("Uso: java co.edu.telematica.pibl.Principal <ttl segundos> [pibl.properties]");
            System.exit(2);
        }
        Config conf = null;
        double ttl = 0;
        try {
            ttl = Double.parseDouble(args[0]);
            conf = new Config(args.length > 1 ? args[1] : "pibl.properties");
        } catch (Exception e) {
            System.err.println("Configuracion: " + e.getMessage());
            System.exit(1);
        }
        Bitacora bit = new Bitacora(conf.log);
        Almacen alm = new Almacen(new File(conf.cache), (long) (ttl * 1000));
        Ronda ronda = new Ronda(conf.servidores);
        ExecutorService pool = Executors.newCachedThreadPool();
        ServerSocket ss = new ServerSocket();
        ss.setReuseAddress(true);
        try {
            ss.bind(new InetSocketAddress("0.0.0.0", conf.puerto), 1000);
        } catch (IOException e) {
            System.err.println("No se pudo abrir el puerto " + conf.puerto + ": " + e.getMessage());
            System.exit(1);
        }
        System.out.println("PIBL escuchando en " + conf.puerto + " servidores=" + conf.servidores + " ttl=" + ttl);
        while (true) {
            Socket s;
            try {
                s = ss.accept();
            } catch (IOException e) {
                Thread.sleep(20);
                continue;
            }
            try {
                pool.execute(new Atencion(s, ronda, alm, bit));
            } catch (Throwable t) {
                s.close();
            }
        }
    }
}
