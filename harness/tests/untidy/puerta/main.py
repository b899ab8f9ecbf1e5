"""
Reverse proxy / load balancer.

    python3 main.py -p 8080 -t 120 [-b backends.txt]

-p gana sobre la linea "listen" de backends.txt
"""
import argparse
import hashlib
import json
import os
import socket
import sys
import tempfile
import threading
import time

lock = threading.Lock()
log_lock = threading.Lock()
turn = 0
OPTS = None
BACKENDS = []
CACHE_DIR = os.path.join(tempfile.gettempdir(), "cache_pibl")   # /tmp/cache_pibl


def read_backends(path):
    """Una linea por servidor: host puerto.  '#' es comentario"""
    port = None
    for n, line in enumerate(open(path), 1):
        line = line.split("#")[0].split()
        if not line:
            continue
        if line[0] == "listen":
            port = int(line[1])
        elif len(line) == 2:
            BACKENDS.append((line[0], int(line[1])))
        else:
            sys.exit("%s:%d: no entiendo la linea" % (path, n))
    if not BACKENDS:
        sys.exit("no hay backends en " + path)
    return port


def next_backend():
    global turn
    with lock:
        b = BACKENDS[turn % len(BACKENDS)]
        turn += 1
        return b


def log(addr, reqline, status, size, note):
    s = '%s - - [%s] "%s" %s %d %s' % (
        addr[0], time.strftime("%d/%b/%Y:%H:%M:%S %z"), reqline, status, size, note)
    with log_lock:
        sys.stdout.write(s + "\n")
        sys.stdout.flush()
        with open(OPTS.log, "a") as f:
            f.write(s + "\n")


class Closed(Exception):
    pass


class Conn:
    def __init__(self, sock):
        self.f = sock.makefile("rb")
        self.sock = sock

    def head(self):
        lines = []
        while True:
            l = self.f.readline(65537)
            if not l.endswith(b"\n"):
                raise Closed()
            if l in (b"\r\n", b"\n"):
                if lines:
                    return lines
                continue
            lines.append(l)

    def read(self, n):
        d = self.f.read(n)
        if len(d) < n:
            raise Closed()
        return d

    def pieces(self, headers, eof_ok):
        """genera el cuerpo tal como viene por el cable"""
        te = headers.get("transfer-encoding", "")
        if "chunked" in te.lower():
            while True:
                l = self.f.readline()
                if not l.endswith(b"\n"):
                    raise Closed()
                n = int(l.split(b";")[0].strip(), 16)
                if n == 0:
                    tail = l
                    while True:
                        l = self.f.readline()
                        if not l: raise Closed()
                        tail += l
                        if l in (b"\r\n", b"\n"):
                            break
                    yield tail
                    return
                yield l + self.read(n + 2)
        elif "content-length" in headers:
            left = int(headers["content-length"])
            while left > 0:
                d = self.f.read1(min(left, 65536))
                if not d:
                    raise Closed()
                left -= len(d)
                yield d
        elif eof_ok:
            while True:
                d = self.f.read1(65536)
                if not d:
                    return
                yield d


def to_dict(lines):
    h = {}
    for l in lines[1:]:
        k, _, v = l.decode("latin-1").partition(":")
        h[k.strip().lower()] = v.strip()
    return h


# ---- cache ----
def cfile(target):
    return os.path.join(CACHE_DIR, hashlib.sha256(target).hexdigest())


def cache_read(target):
    try:
        with open(cfile(target), "rb") as f:
            meta = json.loads(f.readline())
            if time.time() - meta["t"] >= OPTS.ttl:
                return None
            return f.read()
    except (OSError, ValueError):
        return None


def cache_write(target, data):
    fd, name = tempfile.mkstemp(dir=CACHE_DIR)
    with os.fdopen(fd, "wb") as f:
        f.write(json.dumps({"t": time.time(), "u": target.decode("latin-1")}).encode() + b"\n")
        f.write(data)
    os.replace(name, cfile(target))


def cacheable(status, req, res):
    cc = res.get("cache-control", "").lower()
    if "no-store" in cc or "private" in cc or "authorization" in req:
        return False
    return status == "200"


def error(client, addr, reqline, status):
    client.sendall(("HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n" % status).encode())
    log(addr, reqline, status[:3], 0, "ERROR")


def handle(client, addr):
    reqline = "-"
    try:
        client.settimeout(60)
        c = Conn(client)
        lines = c.head()
        reqline = lines[0].decode("latin-1").strip()
        try:
            method, target, _ = lines[0].split()
        except ValueError:
            return error(client, addr, reqline, "400 Bad Request")
        req = to_dict(lines)
        if method == b"GET":
            data = cache_read(target)
            if data is not None:
                log(addr, reqline, data[9:12].decode(), len(data), "HIT")
                client.sendall(data)
                return
        body = b"".join(c.pieces(req, False))
        msg = b"".join(l for l in lines if not l.lower().startswith(b"connection:")) + b"Connection: close\r\n\r\n" + body

        srv = None
        for _ in BACKENDS:
            b = next_backend()
            try:
                srv = socket.create_connection(b, timeout=2)
                break
            except OSError:
                continue
        if srv is None:
            return error(client, addr, reqline, "502 Bad Gateway")
        with srv:
            srv.settimeout(20)
            try:
                srv.sendall(msg)
                s = Conn(srv)
                rl = s.head()
                while rl[0].split()[1].startswith(b"1"):
                    rl = s.head()
            except socket.timeout:
                return error(client, addr, reqline, "504 Gateway Timeout")
            except (Closed, OSError):
                return error(client, addr, reqline, "502 Bad Gateway")
            res = to_dict(rl)
            status = rl[0].split()[1].decode()
            # quitamos el Connection del servidor, ese es de el y nosotros
            head = b"".join(l for l in rl if not l.lower().startswith((b"connection:", b"keep-alive:"))) + b"\r\n"
            keep = [head]
            complete = True
            if method != b"HEAD" and status not in ("204", "304"):
                try:
                    for p in s.pieces(res, True):
                        keep.append(p)
                except (Closed, ValueError, OSError):
                    complete = False     # se manda lo que alcanzo a llegar
            data = b"".join(keep)
            n = len(data)
            if complete and method == b"GET" and cacheable(status, req, res):
                cache_write(target, data)
            log(addr, reqline, status, n, "MISS %s:%d" % b)
            client.sendall(data)
    except Closed:
        if reqline != "-":
            log(addr, reqline, "---", 0, "CUT")
    except OSError as e:
        log(addr, reqline, "---", 0, "CLIENT %s" % e)
    finally:
        client.close()
        try: c.f.close()
        except Exception: pass


def main():
    global OPTS
    p = argparse.ArgumentParser()
    p.add_argument("-p", "--port", type=int)
    p.add_argument("-t", "--ttl", type=float, required=True)
    p.add_argument("-b", "--backends", default="backends.txt")
    p.add_argument("-l", "--log", default="access.log")
    OPTS = p.parse_args()
    port = read_backends(OPTS.backends)
    port = OPTS.port or port or 8080
    os.makedirs(CACHE_DIR, exist_ok=True)
    s = socket.create_server(("", port), backlog=200)
    print("listening on", port, flush=True)
    while True:
        c, a = s.accept()
        threading.Thread(target=handle, args=(c, a), daemon=True).start()


if __name__ == "__main__":
    main()
