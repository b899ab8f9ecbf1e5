# proxy con select (un solo hilo!)
# python3 bucle.py ttl
import logging
import os
import select
import shutil
import socket
import sys
import time
import xml.etree.ElementTree as ET

raiz = ET.parse("config.xml").getroot()
PUERTO = int(raiz.findtext("puerto") or 8080)
SERVIDORES = [(b.get("ip"), int(b.get("puerto"))) for b in raiz.find("servidores")]
CACHE = raiz.findtext("cache") or "cache"
TTL = float(sys.argv[1]) if len(sys.argv) > 1 else float(raiz.findtext("ttl"))

logging.basicConfig(filename=raiz.findtext("log") or "bucle.log", level=logging.INFO,
                    format="%(asctime)s %(levelname)s %(message)s")

i = 0
ultimo_borrado = time.time()


def limpiar():
    # cada TTL segundos se borra todo lo de la cache
    global ultimo_borrado
    if time.time() - ultimo_borrado > TTL:
        shutil.rmtree(CACHE, ignore_errors=True)
        os.makedirs(CACHE, exist_ok=True)
        ultimo_borrado = time.time()


def nombre(url):
    return CACHE + "/" + str(hash(url))


def de_cache(url):
    if os.path.isfile(nombre(url)):
        with open(nombre(url), "rb") as f:
            return f.read()
    return None


def conectar():
    global i
    for _ in SERVIDORES:
        b = SERVIDORES[i]
        i = (i + 1) % len(SERVIDORES)
        try:
            s = socket.create_connection(b, timeout=3)
            return s
        except OSError:
            logging.warning("no conecta %s", b)
    return None


def leer_respuesta(s, metodo):
    """retorna (respuesta, completa, cierra)"""
    d = b""
    while b"\r\n\r\n" not in d:
        x = s.recv(4096)
        if not x:
            return d, False, True
        d += x
    h, c = d.split(b"\r\n\r\n", 1)
    est = h.split(b" ")[1]
    if metodo == "HEAD" or est == b"204" or est == b"304":
        return h + b"\r\n\r\n", True, False
    largo = None
    trozos = False
    for l in h.lower().split(b"\r\n"):
        if l.startswith(b"content-length:"):
            largo = int(l[15:])
        if l.startswith(b"transfer-encoding:") and b"chunked" in l:
            trozos = True
    partes = [c]
    n = len(c)
    fin = c[-5:]
    while True:
        if trozos:
            if fin == b"0\r\n\r\n":
                break
        elif largo is not None and n >= largo:
            break
        x = s.recv(65536)
        if not x:
            # si no decia cuanto era, termina cuando cierran
            return h + b"\r\n\r\n" + b"".join(partes), largo is None and not trozos, True
        partes.append(x)
        n += len(x)
        fin = (fin + x)[-5:]
    return h + b"\r\n\r\n" + b"".join(partes), True, False


def error(texto):
    return ("HTTP/1.1 %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % texto).encode()


def atender(c):
    """retorna True si el cliente sigue conectado"""
    req = c.recv(4096)
    if not req:
        return False
    linea = req.split(b"\r\n")[0].decode("latin-1")
    p = linea.split(" ")
    quien = c.getpeername()[0]
    if len(p) != 3 or not p[2].startswith("HTTP/"):
        c.sendall(error("400 Bad Request"))
        logging.info("%s %r 400", quien, linea[:50])
        return False
    if p[0] not in ("GET", "HEAD", "POST"):
        c.sendall(error("501 Not Implemented"))
        logging.info("%s %s 501", quien, linea)
        return False
    if p[0] == "GET":
        r = de_cache(p[1])
        if r is not None:
            c.sendall(r)
            logging.info("%s %s %s %d (cache)", quien, linea, r[9:12].decode(), len(r))
            return True
    s = conectar()
    if s is None:
        c.sendall(error("503 Service Unavailable"))
        logging.info("%s %s 503", quien, linea)
        return False
    try:
        s.sendall(req)
        r, bien, cierra = leer_respuesta(s, p[0])
    except socket.timeout:
        c.sendall(error("504 Gateway Timeout"))
        logging.info("%s %s 504", quien, linea)
        return False
    finally:
        s.close()
    if r == b"":
        r = error("502 Bad Gateway")
        bien = False
    c.sendall(r)
    logging.info("%s %s %s %d", quien, linea, r[9:12].decode("latin-1"), len(r))
    if p[0] == "GET" and bien:
        with open(nombre(p[1]), "wb") as f:
            f.write(r)
    return not cierra and b"connection: close" not in r[:2000].lower()


def main():
    os.makedirs(CACHE, exist_ok=True)
    srv = socket.socket()
    srv.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    srv.bind(("", PUERTO))
    srv.listen(100)
    lista = [srv]
    print("listo")
    while True:
        listos, _, _ = select.select(lista, [], [], 0.2)
        limpiar()
        for x in listos:
            if x is srv:
                c, _ = srv.accept()
                c.settimeout(10)
                lista.append(c)
                continue
            try:
                sigue = atender(x)
            except Exception as e:
                logging.error("%r", e)
                sigue = False
            if not sigue:
                lista.remove(x)
                x.close()


main()
