package co.edu.telematica.prueba;

import java.io.*;
import java.net.*;

public class Cliente {
    public static void main(String[] a) throws Exception {
        for (int i = 0; i < 9; i++) {
            HttpURLConnection c = (HttpURLConnection) new URL("http://localhost:8080/?" + i).openConnection();
            System.out.println(c.getResponseCode() + " " + new BufferedReader(new InputStreamReader(c.getInputStream())).readLine());
        }
    }
}
