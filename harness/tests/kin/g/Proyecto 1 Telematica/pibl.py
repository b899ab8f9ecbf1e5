#!/usr/bin/env python3
# -*- coding: utf-8 -*-
"""
Proyecto I - Telematica ST0255
PIBL con asyncio.  Equipo: Valentina, Samuel, J. Esteban

uso:  python3 pibl.py [-t TTL] [-c servidores.txt]
"""
import asyncio
import json
import os
import sqlite3
import sys
import time

AQUI = os.path.dirname(os.path.abspath(__file__))
os.chdir(AQUI)          # asi siempre encuentra servidores.txt y la base de datos

BASE = "cache.sqlite"
BITACORA = "bitacora.jsonl"
ESPERA_CONEXION = 3
ESPERA_SERVIDOR = 15
ESPERA_CLIENTE = 60
LIMITE_CABECERA = 256 * 1024

SALTO = {b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer",
         b"transfer-encoding", b"upgrade", b"proxy-authenticate"}

MENSAJES = {400: "Bad Request", 408: "Request Timeout", 431: "Request Header Fields Too Large",
            502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout"}


class ErrorHttp(Exception):
    def __init__(self, codigo):
        self.codigo = codigo


class SinRespuesta(Exception):
    """el servidor cerro sin decir nada"""


# ------------------------------------------------------------------ config
def leer_config(nombre):
    puerto, lista = 8080, []
    with open(nombre, encoding="utf-8") as f:
        for linea in f:
            linea = linea.split("#", 1)[0].strip()
            if not linea:
                continue
            partes = linea.split()
            if partes[0] == "escuchar":
                puerto = int(partes[1])
            elif partes[0] == "servidor":
                host, _, p = partes[1].rpartition(":")
                peso = int(partes[3]) if len(partes) > 3 and partes[2] == "peso" else 1
                lista.append((host, int(p), peso))
            else:
                print("linea ignorada:", linea, file=sys.stderr)
    if not lista:
        sys.exit("no hay servidores en " + nombre)
    return puerto, lista


class Turnos:
    """Round Robin: con pesos la lista se expande (a a b), sin pesos es la normal."""

    def __init__(self, lista):
        self.rueda = []
        resto = [[h, p, w] for h, p, w in lista]
        while any(x[2] > 0 for x in resto):
            for x in resto:
                if x[2] > 0:
                    self.rueda.append((x[0], x[1]))
                    x[2] -= 1
        self.n = 0
        self.distintos = len(set(self.rueda))

    def siguiente(self):
        s = self.rueda[self.n % len(self.rueda)]
        self.n += 1
        return s


# ------------------------------------------------------------------ cache
class Cache:
    def __init__(self, ttl):
        self.ttl = ttl
        self.db = sqlite3.connect(BASE, isolation_level=None)
        self.db.execute("pragma journal_mode=wal")
        self.db.execute("pragma synchronous=normal")
        self.db.execute("create table if not exists recursos(clave blob primary key,"
                        " guardado real, estado text, cabeceras blob, cuerpo blob)")

    def buscar(self, clave):
        f = self.db.execute("select guardado, estado, cabeceras, cuerpo from recursos"
                            " where clave=?", (clave,)).fetchone()
        if f is None:
            return None
        edad = time.time() - f[0]
        if edad >= self.ttl or edad < 0:
            self.db.execute("delete from recursos where clave=?", (clave,))
            return None
        cab = [tuple(x.encode("latin-1") for x in par) for par in json.loads(f[2])]
        return f[1].encode("latin-1"), cab, f[3], int(edad)

    def guardar(self, clave, estado, cab, cuerpo):
        cab = json.dumps([[n.decode("latin-1"), v.decode("latin-1")] for n, v in cab])
        self.db.execute("insert or replace into recursos values(?,?,?,?,?)",
                        (clave, time.time(), estado.decode("latin-1"), cab, cuerpo))


# ------------------------------------------------------------------ http
def partir_cabecera(bruto):
    lineas = bruto.rstrip(b"\r\n").split(b"\r\n")
    campos = []
    for l in lineas[1:]:
        n, dp, v = l.partition(b":")
        if not dp or not n or n != n.strip():
            raise ErrorHttp(400)
        campos.append((n, v.strip()))
    return lineas[0], campos


def valores(campos, nombre):
    return [v for n, v in campos if n.lower() == nombre]


def fin_a_fin(campos):
    fuera = set(SALTO)
    for v in valores(campos, b"connection"):
        fuera |= {x.strip().lower() for x in v.split(b",")}
    fuera -= {b"content-length", b"host", b"authorization", b""}
    return [(n, v) for n, v in campos if n.lower() not in fuera]


def es_chunked(campos):
    return any(b"chunked" in v.lower() for v in valores(campos, b"transfer-encoding"))


async def leer_chunked(r):
    trozos = []
    while True:
        t = await r.readuntil(b"\r\n")
        n = int(t.split(b";")[0].strip(), 16)
        if n == 0:
            while (await r.readuntil(b"\r\n")) != b"\r\n":
                pass
            return b"".join(trozos)
        trozos.append(await r.readexactly(n))
        if await r.readexactly(2) != b"\r\n":
            raise ValueError("trozo malo")


async def leer_peticion(r, w):
    try:
        bruto = await r.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as e:
        if e.partial.strip():
            raise ErrorHttp(400)
        return None
    except asyncio.LimitOverrunError:
        raise ErrorHttp(431)
    linea, campos = partir_cabecera(bruto.lstrip(b"\r\n"))
    p = linea.split(b" ")
    if len(p) != 3 or not p[2].startswith(b"HTTP/"):
        raise ErrorHttp(400)
    largo = valores(campos, b"content-length")
    if es_chunked(campos) or (largo and largo[0] != b"0"):
        if any(v.lower() == b"100-continue" for v in valores(campos, b"expect")):
            w.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    cuerpo = b""
    try:
        if es_chunked(campos):
            cuerpo = await leer_chunked(r)
        elif largo:
            cuerpo = await r.readexactly(int(largo[0]))
    except (ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        raise ErrorHttp(400)
    return p[0], p[1], campos, cuerpo


async def preguntar(host, puerto, metodo, destino, campos, cuerpo):
    """un socket cliente nuevo por peticion; devuelve (estado, campos, cuerpo)"""
    r, w = await asyncio.wait_for(
        asyncio.open_connection(host, puerto, limit=LIMITE_CABECERA), ESPERA_CONEXION)
    try:
        salida = [metodo + b" " + destino + b" HTTP/1.1"]
        for n, v in fin_a_fin(campos):
            if n.lower() in (b"content-length", b"expect"):
                continue
            salida.append(n + b": " + v)
        if cuerpo or valores(campos, b"content-length") or es_chunked(campos):
            salida.append(b"Content-Length: %d" % len(cuerpo))
        salida.append(b"Connection: close")
        mandando = True
        try:
            w.write(b"\r\n".join(salida) + b"\r\n\r\n" + cuerpo)
            await asyncio.wait_for(w.drain(), ESPERA_SERVIDOR)
        except ConnectionError:
            mandando = False      # puede que ya haya contestado, se lee igual
        while True:
            try:
                bruto = await asyncio.wait_for(r.readuntil(b"\r\n\r\n"), ESPERA_SERVIDOR)
            except (asyncio.IncompleteReadError, ConnectionError):
                raise SinRespuesta("mandado" if mandando else "cortado")
            linea, cab = partir_cabecera(bruto)
            partes = linea.split(b" ", 2)
            codigo = int(partes[1])
            if codigo >= 200:
                break
        estado = b" ".join(partes[1:])
        if metodo == b"HEAD" or codigo in (204, 304):
            return estado, fin_a_fin(cab), None
        largo = valores(cab, b"content-length")
        if es_chunked(cab):
            datos = await asyncio.wait_for(leer_lento(r, leer_chunked), None)
        elif largo:
            datos = await leer_exacto(r, int(largo[0]))
        else:
            datos = await leer_todo(r)
        return estado, fin_a_fin(cab), datos
    finally:
        w.close()


async def leer_lento(r, como):
    return await asyncio.wait_for(como(r), 20 * ESPERA_SERVIDOR)


async def leer_exacto(r, n):
    trozos, falta = [], n
    while falta:
        t = await asyncio.wait_for(r.read(min(falta, 1 << 18)), ESPERA_SERVIDOR)
        if not t:
            raise asyncio.IncompleteReadError(b"", n)
        trozos.append(t)
        falta -= len(t)
    return b"".join(trozos)


async def leer_todo(r):
    trozos = []
    while True:
        t = await asyncio.wait_for(r.read(1 << 18), ESPERA_SERVIDOR)
        if not t:
            return b"".join(trozos)
        trozos.append(t)


# ------------------------------------------------------------------ pibl
class Pibl:
    def __init__(self, lista, ttl):
        self.turnos = Turnos(lista)
        self.cache = Cache(ttl)
        self.archivo = open(BITACORA, "a", encoding="utf-8")

    def anotar(self, **k):
        k = {"fecha": time.strftime("%Y-%m-%dT%H:%M:%S"), **k}
        linea = json.dumps(k)
        self.archivo.write(linea + "\n")
        self.archivo.flush()
        print(linea, flush=True)

    async def repartir(self, metodo, destino, campos, cuerpo):
        ultimo = 502
        for _ in range(len(self.turnos.rueda)):
            host, puerto = self.turnos.siguiente()
            quien = "%s:%d" % (host, puerto)
            try:
                return quien, await preguntar(host, puerto, metodo, destino, campos, cuerpo)
            except SinRespuesta:
                if metodo not in (b"GET", b"HEAD", b"OPTIONS"):
                    raise ErrorHttp(502)
                ultimo = 502
            except ConnectionError:
                ultimo = 503                 # no quiso la conexion: se prueba el otro
            except asyncio.TimeoutError:
                raise ErrorHttp(504)
            except OSError:
                ultimo = 503
            except (ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, IndexError):
                raise ErrorHttp(502)
        raise ErrorHttp(ultimo)

    def se_guarda(self, metodo, campos, estado, cab):
        if metodo != b"GET" or not estado.startswith(b"200"):
            return False
        if valores(campos, b"authorization") or valores(campos, b"range"):
            return False
        cc = b",".join(valores(cab, b"cache-control")).lower()
        return not (b"no-store" in cc or b"private" in cc or valores(cab, b"vary") == [b"*"])

    async def atender(self, r, w):
        metodo = destino = b"-"
        quien, origen = "-", "MISS"
        try:
            try:
                pet = await asyncio.wait_for(leer_peticion(r, w), ESPERA_CLIENTE)
                if pet is None:
                    await self.cerrar(r, w)
                    return
                metodo, destino, campos, cuerpo = pet
                hallado = None
                if metodo == b"GET" and not valores(campos, b"authorization"):
                    hallado = self.cache.buscar(destino)
                if hallado:
                    estado, cab, datos, edad = hallado
                    origen = "HIT"
                    cab = cab + [(b"Age", b"%d" % edad)]
                else:
                    quien, (estado, cab, datos) = await self.repartir(metodo, destino, campos, cuerpo)
                    if self.se_guarda(metodo, campos, estado, cab):
                        self.cache.guardar(destino, estado, cab, datos)
            except asyncio.TimeoutError:
                raise ErrorHttp(408)
        except ErrorHttp as e:
            estado = ("%d %s" % (e.codigo, MENSAJES[e.codigo])).encode()
            datos = b"<h1>" + estado + b"</h1>\n"
            cab = [(b"Content-Type", b"text/html")]
            if metodo == b"HEAD":
                datos = None
        except ConnectionError:
            await self.cerrar(r, w)
            return
        try:
            if datos is not None:
                cab = [(n, v) for n, v in cab if n.lower() != b"content-length"]
                cab.append((b"Content-Length", b"%d" % len(datos)))
            self.anotar(metodo=metodo.decode("latin-1"), recurso=destino.decode("latin-1"),
                        estado=int(estado.split(b" ")[0]), respuesta=estado.decode("latin-1"),
                        bytes=len(datos or b""), servidor=quien, cache=origen)
            w.write(b"HTTP/1.0 " + estado + b"\r\n" +
                    b"".join(n + b": " + v + b"\r\n" for n, v in cab) +
                    b"Connection: close\r\n\r\n" + (datos or b""))
            await w.drain()
        except (ConnectionError, asyncio.TimeoutError):
            pass
        finally:
            await self.cerrar(r, w)

    async def cerrar(self, r, w):
        w.close()
        try:
            await w.wait_closed()
        except Exception:
            pass


AYUDA = """pibl.py - proxy inverso y balanceador
  -t N        ttl en segundos de los recursos
  -c archivo  lista de servidores (servidores.txt)
"""


async def main():
    args = sys.argv[1:]
    ttl_minutos, archivo = 5.0, "servidores.txt"
    while args:
        a = args.pop(0)
        if a == "-t":
            ttl_minutos = float(args.pop(0))
        elif a == "-c":
            archivo = args.pop(0)
        else:
            sys.exit(AYUDA)
    puerto, lista = leer_config(archivo)
    pibl = Pibl(lista, ttl_minutos * 60)
    srv = await asyncio.start_server(pibl.atender, "0.0.0.0", puerto,
                                     limit=LIMITE_CABECERA, backlog=1024)
    print("PIBL escuchando en %d, ttl %g min, %d servidores" % (puerto, ttl_minutos, len(lista)),
          flush=True)
    async with srv:
        await srv.serve_forever()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        print("chao")
