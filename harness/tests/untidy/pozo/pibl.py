import socket, threading, queue, json, os, sys, time, hashlib, argparse

# ---------------------------------------------------------------
# PIBL con pool de hilos (4 workers)
# ---------------------------------------------------------------

ap = argparse.ArgumentParser()
ap.add_argument("-c", "--config", default="config.json")
ap.add_argument("--ttl", type=int, default=30, help="tiempo de vida (s)")
args = ap.parse_args()

with open(args.config) as f:
    CONF = json.load(f)

PORT = CONF.get("port", 8080)
SERVERS = CONF["servers"]
WORKERS = CONF.get("workers", 4)
CACHE = CONF.get("cache_dir", "cache")
INDEX = os.path.join(CACHE, "index.json")
LOG = CONF.get("log_file", "log.txt")

cola = queue.Queue()
turno = 0
l_turno = threading.Lock()
l_cache = threading.Lock()
l_log = threading.Lock()
index = {}


def log(s):
    with l_log:
        l = time.strftime("%Y-%m-%d %H:%M:%S ") + s
        print(l)
        sys.stdout.flush()
        with open(LOG, "a") as f:
            print(l, file=f)


def next_server():
    global turno
    with l_turno:
        srv = SERVERS[turno]
        turno = (turno + 1) % 3     # son tres servidores
    return srv


# ---------- cache ----------
def load_index():
    global index
    os.makedirs(CACHE, exist_ok=True)
    try:
        index = json.load(open(INDEX))
    except Exception:
        index = {}


def cache_get(k):
    with l_cache:
        e = index.get(k)
        if not e:
            return None
        if time.time() >= e["expira"]:
            del index[k]
            return None
        try:
            with open(os.path.join(CACHE, e["file"]), "rb") as f:
                return f.read()
        except OSError:
            return None


def cache_put(k, data):
    with l_cache:
        name = hashlib.sha1(k.encode()).hexdigest()
        with open(os.path.join(CACHE, name), "wb") as f:
            f.write(data)
        index[k] = {"file": name, "expira": time.time() + args.ttl}
        with open(INDEX + ".tmp", "w") as f:
            json.dump(index, f)
        os.replace(INDEX + ".tmp", INDEX)


# ---------- http ----------
class Lector:
    # buffered reader sobre un socket
    def __init__(self, s):
        self.s = s
        self.buf = b""

    def linea(self):
        while b"\n" not in self.buf:
            d = self.s.recv(65536)
            if d == b"":
                raise EOFError
            self.buf += d
        i = self.buf.index(b"\n") + 1
        r, self.buf = self.buf[:i], self.buf[i:]
        return r

    def exacto(self, n):
        p = [self.buf]
        t = len(self.buf)
        while t < n:
            d = self.s.recv(65536)
            if d == b"":
                raise EOFError
            p.append(d)
            t += len(d)
        todo = b"".join(p)
        self.buf = todo[n:]
        return todo[:n]

    def resto(self):
        p = [self.buf]
        while True:
            d = self.s.recv(65536)
            if not d:
                return b"".join(p)
            p.append(d)


def leer_cabeza(r):
    ls = []
    while True:
        l = r.linea()
        if l in (b"\r\n", b"\n"):
            if not ls: continue
            return ls
        ls.append(l)


def campo(ls, n):
    for l in ls[1:]:
        a, _, b = l.partition(b":")
        if a.strip().lower() == n:
            return b.strip()
    return None


def leer_chunked(r):
    out = b""
    while True:
        l = r.linea()
        out += l
        n = int(l.split(b";")[0], 16)
        if n == 0:
            while True:
                l = r.linea()
                out += l
                if l == b"\r\n":
                    return out
        out += r.exacto(n + 2)


def leer_cuerpo(r, ls, hasta_eof):
    te = campo(ls, b"transfer-encoding")
    if te and b"chunked" in te.lower():
        return leer_chunked(r)
    cl = campo(ls, b"content-length")
    if cl is not None:
        return r.exacto(int(cl))
    if hasta_eof:
        return r.resto()
    return b""


def poner_close(ls):
    return [l for l in ls if not l.lower().startswith(b"connection:")] + [b"Connection: close\r\n"]


def pedir(method, msg):
    for i in range(len(SERVERS)):
        srv = next_server()
        try:
            s = socket.socket()
            s.connect((srv["host"], srv["port"]))
        except OSError as e:
            log("servidor caido %s %s" % (srv, e))
            continue
        with s:
            s.sendall(msg)
            r = Lector(s)
            ls = leer_cabeza(r)
            st = ls[0].split()[1]
            while st == b"100":
                ls = leer_cabeza(r)
                st = ls[0].split()[1]
            if method == b"HEAD" or st in (b"204", b"304"):
                body = b""
            else:
                body = leer_cuerpo(r, ls, True)
            return st, b"".join(poner_close(ls)) + b"\r\n" + body
    return None, b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def atender(c, dir):
    r = Lector(c)
    ls = leer_cabeza(r)
    method, target, _ = ls[0].split()
    t = target.decode("latin-1")
    m = method.decode()
    log(">> %s %s %s" % (dir[0], m, t))
    if method == b"GET":
        hit = cache_get(t)
        if hit:
            c.sendall(hit)
            log("<< %s %s %s %s %d HIT" % (dir[0], m, t, hit.split()[1].decode(), len(hit)))
            return
    body = leer_cuerpo(r, ls, False)
    try:
        st, resp = pedir(method, b"".join(poner_close(ls)) + b"\r\n" + body)
    except EOFError:
        st, resp = None, b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    if st == b"200" and method == b"GET":
        cache_put(t, resp)
    log("<< %s %s %s %s %d MISS" % (dir[0], m, t, resp.split()[1].decode(), len(resp)))
    c.sendall(resp)


def worker(n):
    while True:
        c, dir = cola.get()
        try:
            atender(c, dir)
        except EOFError:
            pass
        except Exception as e:
            print("worker", n, "error", repr(e), flush=True)
        c.close()


load_index()
for i in range(WORKERS):
    threading.Thread(target=worker, args=(i,), daemon=True).start()
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("0.0.0.0", PORT))
s.listen(256)
log("escuchando %d con %d workers" % (PORT, WORKERS))
while True:
    cola.put(s.accept())
