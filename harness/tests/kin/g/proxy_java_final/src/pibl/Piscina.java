package pibl;

import java.util.ArrayDeque;

/** Piscina de hilos propia: crece cuando no hay ninguno libre. */
class Piscina {
    private final ArrayDeque<Runnable> cola = new ArrayDeque<>();
    private final int maximo;
    private int hilos, libres;

    Piscina(int maximo) { this.maximo = maximo; }

    synchronized void ejecutar(Runnable r) {
        cola.add(r);
        if (libres < cola.size() && hilos < maximo) {
            hilos++;
            Thread t = new Thread(this::ciclo, "trabajador-" + hilos);
            t.setDaemon(true);
            t.start();
        } else {
            notify();
        }
    }

    private void ciclo() {
        while (true) {
            Runnable r;
            synchronized (this) {
                libres++;
                while (cola.isEmpty()) {
                    try { wait(); } catch (InterruptedException e) { /* sigue */ }
                }
                libres--;
                r = cola.poll();
            }
            try {
                r.run();
            } catch (Throwable t) {
                System.err.println("trabajador: " + t);
            }
        }
    }
}
