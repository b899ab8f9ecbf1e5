package pibl;

import java.io.File;
import java.net.*;
import java.util.*;
import javax.xml.parsers.DocumentBuilderFactory;
import org.w3c.dom.*;

/** Arranque: lee config.xml, espera un momento a los servidores y abre el puerto. */
public class Principal {
    static int puerto = 8080;
    static String archivoBitacora = "bitacora.txt";
    static final List<InetSocketAddress> servidores = new ArrayList<>();

    static void leerConfig(String nombre) throws Exception {
        Document d = DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(new File(nombre));
        NodeList p = d.getElementsByTagName("puerto");
        if (p.getLength() > 0 && !p.item(0).getTextContent().isBlank())
            puerto = Integer.parseInt(p.item(0).getTextContent().trim());
        NodeList b = d.getElementsByTagName("bitacora");
        if (b.getLength() > 0) archivoBitacora = b.item(0).getTextContent().trim();
        NodeList s = d.getElementsByTagName("servidor");
        for (int i = 0; i < s.getLength(); i++) {
            Element e = (Element) s.item(i);
            servidores.add(new InetSocketAddress(e.getAttribute("host"), Integer.parseInt(e.getAttribute("puerto"))));
        }
    }

    /** Las maquinas de AWS a veces prenden despues del proxy: se les da hasta tres segundos. */
    static void esperarServidores() throws InterruptedException {
        long limite = System.currentTimeMillis() + 3000;
        for (InetSocketAddress s : servidores) {
            boolean listo = false;
            while (!listo && System.currentTimeMillis() < limite) {
                try (Socket k = new Socket()) {
                    k.connect(s, 500);
                    listo = true;
                } catch (Exception e) {
                    Thread.sleep(200);
                }
            }
            System.out.println((listo ? "servidor listo: " : "servidor sin responder: ") + s);
        }
    }

    public static void main(String[] args) throws Exception {
        double ttl = 60;
        String config = "config.xml";
        for (String a : args) {
            if (a.startsWith("--ttl=")) ttl = Double.parseDouble(a.substring(6));
            else config = a;
        }
        leerConfig(config);
        if (servidores.isEmpty()) {
            System.err.println("no hay servidores en " + config);
            System.exit(1);
        }
        ServerSocket ss = new ServerSocket();
        ss.setReuseAddress(true);
        ss.bind(new InetSocketAddress(puerto), 1024);
        esperarServidores();
        Bitacora bit = new Bitacora(archivoBitacora);
        Almacen alm = new Almacen("almacen.dat", (long) (ttl * 1000));
        Balanceador bal = new Balanceador(servidores);
        Piscina piscina = new Piscina(500);
        System.out.println("LISTO en el puerto " + puerto + " ttl " + ttl + " s, " + alm.cuantos() + " recursos en disco");
        while (true) {
            Socket c = ss.accept();
            piscina.ejecutar(new Atencion(c, bal, alm, bit));
        }
    }
}
