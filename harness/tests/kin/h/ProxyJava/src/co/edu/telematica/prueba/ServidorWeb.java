package co.edu.telematica.prueba;

import com.sun.net.httpserver.*;
import java.net.InetSocketAddress;

public class ServidorWeb {
    public static void main(String[] a) throws Exception {
        HttpServer s = HttpServer.create(new InetSocketAddress(Integer.parseInt(a[0])), 0);
        s.createContext("/", x -> {
            byte[] b = ("servidor " + a[0] + " " + x.getRequestURI()).getBytes();
            x.sendResponseHeaders(200, b.length);
            x.getResponseBody().write(b);
            x.close();
        });
        s.start();
    }
}
