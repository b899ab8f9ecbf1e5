import getopt
import os
import select
import socket
import sys
import time

import config
from mensaje import Mensaje

# Un solo hilo con select: nada bloquea
ESPERA_BACKEND = 10
ESPERA_CLIENTE = 30
ttl_ms = 60000
turno = 0
conexiones = {}        # socket -> Conexion
registro = open("registro.txt", "a", encoding="latin-1")


class Cache:
    """ cada recurso en un archivo de la carpeta recursos/ """

    def __init__(self):
        self.indice = {}
        self.n = 0
        if not os.path.isdir("recursos"):
            os.mkdir("recursos")

    def poner(self, clave, crudo):
        self.n += 1
        nombre = "recursos/recurso_%d_%05d.bin" % (os.getpid(), self.n)
        with open(nombre + ".tmp", "wb") as f:
            f.write(crudo)
        os.rename(nombre + ".tmp", nombre)
        self.indice[clave] = (nombre, time.time())

    def sacar(self, clave):
        if clave not in self.indice:
            return None
        nombre, cuando = self.indice[clave]
        if (time.time() - cuando) * 1000 > ttl_ms:
            del self.indice[clave]
            os.remove(nombre)
            return None
        with open(nombre, "rb") as f:
            return f.read()


cache = Cache()


def log(texto):
    linea = time.strftime("%Y/%m/%d %H:%M:%S ") + texto + "\n"
    sys.stdout.write(linea)
    sys.stdout.flush()
    registro.write(linea)
    registro.flush()


def log_mensajes(con, peticion, respuesta, origen):
    """ la peticion que se hace y la respuesta que se entrega (5.7) """
    log("PETICION de %s: %s" % (con.quien, peticion.primera))
    for k, v in peticion.campos:
        log("    > %s: %s" % (k, v))
    log("RESPUESTA (%s): %s" % (origen, respuesta.primera))
    for k, v in respuesta.campos:
        log("    < %s: %s" % (k, v))
    volcado = respuesta.cuerpo[:4096]
    for i in range(0, len(volcado), 16):
        log("    %04x  %s" % (i, volcado[i:i + 16].hex(" ")))


class Conexion:
    def __init__(self, sock, quien):
        sock.setblocking(False)
        self.sock = sock
        self.quien = quien
        self.entra = bytearray()
        self.sale = b""
        self.enviado = 0
        self.limite = time.time() + ESPERA_CLIENTE
        self.otra = None          # la conexion del otro lado
        self.peticion = None
        self.ocupada = False
        self.cerrar = False
        self.intentos = 0
        self.lista = False        # backend: ya conecto
        conexiones[sock] = self

    es_backend = False

    def fuera(self):
        if conexiones.pop(self.sock, None):
            self.sock.close()

    def escribir(self, datos):
        self.sale = self.sale[self.enviado:] + datos
        self.enviado = 0

    def quiere_escribir(self):
        return self.enviado < len(self.sale) or (self.es_backend and not self.lista)

    # ---- lectura
    def leer(self):
        try:
            d = self.sock.recv(262144)
        except BlockingIOError:
            return
        except OSError:
            d = None
        if d:
            self.entra += d
        self.llego(fin=not d, roto=d is None)

    def mandar(self):
        try:
            self.enviado += self.sock.send(memoryview(self.sale)[self.enviado:self.enviado + 262144])
        except BlockingIOError:
            return
        except OSError:
            self.roto()
            return
        self.limite = time.time() + (ESPERA_BACKEND if self.es_backend else ESPERA_CLIENTE)
        if self.enviado >= len(self.sale):
            self.sale, self.enviado = b"", 0
            if self.cerrar:
                self.fuera()

    def roto(self):
        if self.otra:
            self.otra.fuera()
        self.fuera()

    # ---- cliente
    def llego(self, fin, roto=False):
        if fin:
            # el cliente cerro
            if roto or not self.ocupada:
                self.roto()
            else:
                self.cerrar = True
                self.medio = True
            return
        if not self.ocupada:
            self.procesar()

    medio = False

    def procesar(self):
        try:
            m = Mensaje.sacar(self.entra)
        except ValueError:
            m, mala = Mensaje("? ? ?", [], b""), True
        else:
            mala = False
        if m is None:
            if not self.sale and Mensaje.pide_100(self.entra):
                self.escribir(b"HTTP/1.1 100 Continue\r\n\r\n")
            return
        self.peticion = m
        self.ocupada = True
        p = m.primera.split(" ")
        if mala or len(p) != 3:
            self.cerrar = True
            self.contestar(Mensaje.error(400, "Bad Request"), "-")
            return
        self.cerrar = p[2] == "HTTP/1.0" or "close" in m.get("connection").lower()
        self.clave = m.get("host") + p[1]
        if p[0] in ("GET", "HEAD") and not m.get("authorization") and not m.get("range"):
            crudo = cache.sacar(self.clave)
            if crudo:
                self.contestar(Mensaje.de_disco(crudo), "CACHE")
                return
        self.intentos = 0
        self.lanzar()

    def lanzar(self):
        global turno
        while self.intentos < len(config.SERVIDORES):
            self.intentos += 1
            destino = config.SERVIDORES[turno]
            turno = (turno + 1) % len(config.SERVIDORES)
            s = socket.socket()
            b = Backend(s, "%s:%d" % destino)
            b.otra, self.otra = self, b
            s.connect_ex(destino)
            b.escribir(self.peticion.para_backend())
            b.limite = time.time() + ESPERA_BACKEND
            return
        self.contestar(Mensaje.error(503, "Service Unavailable"), "-")

    def contestar(self, r, origen):
        self.otra = None
        p = self.peticion
        if p.primera.startswith("HEAD "):
            r.cuerpo = b""
        log_mensajes(self, p, r, origen)
        self.escribir(r.bytes([("Connection", "close" if self.cerrar else "keep-alive")]))
        self.ocupada = False
        self.limite = time.time() + ESPERA_CLIENTE
        if self.entra and not self.cerrar:
            self.procesar()


class Backend(Conexion):
    es_backend = True

    def mandar(self):
        if not self.lista:
            if self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                cliente = self.otra
                self.fuera()
                cliente.lanzar()       # ese esta caido, el siguiente
                return
            self.lista = True
        Conexion.mandar(self)

    def roto(self):
        cliente = self.otra
        self.fuera()
        cliente.contestar(Mensaje.error(502, "Bad Gateway"), self.quien)

    def llego(self, fin, roto=False):
        if not self.lista:
            return
        metodo = self.otra.peticion.primera.split(" ")[0]
        try:
            m = Mensaje.sacar(self.entra, respuesta_a=metodo, fin=fin and not roto)
        except ValueError:
            self.roto()
            return
        if m is None:
            if fin:
                self.roto()
            return
        cliente = self.otra
        self.fuera()
        m.limpiar(metodo)
        pide = cliente.peticion
        cc = (m.get("cache-control") + pide.get("cache-control")).lower()
        if (metodo in ("GET", "HEAD") and "no-store" not in cc and "private" not in cc and not m.get("vary")
                and not m.get("set-cookie") and not pide.get("authorization") and not pide.get("range")):
            cache.poner(cliente.clave, m.bytes([]))
        cliente.contestar(m, self.quien)


def vencidas():
    ahora = time.time()
    for c in list(conexiones.values()):
        if isinstance(c, Conexion) and ahora > c.limite and c.sock in conexiones:
            if c.es_backend:
                cliente = c.otra
                c.fuera()
                cliente.contestar(Mensaje.error(504, "Gateway Timeout"), c.quien)
            elif not c.ocupada:
                c.fuera()


def main():
    global ttl_ms
    opts, _ = getopt.getopt(sys.argv[1:], "t:", ["ttl="])
    for o, v in opts:
        ttl_ms = float(v)           # milisegundos
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("", config.PUERTO))
    s.listen(300)
    s.setblocking(False)
    log("PIBL en el puerto %d, ttl %d ms" % (config.PUERTO, ttl_ms))
    while True:
        lee = [s] + [x for x, c in conexiones.items() if not c.medio]
        escribe = [x for x, c in conexiones.items() if c.quiere_escribir()]
        r, w, _ = select.select(lee, escribe, [], 1)
        for x in w:
            if x in conexiones:
                conexiones[x].mandar()
        for x in r:
            if x is s:
                try:
                    while True:
                        n, dir_ = s.accept()
                        Conexion(n, dir_[0])
                except BlockingIOError:
                    pass
            elif x in conexiones:
                conexiones[x].leer()
        vencidas()


main()
