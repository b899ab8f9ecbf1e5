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
