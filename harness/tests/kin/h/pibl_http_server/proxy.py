#!/usr/bin/env python3
# Proxy inverso y balanceador
# usa http.server (recibir) y http.client (hablar con los servidores)
import argparse
import configparser
import hashlib
import http.client
import itertools
import os
import pickle
import socket
import socketserver
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler

ap = argparse.ArgumentParser(description="PIBL")
ap.add_argument("-c", "--config", default="pibl.ini")
ap.add_argument("-t", "--ttl", type=float, default=120, help="segundos que dura un recurso en cache")
args = ap.parse_args()

cfg = configparser.ConfigParser()
if not cfg.read(args.config):
    sys.exit("No existe el archivo de configuracion " + args.config)
try:
    PUERTO = cfg.getint("pibl", "puerto", fallback=8080)
    SERVIDORES = [s.strip() for s in cfg.get("backends", "lista").replace("\n", ",").split(",") if s.strip()]
except Exception as e:
    sys.exit("Error en %s: %s" % (args.config, e))
CACHE = cfg.get("cache", "carpeta", fallback="cache")
LOG = cfg.get("log", "archivo", fallback="pibl.log")

os.makedirs(CACHE, exist_ok=True)
flog = open(LOG, "a", buffering=1)
candado_log = threading.Lock()
candado_rr = threading.Lock()
ciclo = itertools.cycle(SERVIDORES)

QUITAR = {"connection", "keep-alive", "proxy-connection", "te", "trailer", "trailers", "transfer-encoding", "upgrade", "expect"}


def siguiente():
    with candado_rr:
        return next(ciclo)


def ruta_cache(url):
    return os.path.join(CACHE, hashlib.sha1(url.encode("latin1")).hexdigest() + ".pkl")


def leer_cache(url):
    r = ruta_cache(url)
    try:
        if time.time() - os.stat(r).st_mtime > args.ttl:
            os.remove(r)
            return None
        with open(r, "rb") as f:
            dato = pickle.load(f)
        os.utime(r)         # se usó: se vuelve a contar el ttl
        return dato
    except (OSError, EOFError, pickle.UnpicklingError):
        return None


def guardar_cache(url, dato):
    r = ruta_cache(url)
    tmp = "%s.%d" % (r, threading.get_ident())
    with open(tmp, "wb") as f:
        pickle.dump(dato, f)
    os.replace(tmp, r)


class Manejador(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30

    def log_message(self, *a):
        pass

    def anotar(self, estado, n, de):
        l = "%s | %s | %s %s | %s | %d bytes | %s" % (time.strftime("%d/%b/%Y %H:%M:%S"), self.client_address[0], self.command, self.url, estado, n, de)
        with candado_log:
            print(l, flush=True)
            flog.write(l + "\n")

    def responder(self, estado, razon, cabeceras, cuerpo, de, sin_cuerpo=False):
        self.close_connection = True
        try:
            self.send_response_only(estado, razon)
            for k, v in cabeceras.items():
                self.send_header(k, v)
            self.send_header("Connection", "close")
            self.end_headers()
            if not sin_cuerpo:
                self.wfile.write(cuerpo)
        except OSError:
            de += " (cliente se fue)"
        self.anotar(estado, len(cuerpo), de)

    def atender(self):
        url = self.requestline.split()[1]
        if url.lower().startswith("http://"):
            url = "/" + url[7:].partition("/")[2]
        self.url = url
        cuerpo = None
        largo = self.headers.get("Content-Length")
        if largo is not None:
            cuerpo = self.rfile.read(int(largo))
            if len(cuerpo) < int(largo):
                self.close_connection = True
                return

        if self.command == "GET":
            d = leer_cache(url)
            if d:
                return self.responder(200, d["razon"], d["cabeceras"], d["cuerpo"], "cache")

        cabeceras = {k: v for k, v in dict(self.headers).items() if k.lower() not in QUITAR}
        cabeceras["X-Forwarded-For"] = self.client_address[0]
        cabeceras["Connection"] = "close"
        for _ in SERVIDORES:
            servidor = siguiente()
            con = http.client.HTTPConnection(servidor)
            try:
                con.connect()
                break
            except OSError:
                con = None
        if con is None:
            return self.fallo(502, "Bad Gateway", "ningun servidor responde")
        try:
            con.request(self.command, url, cuerpo, cabeceras)
            res = con.getresponse()
            datos = res.read()
        except (OSError, http.client.HTTPException) as e:
            con.close()
            return self.fallo(502, "Bad Gateway", "%s %r" % (servidor, e))
        con.close()
        rc = {k: v for k, v in dict(res.getheaders()).items() if k.lower() not in QUITAR}
        nada = self.command == "HEAD" or res.status in (204, 304)
        if not nada:
            rc = {k: v for k, v in rc.items() if k.lower() != "content-length"}
            rc["Content-Length"] = str(len(datos))
        if self.command == "GET" and res.status == 200:
            cc = (res.getheader("Cache-Control") or "").lower()
            if "no-store" not in cc and "private" not in cc and "Range" not in self.headers:
                guardar_cache(url, {"razon": res.reason, "cabeceras": rc, "cuerpo": datos})
        self.responder(res.status, res.reason, rc, datos, servidor, nada)

    def fallo(self, cod, texto, porque):
        c = ("<html><h1>%d %s</h1></html>" % (cod, texto)).encode()
        self.responder(cod, texto, {"Content-Type": "text/html", "Content-Length": str(len(c))}, c, porque, self.command == "HEAD")

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = do_HEAD = atender


class Servidor(socketserver.ThreadingMixIn, socketserver.TCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request, client_address):
        pass


if __name__ == "__main__":
    s = Servidor(("", PUERTO), Manejador)
    print("PIBL en", PUERTO, "->", SERVIDORES, "ttl", args.ttl, flush=True)
    s.serve_forever()
