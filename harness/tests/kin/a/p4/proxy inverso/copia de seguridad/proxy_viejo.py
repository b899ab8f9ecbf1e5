# PROXY INVERSO + BALANCEADOR DE CARGA
# Telematica 2022-2, grupo 7
#
# como correrlo:  python3 proxy.py     (y contestar lo que pregunta)

import hashlib
import json
import os
import shutil
import socket
import socketserver
import sys
import threading
import time

BUFFER = 64 * 1024
CARPETA = "cache de recursos"

configuracion = {}
ttl = 120
turno = 0
log_lock = threading.Lock()
log_file = None


def cargar():
    global configuracion
    ruta = os.path.join(os.path.dirname(os.path.abspath(__file__)), "config", "config.json")
    try:
        with open(ruta) as f:
            configuracion = json.load(f)
        if len(configuracion["backends"]) == 0:
            raise ValueError("no hay backends")
    except (OSError, ValueError, KeyError) as e:
        print("ERROR en config.json:", e)
        sys.exit(1)


def escribir_log(texto):
    linea = time.strftime("%d-%m-%Y %H:%M:%S ") + texto
    with log_lock:
        print(linea, flush=True)
        log_file.write(linea + "\n")
        log_file.flush()


# ------------------------------------------------------------- round robin

def escoger_servidor():
    global turno
    actual = turno
    servidor = configuracion["backends"][actual]
    print("   turno de", servidor["nombre"], "(%s:%d)" % (servidor["host"], servidor["puerto"]), flush=True)
    turno = (actual + 1) % len(configuracion["backends"])
    return servidor


# ------------------------------------------------------------- cache

def nombre_archivo(host, recurso):
    return os.path.join(CARPETA, hashlib.md5((host + " " + recurso).encode("latin-1")).hexdigest() + ".cache")


def leer_cache(host, recurso):
    archivo = nombre_archivo(host, recurso)
    try:
        if time.time() - os.path.getmtime(archivo) > ttl:
            os.remove(archivo)
            return None
        with open(archivo, "rb") as f:
            return f.read()
    except OSError:
        return None


def escribir_cache(host, recurso, respuesta):
    archivo = nombre_archivo(host, recurso)
    temporal = archivo + "." + str(threading.get_ident())
    with open(temporal, "wb") as f:
        f.write(respuesta)
    os.rename(temporal, archivo)


def cabeceras(cabeza):
    r = {}
    for l in cabeza.decode("latin-1").split("\r\n")[1:]:
        if ":" in l:
            k, v = l.split(":", 1)
            r[k.strip().lower()] = v.strip()
    return r


def se_puede_guardar(peticion, respuesta):
    """ solo respuestas 200, enteras y publicas """
    cabeza, _, cuerpo = respuesta.partition(b"\r\n\r\n")
    if cabeza.split(b" ")[1:2] != [b"200"]:
        return False
    h = cabeceras(cabeza)
    cc = h.get("cache-control", "").lower()
    if "no-store" in cc or "private" in cc or "set-cookie" in h or "vary" in h:
        return False
    if "authorization" in peticion or "range" in peticion or "no-store" in peticion.get("cache-control", ""):
        return False
    if "chunked" in h.get("transfer-encoding", ""):
        return cuerpo.endswith(b"0\r\n\r\n")
    if "content-length" in h:
        return len(cuerpo) == int(h["content-length"])
    return True


# ------------------------------------------------------------- cada peticion

class Manejador(socketserver.BaseRequestHandler):

    def handle(self):
        cliente = self.request
        cliente.settimeout(30)
        datos = b""
        while b"\r\n\r\n" not in datos:
            try:
