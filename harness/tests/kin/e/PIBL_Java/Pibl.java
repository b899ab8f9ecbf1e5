import java.io.*;
import java.net.*;
import java.text.SimpleDateFormat;
import java.util.*;
import java.util.concurrent.*;

/**
 * Proxy inverso + balanceador de carga.
 * Telemática 2022-2, Universidad EAFIT
 * Compilación: javac *.java ; java Pibl
 */
public class Pibl {
    static int puerto = 8080;
    static int ttl = 60;
    static List<InetSocketAddress> servidores = new ArrayList<>();
    static int actual = 0;
    static PrintWriter registro;

    static synchronized int siguienteServidor() {
        int s = actual;
        actual++;
        if (actual == servidores.size()) actual = 0;
        return s;
    }

    static synchronized void log(String cliente, String peticion, String respuesta, String origen) {
        String h = new SimpleDateFormat("yyyy-MM-dd HH:mm:ss").format(new Date());
        StringBuilder sb = new StringBuilder();
        sb.append("---- ").append(h).append(" ").append(cliente).append("\n");
        sb.append("  Petición : ").append(peticion).append("\n");
        sb.append("  Respuesta: ").append(respuesta).append("  <").append(origen).append(">\n");
        System.out.print(sb);
        System.out.flush();
        registro.print(sb);
        registro.flush();
    }

    public static void main(String[] args) throws Exception {
        Properties p = new Properties();
        String arch = args.length > 1 ? args[1] : "pibl.properties";
        try (FileInputStream in = new FileInputStream(arch)) {
            p.load(in);
        }
        puerto = Integer.parseInt(p.getProperty("puerto", "8080").trim());
        for (int i = 1; p.getProperty("servidor" + i) != null; i++) {
            String[] hp = p.getProperty("servidor" + i).trim().split(":");
            servidores.add(new InetSocketAddress(hp[0], Integer.parseInt(hp[1])));
        }
        if (args.length > 0) {
            ttl = Integer.parseInt(args[0]);
        } else {
            // menú
            System.out.println("===== PIBL =====");
            System.out.print("Digite el TTL del caché (segundos): ");
            ttl = Integer.parseInt(new Scanner(System.in).nextLine().trim());
        }
        registro = new PrintWriter(new OutputStreamWriter(new FileOutputStream("registro.txt", true), "UTF-8"));
        Cache.iniciar();
        ServerSocket ss = new ServerSocket();
        ss.setReuseAddress(true);
        ss.bind(new InetSocketAddress(puerto), 100);
        System.out.println("Escuchando en " + puerto + " servidores " + servidores + " TTL " + ttl);
        // no más de 4 hilos porque la máquina de AWS es pequeña (t2.micro)
        ExecutorService pool = Executors.newFixedThreadPool(4);
        while (true) {
            Socket s = ss.accept();
            pool.execute(new Atencion(s));
        }
    }
}
