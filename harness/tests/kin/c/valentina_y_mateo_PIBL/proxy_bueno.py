#!/usr/bin/env python3
# PIBL con selectors (un solo hilo), Valentina y Mateo
# uso: python3 proxy_bueno.py TTL_EN_SEGUNDOS [configuracion.json]
import sys
import os
import time
import socket
import selectors
import json
from hashlib import md5

sel = selectors.DefaultSelector()
CARPETA = "cache_recursos"
LOG = "log_pibl.txt"
config = {}
servidores = []
TTL = 60.0
turno = 0
indice = {}            # llave -> {"archivo":..., "hora":...}
conexiones = set()

TIEMPO_CLIENTE = 20
TIEMPO_SERVIDOR = 10


def log(mensaje):
    linea = time.strftime("%H:%M:%S") + " " + mensaje
    print(linea, flush=True)
    with open(LOG, "a") as f:
        f.write(linea + "\n")


def separar(cabeza):
    """bytes -> (primera linea, lista de (nombre, valor))"""
    lineas = cabeza.decode("latin-1").split("\r\n")
    campos = []
    for l in lineas[1:]:
        if l == "":
            continue
        if ":" not in l:
            raise ValueError("campo malo")
        n, v = l.split(":", 1)
        campos.append((n, v.strip()))
    return lineas[0], campos


def valor(campos, nombre, defecto=""):
    for n, v in campos:
        if n.lower() == nombre:
            return v
    return defecto


SALTO = ["connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"]


def filtrar(campos, mas=()):
    prohibidos = SALTO + list(mas) + [x.strip().lower() for x in valor(campos, "connection").split(",")]
    return [(n, v) for n, v in campos if n.lower() not in prohibidos]


class Cuerpo:
    """va recibiendo pedazos y dice cuando esta completo. largo None = hasta que cierren"""
    def __init__(self, largo, trozos):
        self.largo, self.trozos = largo, trozos
        self.crudo = bytearray()
        self.datos = bytearray()
        self.completo = False
        self.pos = 0

    def agregar(self, b):
        if not self.trozos:
            self.datos += b
            if self.largo is not None and len(self.datos) >= self.largo:
                del self.datos[self.largo:]
                self.completo = True
            return
        self.crudo += b
        while not self.completo:
            i = self.crudo.find(b"\r\n", self.pos)
            if i < 0:
                return
            n = int(self.crudo[self.pos:i].split(b";")[0], 16)
            if n == 0:
                if self.crudo[i:i + 4] == b"\r\n\r\n" or self.crudo.find(b"\r\n\r\n", i) >= 0:
                    self.completo = True
                return
            if len(self.crudo) < i + 2 + n + 2:
                return
            self.datos += self.crudo[i + 2:i + 2 + n]
            self.pos = i + 2 + n + 2


def elegir():
    global turno
    s = servidores[turno]
    turno = (turno + 1) % len(servidores)
    return s


class Conexion:
    def __init__(self, s, quien):
        self.cli, self.quien, self.srv = s, quien, None
        self.estado = "leyendo"
        self.entra = bytearray()
        self.cuerpo = None
        self.resp = bytearray()
        self.rcuerpo = None
        self.sale = b""
        self.pos = 0
        self.vence = time.time() + TIEMPO_CLIENTE
        self.pedido = "?"
        self.metodo = ""
        self.llave = None
        self.intentos = 0
        self.nota = ""
        self.eof_cli = False
        sel.register(s, selectors.EVENT_READ, self)
        conexiones.add(self)

    # ------------------------------------------------------------- eventos
    def evento(self, s, mascara):
        try:
            if s is self.cli:
                if self.estado == "leyendo":
                    self.leer_cliente()
                elif self.estado == "respondiendo":
                    self.escribir_cliente()
                elif self.estado == "despidiendo":
                    if not self.cli.recv(65536):
                        self.cerrar()
            elif s is self.srv:
                if self.estado == "conectando":
                    self.conectado()
                elif self.estado == "enviando":
                    self.escribir_servidor()
                elif self.estado == "esperando":
                    self.leer_servidor()
        except BlockingIOError:
            pass
        except (OSError, ValueError, IndexError) as e:
            if self.estado == "leyendo" and not isinstance(e, OSError):
                self.error(400, "Bad Request")
            elif self.estado in ("conectando", "enviando", "esperando"):
                self.fallo_servidor()
            else:
                self.cerrar()

    def reloj(self):
        if self.estado == "leyendo":
            if self.entra:
                self.error(408, "Request Timeout")
            else:
                self.cerrar()
        elif self.estado == "conectando":
            self.fallo_servidor()
        elif self.estado in ("enviando", "esperando"):
            self.error(504, "Gateway Timeout")
        else:
            self.cerrar()

    # ------------------------------------------------------------- cliente
    def leer_cliente(self):
        d = self.cli.recv(65536)
        if not d:
            return self.cerrar()
        self.entra += d
        if self.cuerpo is None:
            i = self.entra.find(b"\r\n\r\n")
            if i < 0:
                if len(self.entra) > 100000:
                    self.error(431, "Request Header Fields Too Large")
                return
            self.pedido, self.campos = separar(bytes(self.entra[:i]))
            log("PETICION %s:%d %s" % (self.quien + (self.pedido,)))
            self.metodo, self.url, version = self.pedido.split(" ")
            if not version.startswith("HTTP/1."):
                raise ValueError("version")
            self.cuerpo = Cuerpo(int(valor(self.campos, "content-length", "0")),
                                 "chunked" in valor(self.campos, "transfer-encoding").lower())
            if "100-continue" in valor(self.campos, "expect").lower():
                self.cli.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            d = bytes(self.entra[i + 4:])
        self.cuerpo.agregar(d)
        self.vence = time.time() + TIEMPO_CLIENTE
        if self.cuerpo.completo:
            self.procesar()

    def procesar(self):
        ruta = self.url.split("?")[0]
        self.llave = self.metodo + " " + valor(self.campos, "host").lower() + " " + ruta
        if self.metodo == "GET" and self.llave in indice:
            e = indice[self.llave]
            if time.time() - e["hora"] < TTL:
                try:
                    with open(e["archivo"], "rb") as f:
                        todo = f.read()
                    e["hora"] = time.time()
                    self.nota = "HIT"
                    return self.responder(todo)
                except OSError:
                    del indice[self.llave]
            else:
                del indice[self.llave]
                if os.path.exists(e["archivo"]):
                    os.remove(e["archivo"])
        c = filtrar(self.campos, ["expect", "content-length"])
        if self.cuerpo.datos or valor(self.campos, "content-length"):
            c.append(("Content-Length", str(len(self.cuerpo.datos))))
        c.append(("Connection", "close"))
        self.peticion = ("%s %s HTTP/1.1\r\n" % (self.metodo, self.url) + "".join("%s: %s\r\n" % x for x in c) +
                         "\r\n").encode("latin-1") + bytes(self.cuerpo.datos)
        sel.unregister(self.cli)
        self.conectar()

    def responder(self, todo):
        self.soltar_servidor()
        self.sale, self.pos = memoryview(todo), 0
        self.estado = "respondiendo"
        self.vence = time.time() + TIEMPO_CLIENTE
        try:
            sel.modify(self.cli, selectors.EVENT_WRITE, self)
        except KeyError:
            sel.register(self.cli, selectors.EVENT_WRITE, self)

    def error(self, codigo, texto):
        b = ("%d %s\n" % (codigo, texto)).encode()
        self.nota = "ERROR"
        self.responder(("HTTP/1.1 %d %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
                        % (codigo, texto, len(b))).encode() + (b"" if self.metodo == "HEAD" else b))

    def escribir_cliente(self):
        self.pos += self.cli.send(self.sale[self.pos:self.pos + 262144])
        self.vence = time.time() + TIEMPO_CLIENTE
        if self.pos >= len(self.sale):
            b = bytes(self.sale[:100]).split(b"\r\n")[0].decode("latin-1")
            log("RESPUESTA %s:%d %s -> %s, %d bytes en total, %s" % (self.quien + (self.pedido, b, len(self.sale), self.nota)))
            self.cli.shutdown(socket.SHUT_WR)
            self.estado = "despidiendo"
            self.vence = time.time() + 2
            sel.modify(self.cli, selectors.EVENT_READ, self)

    # ------------------------------------------------------------- servidor
    def conectar(self):
        if self.intentos >= len(servidores):
            return self.error(502, "Bad Gateway")
        self.intentos += 1
        self.nota = elegir()
        ip, puerto = self.nota.split(":")
        self.srv = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.srv.setblocking(False)
        self.estado = "conectando"
        self.vence = time.time() + 3
        self.srv.connect_ex((ip, int(puerto)))
        sel.register(self.srv, selectors.EVENT_WRITE, self)

    def conectado(self):
        global turno
        e = self.srv.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if e:
            raise OSError(e)
        turno = (turno + 1) % len(servidores)      # pasa al siguiente
        self.estado, self.pos = "enviando", 0
        self.vence = time.time() + TIEMPO_SERVIDOR

    def escribir_servidor(self):
        self.pos += self.srv.send(self.peticion[self.pos:self.pos + 262144])
        if self.pos >= len(self.peticion):
            self.estado = "esperando"
            self.vence = time.time() + TIEMPO_SERVIDOR
            sel.modify(self.srv, selectors.EVENT_READ, self)

    def soltar_servidor(self):
        if self.srv is not None:
            try:
                sel.unregister(self.srv)
            except KeyError:
                pass
            self.srv.close()
            self.srv = None

    def fallo_servidor(self):
        antes = self.estado
        self.soltar_servidor()
        self.resp, self.rcuerpo = bytearray(), None
        if antes == "conectando" or self.metodo in ("GET", "HEAD"):
            self.conectar()
        else:
            self.error(502, "Bad Gateway")

    def leer_servidor(self):
        d = self.srv.recv(65536)
        self.vence = time.time() + TIEMPO_SERVIDOR
        if not d:
            if self.rcuerpo is not None and self.rcuerpo.largo is None and not self.rcuerpo.trozos:
                return self.terminar()
            raise OSError("el servidor corto")
        if self.rcuerpo is None:
            self.resp += d
            while True:
                i = self.resp.find(b"\r\n\r\n")
                if i < 0:
                    return
                self.rprimera, self.rcampos = separar(bytes(self.resp[:i]))
                self.codigo = int(self.rprimera.split(" ")[1])
                if self.codigo >= 200:
                    break
                del self.resp[:i + 4]
            d = bytes(self.resp[i + 4:])
            l = valor(self.rcampos, "content-length", None)
            self.rcuerpo = Cuerpo(None if l is None else int(l), "chunked" in valor(self.rcampos, "transfer-encoding").lower())
            if self.metodo == "HEAD" or self.codigo in (204, 304):
                self.rcuerpo.completo = True
                d = b""
        if d or self.rcuerpo.largo == 0:
            self.rcuerpo.agregar(d)
        if self.rcuerpo.completo:
            self.terminar()

    def terminar(self):
        datos = bytes(self.rcuerpo.datos)
        c = filtrar(self.rcampos)
        if self.metodo != "HEAD" and self.codigo not in (204, 304) and valor(self.rcampos, "content-length") == "":
            c.append(("Content-Length", str(len(datos))))
        c.append(("Connection", "close"))
        todo = ("HTTP/1.1" + self.rprimera[8:] + "\r\n" + "".join("%s: %s\r\n" % x for x in c) + "\r\n").encode("latin-1") + datos
        cc = valor(self.rcampos, "cache-control").lower()
        if (self.metodo == "GET" and self.codigo == 200 and "no-store" not in cc and "private" not in cc
                and not valor(self.campos, "authorization")):
            archivo = os.path.join(CARPETA, md5(self.llave.encode("latin-1")).hexdigest() + ".bin")
            with open(archivo + ".tmp", "wb") as f:
                f.write(todo)
            os.replace(archivo + ".tmp", archivo)
            indice[self.llave] = {"archivo": archivo, "hora": time.time()}
        self.responder(todo)

    def cerrar(self):
        self.soltar_servidor()
        try:
            sel.unregister(self.cli)
        except (KeyError, ValueError):
            pass
        self.cli.close()
        conexiones.discard(self)


def main():
    global TTL, config
    if len(sys.argv) < 2:
        print("uso: python3 proxy_bueno.py TTL [configuracion.json]")
        sys.exit(1)
    TTL = float(sys.argv[1])
    try:
        with open(sys.argv[2] if len(sys.argv) > 2 else "configuracion.json") as f:
            config = json.load(f)
        servidores.extend(config["servidores"])
        puerto = int(config.get("puerto", 8080))
        assert len(servidores) > 0 and all(s.count(":") == 1 for s in servidores)
    except Exception as e:
        print("configuracion mala:", repr(e))
        sys.exit(1)
    if not os.path.isdir(CARPETA):
        os.mkdir(CARPETA)
    escucha = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    escucha.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    escucha.bind(("0.0.0.0", puerto))
    escucha.listen(256)
    escucha.setblocking(False)
    sel.register(escucha, selectors.EVENT_READ, None)
    print("escuchando en", puerto, "TTL", TTL, servidores, flush=True)
    while True:
        for llave, mascara in sel.select(0.5):
            if llave.data is None:
                try:
                    c, quien = escucha.accept()
                except OSError:
                    continue
                c.setblocking(False)
                Conexion(c, quien)
            elif llave.data in conexiones:
                llave.data.evento(llave.fileobj, mascara)
        ya = time.time()
        for c in list(conexiones):
            if ya > c.vence:
                c.reloj()


main()
