# Reverse proxy + load balancer  --  Proyecto 1 (PIBL)
# Autores: K. Restrepo, D. Arboleda, T. Zapata
#
# python3 proxy_inverso.py            (lee settings.json)
# python3 proxy_inverso.py mio.json
import datetime
import json
import os
import pickle
import socket
import socketserver
import sys
import threading
import time

HOP = ["connection", "keep-alive", "proxy-connection", "te", "trailer",
       "transfer-encoding", "upgrade"]
UNIDADES = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}


class BadGateway(Exception):
    pass


class Tarde(Exception):
    pass


# ------------------------------------------------------------------ settings
def load_settings(path):
    with open(path) as f:
        s = json.load(f)
    t = s["cache"]["ttl"]
    cfg = {
        "port": s.get("server", {}).get("port", 8080),
        "backends": [(b["host"], b.get("port", 80)) for b in s["backends"]],
        "ttl": t["value"] * UNIDADES[t.get("unit", "s")],
        "cache": s["cache"].get("folder", "cache"),
        "log": s.get("log", "logs/proxy.log"),
        "timeout": s.get("server", {}).get("backend_timeout", 6),
    }
    return cfg


# ----------------------------------------------------------------------- log
class Log:
    def __init__(self, path):
        self.lock = threading.Lock()
        self.file = open(path, "a")        # la carpeta logs/ debe existir!!

    def write(self, *partes):
        linea = datetime.datetime.now().isoformat(sep=" ") + " | " + " | ".join(str(p) for p in partes)
        with self.lock:
            self.file.write(linea + "\n")
            self.file.flush()
            print(linea, flush=True)


# --------------------------------------------------------------------- cache
class Cache:
    """Un diccionario que se guarda completo en un pickle."""

    def __init__(self, folder, ttl):
        os.makedirs(folder, exist_ok=True)
        self.path = os.path.join(folder, "cache.pkl")
        self.ttl = ttl
        self.lock = threading.Lock()
        self.datos = {}
        self.sucio = threading.Event()
        try:
            with open(self.path, "rb") as f:
                self.datos = pickle.load(f)
            ahora = time.time()
            for e in self.datos.values():
                e["desde"] = ahora
            print("cache cargada:", len(self.datos), "recursos")
        except FileNotFoundError:
            pass
        except Exception as e:
            print("cache danada, se empieza de cero:", e)
        threading.Thread(target=self.guardador, daemon=True).start()

    def get(self, key):
        with self.lock:
            e = self.datos.get(key)
            if e and time.time() - e["desde"] < self.ttl:
                return e
            return None

    def put(self, key, status, headers, body):
        with self.lock:
            self.datos[key] = {"desde": time.time(), "status": status,
                               "headers": headers, "body": body}
        self.sucio.set()

    def guardador(self):
        while True:
            self.sucio.wait()
            time.sleep(0.2)
            self.sucio.clear()
            with self.lock:
                now = time.time()
                for k in [k for k, e in self.datos.items() if now - e["desde"] >= self.ttl]:
                    del self.datos[k]
                copia = dict(self.datos)
            with open(self.path, "wb") as f:
                pickle.dump(copia, f)


# ------------------------------------------------------------- http utilities
def read_head(f):
    """-> primera linea y diccionario de cabeceras (None si no hay nada)"""
    first = f.readline(65537)
    while first in (b"\r\n", b"\n"):
        first = f.readline(65537)
    if not first:
        return None, None
    headers = {}
    while True:
        line = f.readline(65537)
        if not line:
            raise ConnectionError("cabecera incompleta")
        line = line.decode("latin-1").rstrip("\r\n")
        if line == "":
            break
        name, sep, value = line.partition(":")
        if not sep:
            raise ValueError("cabecera mala")
        headers[name.strip()] = value.strip()
    return first.decode("latin-1").rstrip("\r\n"), headers


def header(headers, name, default=""):
    for k, v in headers.items():
        if k.lower() == name:
            return v
    return default


def without(headers, extra=()):
    conn = [c.strip().lower() for c in header(headers, "connection").split(",")]
    return {k: v for k, v in headers.items()
            if k.lower() not in HOP and k.lower() not in extra and k.lower() not in conn}


def read_exact(f, n):
    data = f.read(n)
    if len(data) < n:
        raise ConnectionError("cuerpo incompleto: %d de %d" % (len(data), n))
    return data


def read_chunked(f):
    out = []
    while True:
        size = int(f.readline().split(b";")[0].strip() or b"x", 16)
        if size == 0:
            while f.readline() not in (b"\r\n", b"\n", b""):
                pass
            return b"".join(out)
        out.append(read_exact(f, size))
        f.readline()


# ------------------------------------------------------------------ balanceo
class Balancer:
    def __init__(self, backends, timeout):
        self.backends = backends
        self.timeout = timeout
        self.i = -1
        self.lock = threading.Lock()

    def next(self):
        with self.lock:
            self.i = (self.i + 1) % len(self.backends)
            return self.backends[self.i]

    def ask(self, method, raw):
        """prueba con cada servidor hasta que uno conteste"""
        late = False
        for _ in range(len(self.backends)):
            b = self.next()
            try:
                return b, self.talk(b, method, raw)
            except socket.timeout:
                late = True
            except (OSError, ValueError) as e:
                print("backend", b, "fallo:", e, flush=True)
        if late:
            raise Tarde()
        raise BadGateway()

    def talk(self, b, method, raw):
        s = socket.create_connection(b, timeout=min(self.timeout, 3))
        f = None
        try:
            s.settimeout(self.timeout)
            s.sendall(raw)
            f = s.makefile("rb")
            while True:
                first, headers = read_head(f)
                if first is None:
                    raise ConnectionError("no contesto nada")
                code = int(first.split(" ")[1])
                if code >= 200:
                    break
            body = b""
            if method == "HEAD" or code in (204, 304):
                body = None
            elif "chunked" in header(headers, "transfer-encoding").lower():
                body = read_chunked(f)
            elif header(headers, "content-length"):
                body = read_exact(f, int(header(headers, "content-length")))
            else:
                body = f.read()
            return first.split(" ", 1)[1], headers, body
        finally:
            if f:
                f.close()
            s.close()


# ------------------------------------------------------------------- handler
class Handler(socketserver.StreamRequestHandler):
    timeout = 20
    disable_nagle_algorithm = True

    def handle(self):
        try:
            while self.one():
                pass
            self.connection.shutdown(socket.SHUT_WR)
        except (OSError, ConnectionError):
            pass

    def finish(self):
        try:
            super().finish()
        except OSError:
            pass

    def reply(self, status, headers, body, close, method):
        h = dict(headers)
        if body is not None:
            h["Content-Length"] = str(len(body))
        h["Connection"] = "close" if close else "keep-alive"
        h["X-Proxy"] = "pibl"
        head = "HTTP/1.1 %s\r\n" % status
        head += "".join("%s: %s\r\n" % kv for kv in h.items()) + "\r\n"
        out = head.encode("latin-1")
        if body and method != "HEAD":
            out += body
        self.connection.sendall(out)

    def one(self):
        t0 = time.time()
        log, cache, balancer = self.server.log, self.server.cache, self.server.balancer
        try:
            first, headers = read_head(self.rfile)
            if first is None:
                return False
            method, target, version = first.split(" ")
            if not version.startswith("HTTP/1."):
                raise ValueError(version)
            n = int(header(headers, "content-length", "0"))
        except socket.timeout:
            return False
        except ValueError:
            self.reply("400 Bad Request", {}, b"bad request\n", True, "GET")
            return False
        if target.startswith("http://"):
            target = "/" + target[7:].partition("/")[2]

        if n and header(headers, "expect").lower() == "100-continue":
            self.connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = read_exact(self.rfile, n) if n else b""
        conn = header(headers, "connection").lower()
        close = "close" in conn or version == "HTTP/1.0"

        key = header(headers, "host") + target
        usable = method in ("GET", "HEAD") and not header(headers, "authorization") \
            and not header(headers, "range")
        who, where = self.client_address[0], "cache"
        e = cache.get(key) if usable else None
        if e:
            status, out, data = e["status"], e["headers"], e["body"]
            if method == "GET" and data is None:
                data = b""
        else:
            send = without(headers, ("content-length", "expect"))
            if body or method in ("POST", "PUT", "PATCH"):
                send["Content-Length"] = str(len(body))
            send["X-Forwarded-For"] = who
            send["Connection"] = "close"
            raw = "%s %s HTTP/1.1\r\n" % (method, target)
            raw += "".join("%s: %s\r\n" % kv for kv in send.items()) + "\r\n"
            try:
                b, (status, got, data) = balancer.ask(method, raw.encode("latin-1") + body)
                where = "%s:%d" % b
                out = without(got, ("content-length",) if data is not None else ())
                cc = header(got, "cache-control").lower()
                if usable and status.startswith("200") and "no-store" not in cc \
                        and "private" not in cc and "no-cache" not in cc:
                    cache.put(key, status, out, data)
            except Tarde:
                status, out, data, where = "504 Gateway Timeout", {}, b"504 gateway timeout\n", "-"
            except BadGateway:
                status, out, data, where = "502 Bad Gateway", {}, b"502 bad gateway\n", "-"
        log.write(who, method, target, where, status, len(data or b""),
                  "%.1f ms" % ((time.time() - t0) * 1000))
        self.reply(status, out, data, close, method)
        return not close


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 200

    def handle_error(self, request, client_address):
        print("error con", client_address, sys.exc_info()[1], flush=True)


def main():
    cfg = load_settings(sys.argv[1] if len(sys.argv) > 1 else "settings.json")
    srv = Server(("0.0.0.0", cfg["port"]), Handler)
    srv.log = Log(cfg["log"])
    srv.cache = Cache(cfg["cache"], cfg["ttl"])
    srv.balancer = Balancer(cfg["backends"], cfg["timeout"])
    print("Listening on", cfg["port"], "ttl", cfg["ttl"], "s", flush=True)
    try:
        srv.serve_forever()
    except KeyboardInterrupt:
        print("bye")


if __name__ == "__main__":
    main()
