#!/usr/bin/env python3
# -*- coding: utf-8 -*-
"""
PIBL - Proxy Inverso y Balanceador de Carga
ST0255 Telematica  -  Proyecto I
Santiago Quintero, Juliana Mora

Uso:  python3 pibl.py [config.ini]
"""
import configparser
import json
import math
import os
import socket
import sqlite3
import sys
import threading
import time

SALTO_A_SALTO = {"connection", "keep-alive", "proxy-connection", "te", "trailer",
                 "transfer-encoding", "upgrade", "proxy-authenticate",
                 "proxy-authorization"}
MAX_CABECERA = 64 * 1024
MAX_EN_CACHE = 64 * 1024 * 1024


class ErrorHTTP(Exception):
    def __init__(self, codigo, razon):
        super().__init__(razon)
        self.codigo = codigo
        self.razon = razon


class SeFue(Exception):
    """el otro lado cerro sin mandar nada"""


# ---------------------------------------------------------------- lectura
class Lector:
    """lee de un socket con un buffer propio"""

    def __init__(self, s, limite=None):
        self.s = s
        self.buf = bytearray()
        self.limite = limite        # hora maxima para terminar (cliente lento)

    def _mas(self):
        if self.limite is not None:
            queda = self.limite - time.time()
            if queda <= 0:
                raise socket.timeout("limite")
            self.s.settimeout(queda)
        d = self.s.recv(65536)
        self.buf += d
        return len(d)

    def cabecera(self):
        while True:
            # lineas vacias antes del pedido
            while self.buf[:2] == b"\r\n":
                del self.buf[:2]
            p = self.buf.find(b"\r\n\r\n")
            if p >= 0:
                c = bytes(self.buf[:p])
                del self.buf[:p + 4]
                return c
            if len(self.buf) > MAX_CABECERA:
                raise ErrorHTTP(431, "Request Header Fields Too Large")
            if self._mas() == 0:
                if not self.buf:
                    raise SeFue()
                raise ErrorHTTP(400, "Bad Request")

    def exacto(self, n):
        while len(self.buf) < n:
            if self._mas() == 0:
                raise EOFError("faltan bytes")
        d = bytes(self.buf[:n])
        del self.buf[:n]
        return d

    def linea(self):
        while True:
            p = self.buf.find(b"\n")
            if p >= 0:
                l = bytes(self.buf[:p]).rstrip(b"\r")
                del self.buf[:p + 1]
                return l
            if len(self.buf) > MAX_CABECERA or self._mas() == 0:
                raise EOFError("linea cortada")

    def trozos(self):
        """cuerpo chunked -> bytes"""
        partes = []
        while True:
            l = self.linea().split(b";")[0].strip()
            n = int(l, 16)
            if n == 0:
                break
            partes.append(self.exacto(n))
            if self.linea() != b"":
                raise EOFError("chunk malo")
        while self.linea() != b"":
            pass
        return b"".join(partes)

    def hasta_el_final(self):
        while self._mas():
            pass
        d = bytes(self.buf)
        self.buf.clear()
        return d


def partir(cabecera):
    lineas = cabecera.decode("latin-1").split("\r\n")
    campos = []
    for l in lineas[1:]:
        if ":" not in l:
            raise ErrorHTTP(400, "Bad Request")
        n, v = l.split(":", 1)
        campos.append((n, v.strip(" \t")))
    return lineas[0], campos


def valores(campos, nombre):
    return [v for n, v in campos if n.lower() == nombre]


def lista(campos, nombre):
    r = []
    for v in valores(campos, nombre):
        r += [x.strip().lower() for x in v.split(",") if x.strip()]
    return r


def limpiar(campos, ademas=()):
    fuera = SALTO_A_SALTO | set(lista(campos, "connection")) | set(ademas)
    return [(n, v) for n, v in campos if n.lower() not in fuera]


def largo(campos, codigo):
    v = set(lista(campos, "content-length"))
    if not v:
        return None
    if len(v) > 1 or not list(v)[0].isdigit():
        raise ErrorHTTP(codigo, "Bad Content-Length")
    return int(list(v)[0])


# ------------------------------------------------------------------- log
class Bitacora:
    def __init__(self, archivo):
        self.archivo = archivo
        self.f = None               # se abre cuando haya algo que decir
        self.l = threading.Lock()

    def anotar(self, **cosas):
        t = json.dumps(cosas, ensure_ascii=True)
        with self.l:
            if self.f is None:
                self.f = open(self.archivo, "a")
            self.f.write(t + "\n")
            self.f.flush()
            sys.stdout.write(t + "\n")
            sys.stdout.flush()


# ----------------------------------------------------------------- cache
class Cache:
    """una tabla en sqlite; vence se guarda en segundos enteros"""

    def __init__(self, archivo):
        self.l = threading.Lock()
        self.db = sqlite3.connect(archivo, check_same_thread=False)
        self.db.execute("PRAGMA synchronous=OFF")
        self.db.execute("CREATE TABLE IF NOT EXISTS recursos (llave TEXT PRIMARY KEY,"
                        " vence INTEGER, linea TEXT, campos TEXT, cuerpo BLOB)")
        self.db.commit()
        threading.Thread(target=self.barrer, daemon=True).start()

    def buscar(self, llave):
        with self.l:
            f = self.db.execute("SELECT vence, linea, campos, cuerpo FROM recursos"
                                " WHERE llave=?", (llave,)).fetchone()
        if f is None or time.time() >= f[0]:
            return None
        return f[1], [tuple(x) for x in json.loads(f[2])], f[3]

    def guardar(self, llave, ttl, linea, campos, cuerpo):
        vence = math.ceil(time.time() + ttl)
        with self.l:
            self.db.execute("REPLACE INTO recursos VALUES (?,?,?,?,?)",
                            (llave, vence, linea, json.dumps(campos), cuerpo))
            self.db.commit()

    def borrar(self, llave):
        with self.l:
            self.db.execute("DELETE FROM recursos WHERE llave=?", (llave,))
            self.db.commit()

    def barrer(self):
        while True:
            time.sleep(20)
            with self.l:
                self.db.execute("DELETE FROM recursos WHERE vence<=?", (int(time.time()),))
                self.db.commit()


# ----------------------------------------------------------------- proxy
class Pibl:
    def __init__(self, archivo):
        c = configparser.ConfigParser()
        if not c.read(archivo):
            raise SystemExit("no encuentro " + archivo)
        p = c["proxy"]
        self.puerto = p.getint("puerto", 8080)
        self.ttl = p.getfloat("ttl_minutos", 5.0) * 60.0
        self.espera = p.getfloat("espera_backend", 10.0)
        self.pausa = p.getfloat("pausa_cierre", 0.15)
        self.servidores = []
        for nombre, valor in c["servidores"].items():
            h, _, q = valor.partition(":")
            self.servidores.append((h.strip(), int(q or 80)))
        if not self.servidores:
            raise SystemExit("no hay servidores")
        self.log = Bitacora(p.get("log", "pibl.log"))
        self.cache = Cache(p.get("cache", "cache.db"))
        self.turno = 0
        self.lturno = threading.Lock()

    def siguiente(self):
        with self.lturno:
            s = self.servidores[self.turno]
            self.turno = (self.turno + 1) % len(self.servidores)
            return s

    # -------- hablar con el backend
    def pedir(self, metodo, mensaje):
        ultimo = ErrorHTTP(502, "Bad Gateway")
        for _ in self.servidores:
            dir_ = self.siguiente()
            try:
                b = socket.create_connection(dir_, timeout=3)
            except OSError:
                continue            # no se ha mandado nada: probar con otro
            try:
                b.settimeout(self.espera)
                return (dir_,) + self.conversar(b, metodo, mensaje)
            except socket.timeout:
                raise ErrorHTTP(504, "Gateway Timeout")
            except (OSError, EOFError, ValueError, SeFue, ErrorHTTP):
                if metodo not in ("GET", "HEAD"):
                    raise ErrorHTTP(502, "Bad Gateway")
            finally:
                b.close()
        raise ultimo

    def conversar(self, b, metodo, mensaje):
        try:
            b.sendall(mensaje)
        except (BrokenPipeError, ConnectionResetError):
            pass                    # tal vez ya respondio (413...)
        r = Lector(b)
        while True:
            linea, campos = partir(r.cabecera())
            trozos = linea.split(" ", 2)
            if not trozos[0].startswith("HTTP/"):
                raise ValueError("no es http")
            estado = int(trozos[1])
            if estado >= 200:
                break
        razon = trozos[2] if len(trozos) > 2 else ""
        if metodo == "HEAD" or estado in (204, 304):
            return estado, razon, campos, None
        if "chunked" in lista(campos, "transfer-encoding"):
            cuerpo = r.trozos()
        else:
            n = largo(campos, 502)
            cuerpo = r.hasta_el_final() if n is None else r.exacto(n)
        return estado, razon, campos, cuerpo

    # -------- atender un cliente
    def atender(self, s, quien):
        try:
            self.uno(s, quien)
        except (OSError, SeFue, EOFError):
            pass
        finally:
            try:
                s.shutdown(socket.SHUT_WR)
                time.sleep(self.pausa)      # que alcance a leer todo
            except OSError:
                pass
            s.close()

    def responder(self, s, estado, razon, campos, cuerpo):
        m = "HTTP/1.0 %d %s\r\n" % (estado, razon)
        for n, v in campos:
            m += "%s: %s\r\n" % (n, v)
        m += "Connection: close\r\n\r\n"
        s.settimeout(30)
        s.sendall(m.encode("latin-1") + (cuerpo or b""))

    def uno(self, s, quien):
        t0 = time.time()
        metodo, url = "-", "-"
        r = Lector(s, t0 + 20)
        servidor, origen = "-", "MISS"
        try:
            try:
                linea, campos = partir(r.cabecera())
                p = linea.split(" ")
                if len(p) != 3 or not p[2].startswith("HTTP/1."):
                    raise ErrorHTTP(400, "Bad Request")
                metodo, url, version = p
                if url.lower().startswith("http://"):
                    resto = url[7:]
                    url = resto[resto.find("/"):] if "/" in resto else "/"
                r.limite = time.time() + 60
                cuerpo = self.leer_cuerpo(s, r, campos, version)
            except socket.timeout:
                if metodo == "-" and not r.buf:
                    return                  # cliente callado
                raise ErrorHTTP(408, "Request Timeout")
            except ValueError:
                raise ErrorHTTP(400, "Bad Request")

            host = (valores(campos, "host") or [""])[0].lower()
            llave = host + " " + url
            cc = lista(campos, "cache-control")
            pregunta = (metodo == "GET" and not valores(campos, "authorization")
                        and not valores(campos, "range") and "no-store" not in cc)
            if pregunta and "no-cache" not in cc:
                g = self.cache.buscar(llave)
                if g is not None:
                    origen = "HIT"
                    estado, razon = g[0].split(" ", 1)
                    estado, salen, res = int(estado), g[1], g[2]
            if origen == "MISS":
                servidor, estado, razon, suyos, res = self.pedir(
                    metodo, self.mensaje(metodo, url, campos, cuerpo, quien))
                servidor = "%s:%d" % servidor
                salen = limpiar(suyos)
                if res is not None:
                    salen = [(n, v) for n, v in salen if n.lower() != "content-length"]
                    salen.append(("Content-Length", str(len(res))))
                if pregunta and estado == 200:
                    vida = self.vida(suyos)
                    if vida > 0 and len(res) <= MAX_EN_CACHE:
                        self.cache.guardar(llave, vida, "%d %s" % (estado, razon), salen, res)
                if metodo not in ("GET", "HEAD", "OPTIONS", "TRACE") and estado < 400:
                    self.cache.borrar(llave)
        except ErrorHTTP as e:
            estado, razon = e.codigo, e.razon
            res = ("<h1>%d %s</h1>\n" % (estado, razon)).encode()
            salen = [("Content-Type", "text/html"), ("Content-Length", str(len(res)))]
            if metodo == "HEAD":
                res = None
            origen = "ERROR"
        self.log.anotar(hora=time.strftime("%Y-%m-%d %H:%M:%S"), cliente=quien[0],
                        metodo=metodo, url=url, servidor=servidor, estado=estado,
                        bytes=len(res or b""), cache=origen,
                        ms=int((time.time() - t0) * 1000))
        self.responder(s, estado, razon, salen, res)

    def leer_cuerpo(self, s, r, campos, version):
        te = lista(campos, "transfer-encoding")
        n = largo(campos, 400)
        if not te and not n:
            return b"" if n == 0 else None
        if te and te[-1] != "chunked":
            raise ErrorHTTP(501, "Not Implemented")
        if "100-continue" in lista(campos, "expect") and not r.buf and version == "HTTP/1.1":
            s.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        return r.trozos() if te else r.exacto(n)

    def mensaje(self, metodo, url, campos, cuerpo, quien):
        van = limpiar(campos, ("content-length", "expect"))
        if not valores(van, "host"):
            van.insert(0, ("Host", "localhost"))
        if cuerpo is not None:
            van.append(("Content-Length", str(len(cuerpo))))
        van.append(("X-Forwarded-For", quien[0]))
        van.append(("Connection", "close"))
        m = "%s %s HTTP/1.1\r\n" % (metodo, url)
        m += "".join("%s: %s\r\n" % c for c in van) + "\r\n"
        return m.encode("latin-1") + (cuerpo or b"")

    def vida(self, campos):
        if valores(campos, "vary"):
            return 0
        v = self.ttl
        for d in lista(campos, "cache-control"):
            if d.split("=")[0] in ("no-store", "private", "no-cache"):
                return 0
            if d.split("=")[0] in ("max-age", "s-maxage"):
                try:
                    v = min(v, int(d.split("=")[1].strip('"')))
                except (ValueError, IndexError):
                    return 0
        return v

    def correr(self):
        e = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        e.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        e.bind(("0.0.0.0", self.puerto))
        e.listen(256)
        print("PIBL escuchando en el puerto", self.puerto, "->", self.servidores, flush=True)
        while True:
            try:
                s, quien = e.accept()
            except OSError:
                time.sleep(0.05)
                continue
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.atender, args=(s, quien), daemon=True).start()


if __name__ == "__main__":
    try:
        Pibl(sys.argv[1] if len(sys.argv) > 1 else "config.ini").correr()
    except KeyboardInterrupt:
        os._exit(0)
