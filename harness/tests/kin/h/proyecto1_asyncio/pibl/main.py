# -*- coding: utf-8 -*-
# PIBL con asyncio - Telematica 2022-2
# python3 main.py --ttl=60 [--config=config.yml]
import sys, os, time, socket
import asyncio

AQUI = os.getcwd()
CONF = {"puerto": 8080, "backends": [], "cache": "cache", "log": "pibl.log"}
TTL = 60.0
turno = 0
consecutivo = 0
archivo_log = None

LIMITE = 1 << 16
T_BACKEND = 10
T_CLIENTE = 20
SALTO = (b"connection", b"proxy-connection", b"keep-alive", b"te", b"trailer", b"transfer-encoding", b"upgrade", b"expect")


class Malo(Exception):
    def __init__(self, codigo, texto):
        self.codigo = codigo
        self.texto = texto


def morir(m):
    sys.stderr.write("ERROR: " + m + "\n")
    sys.exit(1)


def leer_config(ruta):
    # yaml "a mano" porque no dejan importar yaml :(
    try:
        lineas = open(ruta, encoding="utf-8").read().split("\n")
    except OSError as e:
        morir("no se pudo leer %s: %s" % (ruta, e))
    en_lista = False
    for n, l in enumerate(lineas, 1):
        l = l.split("#")[0].rstrip()
        if not l.strip():
            continue
        if l.strip().startswith("- ") and en_lista:
            h, _, p = l.strip()[2:].strip().partition(":")
            try:
                CONF["backends"].append((h, int(p or 80)))
            except ValueError:
                morir("%s linea %d: backend malo %r" % (ruta, n, l))
            continue
        k, dp, v = l.partition(":")
        k = k.strip()
        if not dp or k not in CONF:
            morir("%s linea %d: no entiendo %r" % (ruta, n, l))
        en_lista = k == "backends"
        if not en_lista:
            v = v.strip().strip('"')
            if k == "puerto":
                if not v.isdigit() or not 0 < int(v) < 65536:
                    morir("%s linea %d: puerto %r" % (ruta, n, v))
                v = int(v)
            CONF[k] = v
    if not CONF["backends"]:
        morir("no hay backends en " + ruta)


def log(ip, linea, nreq, estado, nresp, quien, t0):
    t = "%s %s <%s> %d B -> %s %d B [%s] %.1f ms" % (time.strftime("%Y-%m-%d %H:%M:%S"), ip, linea, nreq, estado, nresp, quien, (time.time() - t0) * 1000)
    print(t, flush=True)
    archivo_log.write(t + "\n")
    archivo_log.flush()


# ---------- cabeceras: lista de (nombre, linea completa) ----------
def partir(cab):
    out = []
    for l in cab.split(b"\r\n")[1:]:
        if not l:
            continue
        n, dp, v = l.partition(b":")
        if not dp or not n or n != n.strip():
            raise Malo(400, "Bad Request")
        out.append((n.lower(), v.strip(), l))
    return out


def lista(cabs, nombre):
    r = []
    for n, v, l in cabs:
        if n == nombre:
            r += [x.strip().lower() for x in v.split(b",")]
    return r


def uno(cabs, nombre):
    for n, v, l in cabs:
        if n == nombre:
            return v
    return None


def fin_a_fin(cabs):
    fuera = set(SALTO) | set(lista(cabs, b"connection"))
    return [l for n, v, l in cabs if n not in fuera and n != b"content-length"]


# ---------- cache ----------
def archivo_de(url):
    h = 0xcbf29ce484222325
    for b in url:
        h = ((h ^ b) * 0x100000001b3) & 0xffffffffffffffff
    return os.path.join(CONF["cache"], "%016x_%d" % (h, len(url)))


def buscar(url):
    """devuelve (archivo abierto, cabecera, edad, largo) o None"""
    ruta = archivo_de(url)
    try:
        f = open(ruta, "rb")
    except OSError:
        return None
    try:
        n, t, ncab = f.readline().split()
        if f.read(int(n)) != url or time.time() - float(t) >= TTL:
            f.close()
            return None
        cab = f.read(int(ncab))
        return f, cab, time.time() - float(t), os.fstat(f.fileno()).st_size - f.tell()
    except (ValueError, OSError):
        f.close()
        return None


class Guardando:
    def __init__(self, url, cab):
        global consecutivo
        consecutivo += 1
        self.url = url
        self.cab = cab
        self.ruta = archivo_de(url)
        self.tmp = self.ruta + ".part%d.%d" % (os.getpid(), consecutivo)
        self.f = open(self.tmp, "wb")
        self.f.write(b"%d %20.5f %d\n" % (len(url), 0, len(cab)) + url + cab)

    def poner(self, b):
        if self.f:
            try:
                self.f.write(b)
            except OSError:
                self.tirar()

    def listo(self):
        if self.f:
            self.f.seek(0)
            self.f.write(b"%d %20.5f %d\n" % (len(self.url), time.time(), len(self.cab)))
            self.f.close()
            os.rename(self.tmp, self.ruta)
            self.f = None

    def tirar(self):
        if self.f:
            self.f.close()
            os.unlink(self.tmp)
            self.f = None


# ---------- leer peticion ----------
async def trozos(rd, limite=None):
    while True:
        l = await rd.readuntil(b"\n")
        try:
            n = int(l.split(b";")[0].strip(), 16)
        except ValueError:
            raise Malo(400, "Bad Request")
        if n == 0:
            while (await rd.readuntil(b"\n")).strip():
                pass
            return
        while n:
            d = await rd.read(min(n, 65536))
            if not d:
                raise asyncio.IncompleteReadError(b"", n)
            n -= len(d)
            yield d
        if (await rd.readuntil(b"\n")).strip():
            raise Malo(400, "Bad Request")


async def leer_peticion(rd, wr):
    cab = b"\r\n"
    while cab == b"\r\n":       # hay clientes que mandan un enter de mas
        cab = await rd.readuntil(b"\n")
    while not cab.endswith(b"\r\n\r\n"):
        cab += await rd.readuntil(b"\r\n")
        if len(cab) > LIMITE:
            raise Malo(431, "Request Header Fields Too Large")
    p = cab.split(b"\r\n")[0].split(b" ")
    if len(p) != 3 or not p[2].startswith(b"HTTP/1."):
        raise Malo(400, "Bad Request")
    metodo, url, version = p
    if url[:7].lower() == b"http://":
        i = url.find(b"/", 7)
        url = url[i:] if i > 0 else b"/"
    cabs = partir(cab)
    cuerpo = None
    if b"100-continue" in lista(cabs, b"expect"):
        wr.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    if uno(cabs, b"transfer-encoding") is not None:
        if lista(cabs, b"transfer-encoding") != [b"chunked"]:
            raise Malo(501, "Not Implemented")
        l = []
        async for t in trozos(rd):
            l.append(t)
        cuerpo = b"".join(l)
    elif uno(cabs, b"content-length") is not None:
        if not uno(cabs, b"content-length").isdigit():
            raise Malo(400, "Bad Request")
        n = int(uno(cabs, b"content-length"))
        cuerpo = await rd.readexactly(n)
    return metodo, url, version, cabs, cuerpo


async def elegir():
    """Round robin. Si el que toca no acepta se intenta con el que sigue."""
    global turno
    for _ in CONF["backends"]:
        h, p = CONF["backends"][turno % len(CONF["backends"])]
        turno += 1
        try:
            r, w = await asyncio.wait_for(asyncio.open_connection(h, p, limit=LIMITE), 3)
            return r, w, "%s:%d" % (h, p)
        except (OSError, asyncio.TimeoutError):
            continue
    return None, None, None


async def atender(rd, wr):
    t0 = time.time()
    ip = (wr.get_extra_info("peername") or ("?",))[0]
    linea = "-"
    metodo = b""
    nreq = nresp = 0
    estado = 0
    quien = "pibl"
    g = None
    bw = None
    empezo = False
    try:
        try:
            metodo, url, version, cabs, cuerpo = await asyncio.wait_for(leer_peticion(rd, wr), T_CLIENTE)
        except asyncio.IncompleteReadError:
            return
        except asyncio.LimitOverrunError:
            raise Malo(431, "Request Header Fields Too Large")
        except asyncio.TimeoutError:
            return
        linea = "%s %s" % (metodo.decode("latin1"), url.decode("latin1"))
        nreq = len(cuerpo or b"")
        usa_cache = metodo == b"GET" and uno(cabs, b"authorization") is None
        if usa_cache:
            x = buscar(url)
            if x:
                f, cab, edad, largo = x
                quien = "CACHE"
                estado = 200
                with f:
                    wr.write(cab + b"Content-Length: %d\r\nAge: %d\r\nConnection: close\r\n\r\n" % (largo, edad))
                    empezo = True
                    while True:
                        b = f.read(65536)
                        if not b:
                            break
                        wr.write(b)
                        await asyncio.wait_for(wr.drain(), 60)
                        nresp += len(b)
                return
        br, bw, quien = await elegir()
        if br is None:
            quien = "ninguno"
            raise Malo(502, "Bad Gateway")
        req = metodo + b" " + url + b" HTTP/1.1\r\n" + b"".join(l + b"\r\n" for l in fin_a_fin(cabs))
        if cuerpo is not None:
            req += b"Content-Length: %d\r\n" % len(cuerpo)
        req += b"X-Forwarded-For: " + ip.encode() + b"\r\nVia: 1.1 pibl\r\nConnection: close\r\n\r\n"
        bw.write(req)
        if cuerpo:
            bw.write(cuerpo)
        try:
            while True:
                cab = await asyncio.wait_for(br.readuntil(b"\r\n\r\n"), T_BACKEND)
                estado = int(cab.split(b" ", 2)[1][:3])
                if estado >= 200:
                    break
            rc = partir(cab[:-2])
        except asyncio.TimeoutError:
            raise Malo(504, "Gateway Timeout")
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError, ValueError, IndexError, Malo):
            raise Malo(502, "Bad Gateway")
        sin_cuerpo = metodo == b"HEAD" or estado in (204, 304)
        enchunk = b"chunked" in lista(rc, b"transfer-encoding")
        cl = None if enchunk else uno(rc, b"content-length")
        primera = b"HTTP/1.1" + cab.split(b"\r\n")[0][8:] + b"\r\n"
        base = primera + b"".join(l + b"\r\n" for l in fin_a_fin(rc))
        sal = base
        if cl is not None:
            sal += b"Content-Length: " + cl + b"\r\n"
        rechunk = enchunk and not sin_cuerpo and version != b"HTTP/1.0"
        if rechunk:
            sal += b"Transfer-Encoding: chunked\r\n"
        cc = lista(rc, b"cache-control")
        if usa_cache and estado == 200 and not [x for x in cc if x in (b"no-store", b"no-cache") or x.startswith(b"private")] \
                and b"no-store" not in lista(cabs, b"cache-control") and uno(cabs, b"range") is None:
            try:
                g = Guardando(url, base)
            except OSError:
                g = None
        wr.write(sal + b"Via: 1.1 pibl\r\nConnection: close\r\n\r\n")
        empezo = True
        if not sin_cuerpo:
            if enchunk:
                fuente = trozos(br)
            else:
                async def largo_fijo():
                    falta = int(cl) if cl is not None else 1 << 60
                    while falta:
                        d = await br.read(min(65536, falta))
                        if not d:
                            if cl is None:
                                return
                            raise asyncio.IncompleteReadError(b"", falta)
                        falta -= len(d)
                        yield d
                fuente = largo_fijo()
            it = fuente.__aiter__()
            while True:
                try:
                    d = await asyncio.wait_for(it.__anext__(), T_BACKEND)
                except StopAsyncIteration:
                    break
                if g:
                    g.poner(d)
                wr.write(b"%x\r\n%b\r\n" % (len(d), d) if rechunk else d)
                await asyncio.wait_for(wr.drain(), 60)
                nresp += len(d)
            if rechunk:
                wr.write(b"0\r\n\r\n")
                await wr.drain()
        if g:
            g.listo()
    except Malo as e:
        if empezo:
            estado = "%s(cortado)" % estado
        else:
            estado = e.codigo
            t = b"<h1>%d %s</h1>\n" % (e.codigo, e.texto.encode())
            nresp = len(t)
            wr.write(b"HTTP/1.1 %d %s\r\nContent-Type: text/html\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % (e.codigo, e.texto.encode(), len(t)))
            if metodo != b"HEAD":
                wr.write(t)
            if e.codigo in (431, 400, 501):
                # dejar que el cliente termine de mandar o si no le llega un RST y no ve el error
                try:
                    wr.write_eof()
                    fin = time.time() + 2
                    while time.time() < fin and await asyncio.wait_for(rd.read(65536), 0.5):
                        pass
                except (OSError, asyncio.TimeoutError):
                    pass
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.TimeoutError, OSError):
        estado = "%s(cortado)" % estado
    finally:
        if g:
            g.tirar()
        if estado:
            log(ip, linea, nreq, estado, nresp, quien, t0)
        if bw:
            bw.close()
        try:
            wr.close()
        except OSError:
            pass


async def principal():
    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        s.bind(("0.0.0.0", CONF["puerto"]))
    except OSError as e:
        morir("puerto %d: %s" % (CONF["puerto"], e))
    srv = await asyncio.start_server(atender, sock=s, limit=LIMITE, backlog=512)
    print("PIBL escuchando en el puerto", CONF["puerto"], "backends", CONF["backends"], "ttl", TTL, flush=True)
    async with srv:
        await srv.serve_forever()


if __name__ == "__main__":
    ruta = "config.yml"
    for a in sys.argv[1:]:
        if a.startswith("--ttl="):
            try:
                TTL = float(a[6:])
            except ValueError:
                morir("ttl malo: " + a)
        elif a.startswith("--config="):
            ruta = a[9:]
        else:
            morir("uso: python3 main.py --ttl=SEGUNDOS [--config=config.yml]")
    leer_config(ruta)
    os.makedirs(CONF["cache"], exist_ok=True)
    archivo_log = open(CONF["log"], "a", encoding="utf-8")
    try:
        asyncio.run(principal())
    except KeyboardInterrupt:
        pass
