#!/usr/bin/python3
# Proxy.py  -- by JP & Mafe
# la config esta en ajustes.py (se importa)
# Proxy.py [ttl]

import csv
import hashlib
import os
import pickle
import socket
import sys
import threading
import time

import ajustes

ttl = float(sys.argv[1]) if len(sys.argv) > 1 else ajustes.TTL
seguro = threading.Lock()


def registrar(quien, metodo, url, estado, bytes_, de_donde):
    fila = [time.strftime("%Y-%m-%dT%H:%M:%S"), quien[0], metodo, url, estado, bytes_, de_donde]
    with seguro:
        with open(ajustes.LOG, "a", newline="") as f:
            csv.writer(f, delimiter=";").writerow(fila)
        print(*fila, sep=" ", flush=True)


# ============ CACHE ============
def ruta(url):
    return os.path.join(ajustes.CACHE, hashlib.sha1(url).hexdigest() + ".pkl")


def sacar(url):
    try:
        r = ruta(url)
        if time.time() - os.stat(r).st_mtime >= ttl:
            return None
        with open(r, "rb") as f:
            x = pickle.load(f)
        os.utime(r)   # recien usado => se queda en la cache
        return x
    except (OSError, EOFError, pickle.UnpicklingError):
        return None


def meter(url, x):
    tmp = ruta(url) + str(threading.get_ident())
    with open(tmp, "wb") as f:
        pickle.dump(x, f)
    os.replace(tmp, ruta(url))


# ============ HTTP ============
def cabeza(f):
    r = []
    while True:
        l = f.readline()
        if not l:
            return None
        if l.strip() == b"":
            if r:
                return r
            else:
                continue
        r.append(l)


def valor(lineas, nombre):
    for l in lineas[1:]:
        if l.split(b":")[0].strip().lower() == nombre:
            return l.split(b":", 1)[1].strip()


def cuerpo(f, lineas, respuesta):
    """ -> (bytes, completo?, termino_en_eof?) """
    if b"chunked" in (valor(lineas, b"transfer-encoding") or b"").lower():
        b = bytearray()
        while True:
            l = f.readline()
            b += l
            if not l:
                return bytes(b), False, True
            n = int(l.split(b";")[0], 16)
            if n == 0:
                while True:
                    l = f.readline()
                    b += l
                    if l in (b"\r\n", b""):
                        return bytes(b), l != b"", False
            b += f.read(n + 2)
    cl = valor(lineas, b"content-length")
    if cl is not None:
        b = f.read(int(cl))
        return b, len(b) == int(cl), len(b) != int(cl)
    if respuesta:
        return f.read(), True, True
    return b"", True, False


def sin_conexion(lineas):
    return [l for l in lineas if l.split(b":")[0].lower() not in (b"connection", b"keep-alive", b"proxy-connection")]


def hilo(c, quien, servidor):
    """un hilo por cliente; el servidor ya viene elegido"""
    f = c.makefile("rb")
    try:
        while True:
            pet = cabeza(f)
            if pet is None:
                break
            metodo, url, version = pet[0].split()
            body, ok, _ = cuerpo(f, pet, False)
            if not ok:
                break
            con = (valor(pet, b"connection") or b"").lower()
            cerrar = b"close" in con or (version == b"HTTP/1.0" and b"keep-alive" not in con)

            if metodo == b"GET":
                x = sacar(url)
                if x:
                    c.sendall(x[0] + (b"Connection: close\r\n\r\n" if cerrar else b"\r\n") + x[1])
                    registrar(quien, "GET", url.decode("latin-1"), x[2], len(x[1]), "cache")
                    if cerrar: break
                    continue
            try:
                s = socket.create_connection(servidor, timeout=5)
                s.settimeout(15)
                s.sendall(b"".join(sin_conexion(pet)) + b"Connection: close\r\n\r\n" + body)
                g = s.makefile("rb")
                res = cabeza(g)
                while res and res[0].split()[1][:1] == b"1":
                    res = cabeza(g)
                if res is None:
                    raise OSError("sin respuesta")
                st = res[0].split()[1].decode()
                if metodo == b"HEAD" or st in ("204", "304"):
                    rb, ok, eof = b"", True, False
                else:
                    rb, ok, eof = cuerpo(g, res, True)
                g.close()
                s.close()
            except OSError as e:
                st = "504" if isinstance(e, socket.timeout) else "502"
                c.sendall(b"HTTP/1.1 " + st.encode() + b" Gateway error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                registrar(quien, metodo.decode(), url.decode("latin-1"), st, 0, str(e))
                break
            h = b"".join(sin_conexion(res))
            if eof: cerrar = True
            cc = (valor(res, b"cache-control") or b"").lower()
            if metodo == b"GET" and ok and not eof and int(st) < 400 and b"no-store" not in cc:
                meter(url, (h, rb, st))
            c.sendall(h + (b"Connection: close\r\n\r\n" if cerrar else b"\r\n"))
            c.sendall(rb)
            registrar(quien, metodo.decode(), url.decode("latin-1"), st, len(rb), "%s:%d" % servidor)
            if cerrar:
                break
    except (OSError, ValueError) as e:
        print("!!", quien, e, flush=True)
    finally:
        f.close()
        c.close()


if __name__ == "__main__":
    os.makedirs(ajustes.CACHE, exist_ok=True)
    puerto = getattr(ajustes, "PUERTO", 8080)
    escucha = socket.create_server(("", puerto), backlog=150)
    print("PUERTO", puerto, "TTL", ttl, flush=True)
    n = 0
    while True:
        c, quien = escucha.accept()
        # round robin: a cada cliente le toca un servidor
        servidor = ajustes.SERVIDORES[n]
        n = (n + 1) % len(ajustes.SERVIDORES)
        threading.Thread(target=hilo, args=(c, quien, servidor), daemon=True).start()
