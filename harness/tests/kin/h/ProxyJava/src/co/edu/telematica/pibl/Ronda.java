package co.edu.telematica.pibl;

import java.net.InetSocketAddress;
import java.util.List;

class Ronda {
    private final List<InetSocketAddress> lista;
    private int i = -1;

    Ronda(List<InetSocketAddress> lista) {
        this.lista = lista;
    }

    int cuantos() {
        return lista.size();
    }

    synchronized InetSocketAddress siguiente() {
        if (++i == lista.size())
            i = 0;
        return lista.get(i);
    }
}
