"""
PIBL con hilos.      python3 pibl.py 60
                     python3 pibl.py <ttl en segundos> [config.json]
"""
import json
import os
import socket
import sys
import threading
import time

from memoria import Memoria
from peticion import Incompleta, Respuesta, leer_peticion

CARPETA_LOG = "logs"


class Registro:
    def __init__(self):
        os.makedirs(CARPETA_LOG, exist_ok=True)
        self.f = open(os.path.join(CARPETA_LOG, "pibl.log"), "a", encoding="utf-8")
        self.candado = threading.Lock()

    def linea(self, texto):
        texto = time.strftime("[%d/%m/%Y %H:%M:%S] ") + texto + "\n"
        with self.candado:
            self.f.write(texto)
            self.f.flush()
            sys.stdout.write(texto)
            sys.stdout.flush()


class Balanceador:
    def __init__(self, backends, registro):
        self.backends = backends
        self.turno = 0
        self.registro = registro

    def elegir(self):
        i = self.turno
        if i >= len(self.backends):
            i = 0
        b = self.backends[i]
        self.registro.linea("turno de %s:%d" % b)
        self.turno = (i + 1) % len(self.backends)
        return b

    def sacar(self, b):
        """no contesta, no se le vuelve a mandar nada"""
        if b in self.backends:
            self.backends.remove(b)
            self.registro.linea("se retira %s:%d, quedan %d" % (b[0], b[1], len(self.backends)))


class Pibl:
    def __init__(self, puerto, backends, ttl):
        self.puerto = puerto
        self.registro = Registro()
        self.bal = Balanceador(backends, self.registro)
        self.memoria = Memoria(ttl)

    def preguntar(self, pet):
        """(respuesta, backend); lanza ConnectionError si no hay nadie"""
        while self.bal.backends:
            b = self.bal.elegir()
            try:
                s = socket.create_connection(b, timeout=3)
            except OSError:
                self.bal.sacar(b)
                continue
            with s:
                s.settimeout(None)
                bruto = []
                try:
                    s.sendall(pet.para_backend())
                except OSError:
                    pass
                try:
                    while True:
                        d = s.recv(65536)
                        if not d:
                            break
                        bruto.append(d)
                except OSError:
                    pass
            return Respuesta(b"".join(bruto), pet.metodo), b
        raise ConnectionError("no quedan servidores")

    def contestar(self, cli, pet, estado, campos, cuerpo, sin_cuerpo, de):
        cab = "HTTP/1.1 " + estado + "\r\n"
        for n, v in campos:
            cab += "%s: %s\r\n" % (n, v)
        if not sin_cuerpo:
            cab += "Content-Length: %d\r\n" % len(cuerpo)
        cab += "Connection: close\r\n\r\n"
        linea = pet.linea if pet else "?"
        self.registro.linea("%s -> %s, %d bytes, %s" % (linea, estado, len(cuerpo), de))
        if isinstance(cuerpo, str):
            cuerpo = cuerpo.encode("utf-8")
        cli.sendall(cab.encode("latin-1"))
        if not sin_cuerpo:
            cli.sendall(cuerpo)

    def error(self, cli, pet, estado):
        self.contestar(cli, pet, estado, [("Content-Type", "text/plain")], estado + "\n",
                       pet is not None and pet.metodo == "HEAD", "pibl")

    def se_guarda(self, pet, resp):
        if pet.metodo != "GET" or resp.codigo != 200:
            return False
        if pet.campo("authorization") or pet.campo("range"):
            return False
        cc = resp.campo("cache-control").lower()
        return "no-store" not in cc and "private" not in cc

    def atender(self, cli, dir_):
        try:
            cli.settimeout(60)
            try:
                pet = leer_peticion(cli)
            except ValueError:
                self.error(cli, None, "400 Bad Request")
                return
            if pet is None:
                return
            if pet.metodo == "GET" and not pet.campo("authorization"):
                g = self.memoria.buscar(pet.ruta)
                if g:
                    self.contestar(cli, pet, g[0], g[1], g[2], False, "cache")
                    return
            try:
                resp, b = self.preguntar(pet)
            except ConnectionError:
                self.error(cli, pet, "503 Service Unavailable")
                return
            except (Incompleta, ValueError, IndexError):
                self.error(cli, pet, "502 Bad Gateway")
                return
            if self.se_guarda(pet, resp):
                self.memoria.guardar(pet.ruta, resp)
            self.contestar(cli, pet, resp.estado, resp.campos, resp.cuerpo, resp.sin_cuerpo, "%s:%d" % b)
        except OSError:
            pass
        finally:
            try:
                cli.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            cli.close()

    def servir(self):
        s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("", self.puerto))
        s.listen(500)
        print("PIBL listo en el puerto", self.puerto, flush=True)
        while True:
            cli, dir_ = s.accept()
            threading.Thread(target=self.atender, args=(cli, dir_), daemon=True).start()


def main():
    if len(sys.argv) < 2:
        print(__doc__)
        sys.exit(1)
    ttl = float(sys.argv[1])
    with open(sys.argv[2] if len(sys.argv) > 2 else "config.json", encoding="utf-8") as f:
        conf = json.load(f)
    backends = [(b["ip"], int(b["puerto"])) for b in conf["backends"]]
    Pibl(int(conf.get("puerto", 8080)), backends, ttl).servir()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        print("\nfin")
