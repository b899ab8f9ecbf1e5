// todo en una clase (no compila, falta el cache)
public class Proxy { public static void main(String[] a) { /* ... */ } }
