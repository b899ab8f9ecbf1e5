#!/usr/bin/python3
import atexit
import getopt
import hashlib
import http.client
import json
import os
import sys
import threading
import time
import configparser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from constantes import *

cfg = configparser.ConfigParser()
if not cfg.read("config.cfg"):
    print("falta config.cfg")
    sys.exit(1)
PUERTO = cfg.getint("PIBL", "puerto", fallback=8080)
TTL = 300

bitacora = []
lock = threading.Lock()
contador = 0


def guardar_bitacora():
    with open("bitacora.log", "a") as f:
        for linea in bitacora:
            f.write(linea + "\n")

atexit.register(guardar_bitacora)


def anotar(linea):
    linea = time.strftime("%c") + " - " + linea
    print(linea, flush=True)
    bitacora.append(linea)


def siguiente():
    global contador
    with lock:
        s = SERVIDORES[contador]
        contador = contador + 1
        if contador == len(SERVIDORES):
            contador = 0
    return s


class Cache:
    def archivo(self, host, path):
        llave = host + path.split("?")[0]
        return os.path.join(DIR_CACHE, hashlib.sha256(llave.encode("latin-1")).hexdigest() + ".json")

    def get(self, host, path):
        try:
            with open(self.archivo(host, path), encoding="utf-8") as f:
                d = json.load(f)
        except (OSError, ValueError):
            return None
        if time.time() > d["vence"]:
            return None
        return d

    def put(self, host, path, d):
        d["vence"] = time.time() + TTL
        nombre = self.archivo(host, path)
        tmp = "%s.%d" % (nombre, threading.get_ident())
        with open(tmp, "w", encoding="utf-8") as f:
            json.dump(d, f)
        os.replace(tmp, nombre)


cache = Cache()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "PIBL/1.0"
    timeout = 30

    def log_message(self, *a):
        pass      # tenemos nuestra bitacora

    def cuerpo_peticion(self):
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            todo = b""
            while True:
                n = int(self.rfile.readline().split(b";")[0], 16)
                if n == 0:
                    while self.rfile.readline().strip():
                        pass
                    return todo
                todo += self.rfile.read(n)
                self.rfile.readline()
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def preguntar(self, cuerpo):
        """pide el recurso a los servidores, si uno esta caido sigue con el otro"""
        for i in range(len(SERVIDORES)):
            host, puerto = siguiente()
            c = http.client.HTTPConnection(host, puerto, timeout=TIMEOUT)
            try:
                c.connect()
            except OSError:
                continue
            try:
                c.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                for k, v in self.headers.items():
                    if k.lower() not in NO_PASAN and k.lower() not in ("content-length", "expect"):
                        c.putheader(k, v)
                if cuerpo or self.command in ("POST", "PUT"):
                    c.putheader("Content-Length", str(len(cuerpo)))
                c.putheader("Connection", "close")
                c.endheaders(cuerpo)
                r = c.getresponse()
                datos = r.read()
                texto = datos.decode("utf-8", errors="ignore")
                cab = [(k, v) for k, v in r.getheaders() if k.lower() not in NO_PASAN]
                return {"estado": r.status, "razon": r.reason, "cab": cab, "texto": texto, "de": "%s:%d" % (host, puerto)}
            finally:
                c.close()
        return None

    def responder(self, d):
        salida = d["texto"].encode("utf-8")
        sin_cuerpo = self.command == "HEAD" or d["estado"] in (204, 304)
        if sin_cuerpo:
            salida = b""
        anotar("%s %s | %d %s | %d bytes | %s" % (self.client_address[0], self.requestline, d["estado"], d["razon"], len(salida), d["de"]))
        self.send_response_only(d["estado"], d["razon"])
        for k, v in d["cab"]:
            if k.lower() != "content-length" or sin_cuerpo:
                self.send_header(k, v)
        if not sin_cuerpo:
            self.send_header("Content-Length", str(len(salida)))
        self.end_headers()
        try:
            self.wfile.write(salida)
        except OSError:
            self.close_connection = True

    def atender(self):
        host = self.headers.get("Host", "")
        try:
            cuerpo = self.cuerpo_peticion()
        except (ValueError, OSError):
            self.close_connection = True
            self.responder(self.error(400, "Bad Request"))
            return
        usa_cache = (self.command == "GET" and "Authorization" not in self.headers and "Range" not in self.headers
                     and "no-store" not in self.headers.get("Cache-Control", ""))
        if usa_cache:
            d = cache.get(host, self.path)
            if d:
                d["de"] = "CACHE"
                self.responder(d)
                return
        try:
            d = self.preguntar(cuerpo)
        except TimeoutError:
            d = self.error(504, "Gateway Timeout")
        except (OSError, http.client.HTTPException, ValueError):
            d = self.error(502, "Bad Gateway")
        if d is None:
            d = self.error(503, "Service Unavailable")
        nombres = {k.lower(): v.lower() for k, v in d["cab"]}
        cc = nombres.get("cache-control", "")
        if (usa_cache and d["estado"] == 200 and "no-store" not in cc and "private" not in cc
                and "set-cookie" not in nombres and "vary" not in nombres):
            cache.put(host, self.path, d)
        self.responder(d)

    def error(self, codigo, razon):
        return {"estado": codigo, "razon": razon, "cab": [("Content-Type", "text/plain")], "texto": razon + "\n", "de": "-"}

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_OPTIONS = do_PATCH = atender


class Servidor(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True


def main():
    global TTL
    try:
        opts, _ = getopt.getopt(sys.argv[1:], "t:h", ["ttl=", "help"])
    except getopt.GetoptError as e:
        print(e)
        sys.exit(2)
    for o, v in opts:
        if o in ("-t", "--ttl"):
            TTL = float(v)
        else:
            print("uso: pibl_server.py [-t ttl_segundos]")
            sys.exit()
    os.makedirs(DIR_CACHE, exist_ok=True)
    print("PIBL en el puerto", PUERTO, "TTL", TTL, flush=True)
    try:
        Servidor(("0.0.0.0", PUERTO), Handler).serve_forever()
    except KeyboardInterrupt:
        print("chao")


if __name__ == "__main__":
    main()
