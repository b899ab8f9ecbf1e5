#!/usr/bin/env python3
# PROYECTO 1 - TELEMATICA
# Proxy inverso + balanceador
# uso: python3 proxy.py <ttl>
import socket
import threading
import configparser
import hashlib
import os
import sys
import time
from datetime import datetime

cfg = configparser.ConfigParser()
cfg.read(os.path.join(os.path.dirname(os.path.abspath(__file__)), "config.ini"))

puerto = cfg.getint("proxy", "puerto", fallback=8080)
TAM = cfg.getint("proxy", "buffer", fallback=8192)
archivo_log = cfg.get("proxy", "log", fallback="logs/proxy.log")
carpeta = cfg.get("cache", "carpeta", fallback="cache")
backends = []
for k, v in cfg.items("backends"):
    h, p = v.split(":")
    backends.append((h.strip(), int(p)))

ttl = 60
if len(sys.argv) > 1:
    ttl = float(sys.argv[1])

siguiente = 0
mutex_rr = threading.Lock()
mutex_cache = threading.Lock()
mutex_log = threading.Lock()


def elegir():
    """round robin, devuelve el (host, puerto)"""
    global siguiente
    with mutex_rr:
        b = backends[siguiente]
        siguiente += 1
        if siguiente == len(backends):
            siguiente = 0
    return b


def escribir_log(dir, peticion, respuesta, n, de):
    linea = "%s | %s:%d | %s | %s | %d bytes | %s" % (
        datetime.now().strftime("%d/%m/%Y %H:%M:%S"), dir[0], dir[1], peticion, respuesta, n, de)
    with mutex_log:
        print(linea, flush=True)
        f = open(archivo_log, "a")
        f.write(linea + "\n")
        f.close()


def nombre_cache(url):
    return os.path.join(carpeta, hashlib.md5(url.encode("latin-1")).hexdigest() + ".bin")


def buscar_cache(url):
    n = nombre_cache(url)
    with mutex_cache:
        if not os.path.exists(n):
            return None
        # la fecha del archivo dice cuando se guardo
        if time.time() - os.path.getmtime(n) >= ttl:
            os.remove(n)
            return None
        with open(n, "rb") as f:
            return f.read()


def guardar_cache(url, datos):
    with mutex_cache:
        with open(nombre_cache(url), "wb") as f:
            f.write(datos)


def leer_peticion(c):
    datos = b""
    while b"\r\n\r\n" not in datos:
        parte = c.recv(TAM)
        if not parte:
            return None
        datos += parte
    # body (solo POST, PUT...)
    cabeza, cuerpo = datos.split(b"\r\n\r\n", 1)
    largo = 0
    for l in cabeza.split(b"\r\n")[1:]:
        if l.lower().startswith(b"content-length:"):
            largo = int(l.split(b":")[1])
    while len(cuerpo) < largo:
        parte = c.recv(TAM)
        if not parte:
            return None
        cuerpo += parte
    return cabeza + b"\r\n\r\n" + cuerpo


def atender(c, dir):
    s = None
    try:
        pet = leer_peticion(c)
        if pet is None:
            return
        primera = pet.split(b"\r\n")[0].decode("latin-1")
        partes = primera.split(" ")
        if len(partes) != 3:
            c.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return
        metodo, url = partes[0], partes[1]

        if metodo == "GET":
            r = buscar_cache(url)
            if r is not None:
                c.sendall(r)
                escribir_log(dir, primera, r.split(b"\r\n")[0].decode("latin-1"), len(r), "CACHE")
                return

        b = elegir()
        try:
            s = socket.create_connection(b, 5)
        except OSError as e:
            m = b"<h1>502 Bad Gateway</h1>"
            c.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nConnection: close\r\nContent-Length: "
                      + str(len(m)).encode() + b"\r\n\r\n" + m)
            escribir_log(dir, primera, "HTTP/1.1 502 Bad Gateway", len(m), "ERROR %s" % e)
            return
        s.settimeout(30)
        s.sendall(pet)
        # recibir hasta que el servidor cierre
        total = []
        while True:
            d = s.recv(TAM)
            if not d:
                break
            c.sendall(d)
            total.append(d)
        total = b"".join(total)
        estado = total.split(b"\r\n")[0].decode("latin-1")
        if metodo == "GET" and " 200" in estado:
            guardar_cache(url, total)
        escribir_log(dir, primera, estado, len(total), "%s:%d" % b)
    except Exception as e:
        print("error con", dir, e, flush=True)
    finally:
        if s:
            s.close()
        c.close()


def main():
    os.makedirs(carpeta, exist_ok=True)
    d = os.path.dirname(archivo_log)
    if d:
        os.makedirs(d, exist_ok=True)
    srv = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    srv.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    srv.bind(("0.0.0.0", puerto))
    srv.listen(128)
    print("Proxy escuchando en", puerto, "ttl", ttl, "backends", backends, flush=True)
    while True:
        c, dir = srv.accept()
        threading.Thread(target=atender, args=(c, dir), daemon=True).start()


if __name__ == "__main__":
    main()
