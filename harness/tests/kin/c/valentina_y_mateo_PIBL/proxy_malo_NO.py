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

