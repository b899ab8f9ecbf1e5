import sys
import threading


class Balanceador:
    """Round Robin"""

    def __init__(self, archivo):
        self.servidores = []
        self.turno = -1
        self.lock = threading.Lock()
        try:
            for linea in open(archivo):
                linea = linea.split("#")[0].strip()
                if linea.startswith("- "):
                    host, port = linea[2:].strip().strip('"').split(":")
                    self.servidores.append((host, int(port)))
        except (OSError, ValueError) as e:
            print("no se pudo leer", archivo, e)
            sys.exit(1)
        if not self.servidores:
            print("no hay servidores en", archivo)
            sys.exit(1)

    def cuantos(self):
        return len(self.servidores)

    def siguiente(self):
        with self.lock:
            self.turno = (self.turno + 1) % len(self.servidores)
            return self.servidores[self.turno]
