// borrador clase 3
import java.net.*;
public class Servidor { public static void main(String[] a) throws Exception { ServerSocket s = new ServerSocket(8080); while (true) s.accept().close(); } }
