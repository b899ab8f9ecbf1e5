# -*- coding: utf-8 -*-
"""
PROYECTO 1 - PIBL
python3 main.py   y seguir el menu
"""
import http.server
import socketserver
import http.client
import configparser
import threading
import json
import os
import sys
import time
from urllib.parse import urlparse

CONFIG = "config.ini"
CACHE_DIR = "cache"
LOG = "pibl.log"

ajustes = {"puerto": 8080, "ttl": 60, "servidores": []}

# ------------------------------------------------------------------
#  configuracion
# ------------------------------------------------------------------


def cargar_config(nombre=CONFIG):
    cp = configparser.ConfigParser()
    if not cp.read(nombre):
        print("no encuentro", nombre)
        sys.exit(1)
    try:
        ajustes["puerto"] = cp.getint("pibl", "puerto", fallback=8080)
        ajustes["ttl"] = cp.getint("pibl", "ttl", fallback=60)
        for linea in cp.get("pibl", "servidores").split(","):
            linea = linea.strip()
            if linea:
                h, p = linea.split(":")
                ajustes["servidores"].append((h, int(p)))
    except Exception as e:
        print("config.ini esta malo:", e)
        sys.exit(1)
    if not ajustes["servidores"]:
        print("config.ini no tiene servidores")
        sys.exit(1)


# ------------------------------------------------------------------
#  balanceador
# ------------------------------------------------------------------
class RoundRobin:
    def __init__(self):
        self.lock = threading.Lock()
        self.i = -1

    def dame(self):
        with self.lock:
            self.i = (self.i + 1) % len(ajustes["servidores"])
            return ajustes["servidores"][self.i]


rr = RoundRobin()

# ------------------------------------------------------------------
#  log
# ------------------------------------------------------------------
log_lock = threading.Lock()


def escribir_log(ip, peticion, status, largo, origen):
    s = "%s %s '%s' => %s (%s bytes) desde %s" % (
        time.strftime("%Y-%m-%dT%H:%M:%S"), ip, peticion, status, largo, origen)
    with log_lock:
        print(s, flush=True)
        with open(LOG, "a", encoding="utf-8", errors="replace") as f:
            f.write(s + "\n")


# ------------------------------------------------------------------
#  cache en disco (un json por recurso)
# ------------------------------------------------------------------
cache_lock = threading.Lock()


def nombre_cache(ruta):
    return os.path.join(CACHE_DIR, "res_%d.json" % hash(ruta))


def leer_cache(ruta):
    try:
        with cache_lock:
            with open(nombre_cache(ruta), encoding="utf-8") as f:
                d = json.load(f)
        if d["ruta"] != ruta:
            return None
        return d
    except (OSError, ValueError, KeyError):
        return None


def guardar_cache(ruta, status, razon, headers, texto):
    d = {"ruta": ruta, "status": status, "razon": razon, "headers": headers, "texto": texto,
         "hora": time.time()}
    with cache_lock:
        tmp = nombre_cache(ruta) + ".tmp"
        with open(tmp, "w", encoding="utf-8") as f:
            json.dump(d, f)
        os.replace(tmp, nombre_cache(ruta))


def limpiador():
    # TTL: cada tanto se borra lo viejo
    while True:
        time.sleep(ajustes["ttl"])
        with cache_lock:
            for a in os.listdir(CACHE_DIR):
                os.remove(os.path.join(CACHE_DIR, a))


# def vencido(d):
#     return time.time() - d["hora"] > ajustes["ttl"]

# ------------------------------------------------------------------
#  proxy  (basado en https://gist.github.com/... )
# ------------------------------------------------------------------
NO_PASAR = ("connection", "keep-alive", "proxy-connection", "transfer-encoding", "te", "trailer",
            "upgrade", "content-length", "server", "date")


class Proxy(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "PIBL/1.0"
    timeout = 20

    def log_message(self, *a):
        pass

    def mandar(self, status, razon, headers, texto, origen):
        self.send_response(status, razon)
        for k, v in headers:
            self.send_header(k, v)
        self.send_header("Content-Length", str(len(texto)))
        self.end_headers()
        escribir_log(self.client_address[0], self.requestline, status, len(texto), origen)
        if self.command != "HEAD":
            self.wfile.write(texto.encode("utf-8"))

    def cacheable(self, status, headers):
        if self.command != "GET" or status not in (200, 203, 301, 404):
            return False
        if self.headers.get("Authorization") or self.headers.get("Range"):
            return False
        cc = ",".join(v for k, v in headers if k.lower() == "cache-control").lower()
        return "no-store" not in cc and "private" not in cc

    def pedir(self, ruta, cuerpo, headers):
        """devuelve (conexion, respuesta, nombre) o lanza OSError"""
        for i in range(len(ajustes["servidores"])):
            h, p = rr.dame()
            con = http.client.HTTPConnection(h, p, timeout=10)
            try:
                con.connect()
            except OSError:
                con.close()
                continue
            con.putrequest(self.command, ruta, skip_host=True, skip_accept_encoding=True)
            for k, v in headers:
                con.putheader(k, v)
            con.putheader("Connection", "close")
            if cuerpo is not None:
                con.putheader("Content-Length", str(len(cuerpo)))
            con.endheaders()
            if cuerpo:
                con.send(cuerpo)
            return con, con.getresponse(), "%s:%d" % (h, p)
        raise ConnectionError("todos caidos")

    def manejar(self):
        ruta = urlparse(self.path).path
        if not ruta.startswith("/"):
            ruta = "/" + ruta
        cuerpo = None
        n = self.headers.get("Content-Length")
        if n is not None:
            cuerpo = self.rfile.read(int(n))
        if self.command == "GET" and not self.headers.get("Authorization"):
            d = leer_cache(ruta)
            if d:
                self.mandar(d["status"], d["razon"], d["headers"], d["texto"], "CACHE")
                return
        pasar = [(k, v) for k, v in self.headers.items()
                 if k.lower() not in ("connection", "keep-alive", "proxy-connection", "content-length",
                                      "transfer-encoding", "expect", "te")]
        try:
            con, r, nombre = self.pedir(ruta, cuerpo, pasar)
            datos = r.read()
            con.close()
        except TimeoutError:
            self.mandar(504, "Gateway Timeout", [], "504 el servidor no contesta\n", "PIBL")
            return
        except (OSError, http.client.HTTPException) as e:
            self.mandar(502, "Bad Gateway", [], "502 no hay servidores\n", "PIBL")
            return
        headers = [(k, v) for k, v in r.getheaders() if k.lower() not in NO_PASAR]
        # se pasa a texto para poderlo guardar en el json
        texto = datos.decode("utf-8", errors="replace")
        if self.cacheable(r.status, headers):
            guardar_cache(ruta, r.status, r.reason, headers, texto)
        self.mandar(r.status, r.reason, headers, texto, nombre)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_OPTIONS = do_PATCH = manejar


class Servidor(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 200

    def handle_error(self, request, client_address):
        t, e, _ = sys.exc_info()
        if not isinstance(e, (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)


def iniciar():
    os.makedirs(CACHE_DIR, exist_ok=True)
    threading.Thread(target=limpiador, daemon=True).start()
    srv = Servidor(("0.0.0.0", ajustes["puerto"]), Proxy)
    print("PIBL corriendo en %d (ttl %d)" % (ajustes["puerto"], ajustes["ttl"]), flush=True)
    try:
        srv.serve_forever()
    except KeyboardInterrupt:
        print("apagando...")


def menu():
    while True:
        print("\n=== PIBL ===\n1. Iniciar\n2. Cambiar puerto (%d)\n3. Cambiar TTL (%d)\n4. Ver servidores\n0. Salir"
              % (ajustes["puerto"], ajustes["ttl"]))
        try:
            op = input("opcion: ").strip()
            if op == "1":
                iniciar()
                return
            elif op == "2":
                ajustes["puerto"] = int(input("puerto: "))
            elif op == "3":
                ajustes["ttl"] = int(input("ttl: "))
            elif op == "4":
                for s in ajustes["servidores"]:
                    print(" -", s[0], s[1])
            elif op == "0":
                return
            else:
                print("opcion mala")
        except ValueError:
            print("eso no es un numero")
        except EOFError:
            return


if __name__ == "__main__":
    cargar_config()
    menu()
