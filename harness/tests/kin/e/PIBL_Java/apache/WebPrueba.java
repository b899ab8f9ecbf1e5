import com.sun.net.httpserver.*;
import java.net.*;
public class WebPrueba { public static void main(String[] a) throws Exception {
  HttpServer h = HttpServer.create(new InetSocketAddress("127.0.0.1", Integer.parseInt(a[0])), 0);
  h.createContext("/", e -> { byte[] b = ("web " + a[0] + " " + e.getRequestURI() + "\n").getBytes(); e.sendResponseHeaders(200, b.length); e.getResponseBody().write(b); e.close(); });
  h.start(); } }
