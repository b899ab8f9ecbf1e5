# -*- coding: utf-8 -*-
# Telematica - proyecto 1 - equipo "Los Paquetes"
# python3 pibl2.py MINUTOS_TTL [archivo.env]
# (pibl.py era la version sin cache, no la usen)
import sys, os, time, socket
import threading

CACHE = os.path.join(os.getcwd(), "cosas_guardadas")
AGUANTE = 15          # segundos que le damos al cliente
MAX_CABEZA = 131072
SALTO = ("connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade")

conf = {"PUERTO": "8080", "SERVIDORES": "", "TIMEOUT_BACKEND": "8"}
backends = []
ttl = 0.0
turno_actual = 0
candado = threading.Lock()
candado_log = threading.Lock()
fd_log = None
numero_peticion = 0

class Mala(Exception):
    def __init__(self, codigo, texto):
        self.codigo, self.texto = codigo, texto

def leer_env(nombre):
    global backends
    try:
        with open(nombre, encoding="utf-8") as f:
            lineas = f.read().split("\n")
    except (OSError, UnicodeDecodeError) as e:
        sys.exit("ERROR: no pude leer %s: %s" % (nombre, e))
    for i, l in enumerate(lineas, 1):
        l = l.strip()
        if l == "" or l.startswith("#"):
            continue
        k, igual, v = l.partition("=")
        if not igual or k.strip() not in conf:
            sys.exit("ERROR en %s linea %d: no entiendo %r" % (nombre, i, l))
        conf[k.strip()] = v.strip().strip('"')
    try:
        conf["PUERTO"] = int(conf["PUERTO"])
        conf["TIMEOUT_BACKEND"] = float(conf["TIMEOUT_BACKEND"])
        if not 0 < conf["PUERTO"] < 65536 or not conf["TIMEOUT_BACKEND"] > 0:
            raise ValueError("valor fuera de rango")
        for s in conf["SERVIDORES"].replace(",", ";").split(";"):
            if s.strip():
                h, dos, p = s.strip().rpartition(":")
                if not h or not 0 < int(p) < 65536:
                    raise ValueError("servidor malo: " + s)
                backends.append((h, int(p)))
        if not backends:
            raise ValueError("SERVIDORES esta vacio")
    except ValueError as e:
        sys.exit("ERROR en %s: %s" % (nombre, e))

def al_log(texto):
    b = (time.strftime("%d-%m-%Y %H:%M:%S ") + texto + "\n").encode("utf-8", "replace")
    with candado_log:
        os.write(fd_log, b)
        try:
            os.write(1, b)
        except OSError:
            pass

class Tubo:
    """socket con buffer, para leer por lineas o por cantidades. plazo = hora limite"""
    def __init__(self, s, plazo=None):
        self.s, self.b, self.plazo = s, bytearray(), plazo

    def mas(self):
        if self.plazo is not None:
            falta = self.plazo - time.monotonic()
            if falta <= 0:
                raise socket.timeout()
            self.s.settimeout(falta)
        d = self.s.recv(65536)
        self.b += d
        return len(d)

    def linea(self, tope=MAX_CABEZA):
        desde = 0
        while True:
            i = self.b.find(b"\n", desde)
            if i >= 0:
                r = bytes(self.b[:i])
                del self.b[:i + 1]
                return r[:-1] if r.endswith(b"\r") else r
            desde = len(self.b)
            if desde > tope:
                raise Mala(431, "Request Header Fields Too Large")
            if not self.mas():
                raise EOFError()

    def exacto(self, n):
        pedazos = [bytes(self.b[:n])]
        del self.b[:n]
        n -= len(pedazos[0])
        while n > 0:
            d = self.s.recv(min(n, 262144))
            if not d:
                raise EOFError()
            pedazos.append(d)
            n -= len(d)
        return b"".join(pedazos)

    def todo(self):
        while self.mas():
            pass
        return bytes(self.b)

    def trozos(self):
        sale = []
        while True:
            t = self.linea().split(b";")[0].strip()
            if not t or t.strip(b"0123456789abcdefABCDEF"):
                raise Mala(400, "Bad Request")
            n = int(t, 16)
            if n == 0:
                break
            sale.append(self.exacto(n))
            if self.linea() != b"":
                raise Mala(400, "Bad Request")
        while self.linea() != b"":
            pass
        return b"".join(sale)

def leer_cabeza(t):
    primera = t.linea()
    if primera == b"":
        primera = t.linea()
    campos, total = [], 0
    while True:
        l = t.linea()
        if l == b"":
            return primera.decode("latin-1"), campos
        total += len(l)
        if total > MAX_CABEZA:
            raise Mala(431, "Request Header Fields Too Large")
        n, dos, v = l.decode("latin-1").partition(":")
        if not dos or n == "" or n != n.strip() or "\r" in l.decode("latin-1") or "\0" in v:
            raise Mala(400, "Bad Request")
        campos.append((n, v.strip(" \t")))

def todos(campos, nombre):
    return [v for n, v in campos if n.lower() == nombre]

def palabras(campos, nombre):
    return [p.strip().lower() for v in todos(campos, nombre) for p in v.split(",")]

def limpiar(campos, quitar=()):
    fuera = set(SALTO) | set(quitar) | (set(palabras(campos, "connection")) - {"host", "content-length"})
    return [(n, v) for n, v in campos if n.lower() not in fuera]

def largo(campos):
    v = set(todos(campos, "content-length"))
    if not v:
        return None
    x = v.pop()
    if v or not (x.isascii() and x.isdigit()):
        raise Mala(400, "Bad Request")
    return int(x)

def armar(primera, campos):
    return (primera + "\r\n" + "".join("%s: %s\r\n" % c for c in campos)).encode("latin-1")

# cache
def archivo_de(llave):
    h = 5381                                   # djb2, no nos dejan importar hashlib
    for b in llave.encode("latin-1"):
        h = (h * 33 + b) & 0xFFFFFFFFFFFFFFFF
    return os.path.join(CACHE, "r%016x.txt" % h)

def suma(b):                                   # para saber si el archivo se dano
    return int.from_bytes(b, "big") % (2 ** 61 - 1) + len(b)

def buscar(llave):
    try:
        with open(archivo_de(llave), "rb") as f:
            d = dict(f.readline().rstrip(b"\n").split(b"=", 1) for _ in range(6))
            cab = f.read(int(d[b"cabeza"]))
            cuerpo = f.read()
        if d[b"llave"].decode("latin-1") != llave or len(cab) != int(d[b"cabeza"]) or suma(cab + cuerpo) != int(d[b"suma"]):
            return None
        nacio, muere = float(d[b"nacio"]), float(d[b"muere"])
    except (OSError, ValueError, KeyError):
        return None
    ya = time.time()
    if not nacio <= ya < min(muere, nacio + ttl):
        return None
    return cab, cuerpo, int(ya - nacio)

def guardar(llave, cab, cuerpo, vida, numero):
    ya = time.time()
    tmp = os.path.join(CACHE, "escribiendo-%d-%d" % (os.getpid(), numero))
    try:
        with open(tmp, "wb") as f:
            f.write(("llave=%s\nnacio=%.3f\nmuere=%.3f\ncabeza=%d\ncuerpo=%d\nsuma=%d\n" % (
                llave, ya, ya + vida, len(cab), len(cuerpo), suma(cab + cuerpo))).encode("latin-1"))
            f.write(cab)
            f.write(cuerpo)
        os.replace(tmp, archivo_de(llave))
    except OSError as e:
        al_log("#%d no se pudo guardar: %s" % (numero, e))

def vida_de(campos):
    """segundos que puede vivir, 0 = no se guarda"""
    cc = palabras(campos, "cache-control")
    if any(p.split("=")[0] in ("no-store", "private", "no-cache") for p in cc) or todos(campos, "vary"):
        return 0
    for cual in ("s-maxage", "max-age"):
        for p in cc:
            k, _, v = p.partition("=")
            if k.strip() == cual:
                v = v.strip().strip('"')
                return min(ttl, int(v)) if v.isascii() and v.isdigit() else 0
    return ttl
# ---------------------------------------------------------------- backend
def siguiente():
    global turno_actual
    with candado:
        t = turno_actual
        turno_actual = (turno_actual + 1) % len(backends)
    return t

def al_backend(metodo, mensaje, cuerpo, inicio):
    """devuelve (cual, primera, campos, cuerpo)"""
    for i in range(len(backends)):
        cual = backends[(inicio + i) % len(backends)]
        try:
            s = socket.create_connection(cual, timeout=min(3.0, conf["TIMEOUT_BACKEND"]))
        except OSError:
            continue
        with s:
            s.settimeout(conf["TIMEOUT_BACKEND"])
            empezo = False
            try:
                try:
                    s.sendall(mensaje)
                    if cuerpo:
                        s.sendall(cuerpo)
                except (BrokenPipeError, ConnectionResetError):
                    pass                        # a lo mejor contesto antes de leer todo
                t = Tubo(s)
                while True:
                    primera, campos = leer_cabeza(t)
                    p = primera.split(" ", 2)
                    if not p[0].startswith("HTTP/1.") or len(p) < 2 or not p[1].isdigit():
                        raise EOFError()
                    if not p[1].startswith("1"):
                        break
                empezo = True
                codigo = int(p[1])
                if metodo == "HEAD" or codigo in (204, 304):
                    return cual, primera, campos, b""
                if "chunked" in palabras(campos, "transfer-encoding"):
                    r = t.trozos()
                elif largo(campos) is not None:
                    r = t.exacto(largo(campos))
                else:
                    r = t.todo()
                return cual, primera, campos, r
            except socket.timeout:
                raise Mala(504, "Gateway Timeout")
            except (OSError, EOFError, Mala):
                if empezo or metodo not in ("GET", "HEAD"):
                    raise Mala(502, "Bad Gateway")
    raise Mala(502, "Bad Gateway")
# ---------------------------------------------------------------- cliente
def atender(s, quien):
    global numero_peticion
    with candado:
        numero_peticion += 1
        yo = numero_peticion
    metodo, llegaron = "", False
    try:
        t = Tubo(s, time.monotonic() + AGUANTE)
        try:
            primera, campos = leer_cabeza(t)
            llegaron = True
            al_log("#%d PETICION de %s: %s" % (yo, quien, ascii(primera)[1:-1]))
            t.plazo = None
            s.settimeout(AGUANTE)
            cab, cuerpo, nota = procesar(s, t, yo, primera, campos)
            metodo = primera.split(" ")[0]
        except (Mala, socket.timeout) as e:
            if not llegaron:
                if isinstance(e, socket.timeout) and not t.b:
                    return
                al_log("#%d PETICION de %s: (incompleta o mala)" % (yo, quien))
            if isinstance(e, socket.timeout):
                e = Mala(408, "Request Timeout")
            cuerpo = ("<h1>%d %s</h1>\n" % (e.codigo, e.texto)).encode()
            cab = armar("HTTP/1.1 %d %s" % (e.codigo, e.texto),
                        [("Content-Type", "text/html"), ("Content-Length", str(len(cuerpo)))])
            if llegaron and primera.startswith("HEAD "):
                cuerpo = b""
            nota = "error del PIBL"
        s.settimeout(60)
        try:
            s.sendall(cab + b"Connection: close\r\n\r\n")
            s.sendall(cuerpo)
        except OSError:
            nota += ", el cliente se fue antes"
        al_log("#%d RESPUESTA %s, %d bytes (%s)" % (yo, cab.split(b"\r\n")[0].decode("latin-1"), len(cuerpo), nota))
        s.shutdown(socket.SHUT_WR)              # despedida con calma, sin RST
        s.settimeout(2)
        fin = time.monotonic() + 4
        while time.monotonic() < fin and s.recv(65536):
            pass
    except (OSError, EOFError):
        pass
    except Exception as e:
        al_log("#%d excepcion rara %r" % (yo, e))
    finally:
        s.close()

def procesar(s, t, yo, primera, campos):
    p = primera.split(" ")
    if len(p) != 3 or not p[0] or not p[1] or len(p[2]) != 8 or not p[2].startswith("HTTP/1.") or not p[1].isprintable():
        raise Mala(400, "Bad Request")
    metodo, url, version = p
    hosts = todos(campos, "host")
    if len(hosts) > 1 or (not hosts and version == "HTTP/1.1"):
        raise Mala(400, "Bad Request")
    if metodo == "CONNECT":
        raise Mala(501, "Not Implemented")
    host = hosts[0] if hosts else ""
    if url[:7].lower() == "http://":
        host, barra, resto = url[7:].partition("/")
        url = "/" + resto
    n, te = largo(campos), palabras(campos, "transfer-encoding")
    if te and te[-1] != "chunked":
        raise Mala(400, "Bad Request")
    if "100-continue" in palabras(campos, "expect") and (n or te):
        s.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    try:
        cuerpo = t.trozos() if te else t.exacto(n or 0)
    except EOFError:
        raise Mala(400, "Bad Request")
    llave = host.lower() + url
    cc = palabras(campos, "cache-control")
    cacheable = metodo == "GET" and not cuerpo and not todos(campos, "authorization") and "no-store" not in cc
    if cacheable and "no-cache" not in cc and "max-age=0" not in cc:
        hay = buscar(llave)
        if hay:
            return hay[0] + b"Age: %d\r\n" % hay[2], hay[1], "del disco"
    salen = [("Host", host)] + limpiar(campos, ("host", "expect", "content-length"))
    if te or n is not None:
        salen.append(("Content-Length", str(len(cuerpo))))
    salen.append(("Connection", "close"))
    cual, linea, suyos, r = al_backend(metodo, armar("%s %s HTTP/1.1" % (metodo, url), salen) + b"\r\n", cuerpo, siguiente())
    pp = linea.split(" ", 2)
    codigo = int(pp[1])
    con_cuerpo = not (metodo == "HEAD" or codigo in (204, 304))
    buenos = limpiar(suyos)
    if con_cuerpo and (palabras(suyos, "transfer-encoding") or largo(suyos) is None):
        buenos = limpiar(buenos, ("content-length",)) + [("Content-Length", str(len(r)))]
    cab = armar("HTTP/1.1 %d %s" % (codigo, pp[2] if len(pp) > 2 else ""), buenos)
    if cacheable and codigo == 200 and vida_de(suyos) > 0:
        guardar(llave, cab, r, vida_de(suyos), yo)
    elif metodo in ("POST", "PUT", "DELETE", "PATCH") and codigo < 400:
        try:
            os.unlink(archivo_de(llave))
        except OSError:
            pass
    return cab, r, "de %s:%d" % cual

def principal():
    global ttl, fd_log
    try:
        ttl = float(sys.argv[1]) * 60
        if not 0 <= ttl < 1e12:
            raise ValueError()
    except (IndexError, ValueError):
        sys.exit("uso: python3 pibl2.py MINUTOS_TTL [archivo.env]     ejemplo: python3 pibl2.py 0.5")
    leer_env(sys.argv[2] if len(sys.argv) > 2 else ".env")
    os.makedirs(CACHE, exist_ok=True)
    for x in os.listdir(CACHE):
        if x.startswith("escribiendo-"):
            os.unlink(os.path.join(CACHE, x))
    fd_log = os.open("registro.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        s.bind(("", conf["PUERTO"]))
    except OSError as e:
        sys.exit("ERROR: puerto %d: %s" % (conf["PUERTO"], e))
    s.listen(512)
    while True:
        try:
            c, quien = s.accept()
            threading.Thread(target=atender, args=(c, "%s:%d" % quien), daemon=True).start()
        except (OSError, RuntimeError) as e:
            al_log("accept: %r" % e)
            time.sleep(0.05)


if __name__ == "__main__":
    try:
        principal()
    except KeyboardInterrupt:
        print("chao")
