#!/usr/bin/env python3
# -*- coding: utf-8 -*-
# PIBL - Proyecto 1 Telematica
# Integrantes: Juan Esteban, Valentina R, "el Mono"
# uso:  python3 pibl.py <ttl en segundos> [archivo.ini]
import sys
import os
import time
import socket
import threading

# ---------------- variables globales (el profe dijo que no pero bueno) -------
BLOQUE = 65536
CARPETA = "memoria"          # aqui va el cache
ARCHIVO_LOG = "bitacora.txt"
PUERTO = 8080
SERVIDORES = []
TTL = 60
ESPERA_BACKEND = 10
ESPERA_CLIENTE = 15
turno = 0
candado_turno = threading.Lock()
candado_log = threading.Lock()
n_tmp = 0
PRIMO = 2 ** 127 - 1   # primo de Mersenne, el hashlib no se puede importar :(

# cosas que son de cada conexion y no se pasan
SALTO = [b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer",
         b"transfer-encoding", b"upgrade", b"proxy-authenticate", b"proxy-authorization"]

class Malo(Exception):
    def __init__(self, codigo, texto):
        Exception.__init__(self, texto)
        self.codigo = codigo
        self.texto = texto

# huella rara: da lo mismo sin importar como vengan partidos los pedazos
def huella(antes, pedazo):
    return (antes * pow(256, len(pedazo), PRIMO) + int.from_bytes(pedazo, "big")) % PRIMO

def leer_ini(nombre):
    global PUERTO
    seccion = ""
    num = 0
    for linea in open(nombre, encoding="utf-8"):
        num += 1
        linea = linea.split("#")[0].split(";")[0].strip()
        if linea == "":
            continue
        if linea[0] == "[" and linea[-1] == "]":
            seccion = linea[1:-1].strip().lower()
            continue
        if "=" not in linea:
            raise ValueError("linea %d no se entiende: %s" % (num, linea))
        k, v = linea.split("=", 1)
        k = k.strip().lower()
        v = v.strip()
        if seccion == "proxy" and k in ("puerto", "port"):
            PUERTO = int(v)
            if not 0 < PUERTO < 65536:
                raise ValueError("puerto fuera de rango")
        elif seccion == "servidores":
            h, p = v.rsplit(":", 1)
            SERVIDORES.append((h, int(p)))
        else:
            raise ValueError("linea %d: no conozco '%s'" % (num, k))
    if len(SERVIDORES) == 0:
        raise ValueError("no hay servidores")

def bitacora(cliente, req, status, nbytes, de_donde):
    t = time.strftime("%Y-%m-%d %H:%M:%S")
    linea = "[%s] %s PETICION: %s | RESPUESTA: %s %d bytes | %s\n" % (t, cliente, req, status, nbytes, de_donde)
    with candado_log:
        # abrir y cerrar cada vez, asi queda en disco seguro
        with open(ARCHIVO_LOG, "a", encoding="utf-8") as f:
            f.write(linea)
        try:
            sys.stdout.write(linea)
            sys.stdout.flush()
        except (OSError, ValueError):
            pass

class Lector:
    """lee del socket con buffer (makefile() no me funciono con timeouts)"""
    def __init__(self, s):
        self.s = s
        self.b = b""
    def mas(self):
        d = self.s.recv(BLOQUE)
        self.b += d
        return len(d) > 0
    def hasta(self, marca, tope):
        desde = 0
        while True:
            i = self.b.find(marca, desde)
            if i >= 0:
                r = self.b[:i]
                self.b = self.b[i + len(marca):]
                return r
            if len(self.b) > tope:
                raise Malo(431, "Request Header Fields Too Large")
            desde = max(0, len(self.b) - len(marca))
            if not self.mas():
                raise EOFError()
    def pedazo(self, maximo):
        if self.b == b"":
            if not self.mas():
                return b""
        r = self.b[:maximo]
        self.b = self.b[maximo:]
        return r
    def exactos(self, n):
        while n > 0:
            p = self.pedazo(min(n, BLOQUE))
            if p == b"":
                raise EOFError()
            n -= len(p)
            yield p
    def trozos(self):      # chunked
        while True:
            t = self.hasta(b"\r\n", 4096).split(b";")[0].strip()
            if t == b"" or t.strip(b"0123456789abcdefABCDEF") != b"":
                raise Malo(400, "Bad Request")
            n = int(t, 16)
            if n == 0:
                while self.hasta(b"\r\n", BLOQUE) != b"":
                    pass
                return
            for p in self.exactos(n):
                yield p
            if self.hasta(b"\r\n", 2) != b"":
                raise Malo(400, "Bad Request")
    def hasta_eof(self):
        while True:
            p = self.pedazo(BLOQUE)
            if p == b"":
                return
            yield p

def partir(cabeza):
    lineas = cabeza.split(b"\r\n")
    campos = []
    for l in lineas[1:]:
        if b":" not in l or l[:1] in (b" ", b"\t", b":"):
            raise Malo(400, "Bad Request")
        k, v = l.split(b":", 1)
        if k != k.strip():
            raise Malo(400, "Bad Request")
        campos.append((k, v.strip()))
    return lineas[0], campos

def todos(campos, nombre):
    return [v for k, v in campos if k.lower() == nombre]

def unidos(campos, nombre):
    return b",".join(todos(campos, nombre)).lower()

def directivas(campos):
    d = {}
    for x in unidos(campos, b"cache-control").split(b","):
        k, _, v = x.strip().partition(b"=")
        if k:
            d[k.strip()] = v.strip().strip(b'"')
    return d

def limpiar(campos):
    quitar = SALTO + [x.strip() for x in unidos(campos, b"connection").split(b",")]
    return [(k, v) for k, v in campos if k.lower() not in quitar]

def largo(campos):
    ls = set(x.strip() for v in todos(campos, b"content-length") for x in v.split(b","))
    if len(ls) == 0:
        return None
    if len(ls) > 1:
        raise Malo(400, "Bad Request")
    x = ls.pop()
    if not x.isdigit():
        raise Malo(400, "Bad Request")
    return int(x)

# ------------------------------------------------------------------ cache ----
def archivo_de(target):
    return os.path.join(CARPETA, "%032x_%d.res" % (huella(1, target), len(target)))

def buscar(target, campos):
    """devuelve (f, linea, campos, n, troceado, edad) o None. El archivo queda abierto al inicio del body"""
    try:
        f = open(archivo_de(target), "rb")
    except OSError:
        return None
    try:
        n, suma, nac, vida, ncab, troc = f.read(120).decode().split()
        n, suma, ncab = int(n), int(suma, 16), int(ncab)
        edad = time.time() - float(nac)
        if not (0 <= edad < min(float(vida), TTL)):
            f.close()
            return None
        cab = f.read(ncab)
        s = huella(7, cab)
        cuenta = 0
        while True:
            p = f.read(BLOQUE)
            if p == b"":
                break
            s = huella(s, p)
            cuenta += len(p)
        if s != suma or cuenta != n:
            raise ValueError("archivo danado")
        quien, varia, resp = cab.split(b"\n\n", 2)
        if quien != target:
            raise ValueError("otro recurso")
        for l in varia.split(b"\n"):
            if l.strip() != b"":
                k, v = l.split(b":", 1)
                if unidos(campos, k) != v:
                    f.close()
                    return None
        linea, cs = partir(resp)
        f.seek(120 + ncab)
        return f, linea, cs, n, troc == "1", int(edad)
    except Exception as e:
        f.close()
        return None

def cuanto_dura(metodo, pet, status, resp):
    """segundos que se puede guardar, 0 = no se guarda"""
    if metodo != b"GET" or status not in (200, 203, 301, 308, 404, 410):
        return 0
    cq = directivas(pet)
    cr = directivas(resp)
    if b"no-store" in cq or b"no-store" in cr or b"private" in cr or b"no-cache" in cr:
        return 0
    if todos(pet, b"authorization"):
        if not (b"public" in cr or b"s-maxage" in cr or b"must-revalidate" in cr):
            return 0
    if b"*" in unidos(resp, b"vary"):
        return 0
    for k in (b"s-maxage", b"max-age"):
        if k in cr:
            return min(TTL, int(cr[k])) if cr[k].isdigit() else 0
    return TTL

class Guardador:
    def __init__(self, target, pet, linea, resp, vida, troceado):
        global n_tmp
        with candado_turno:
            n_tmp += 1
            self.tmp = os.path.join(CARPETA, "t%d_%d.tmp" % (os.getpid(), n_tmp))
        self.f = open(self.tmp, "wb")
        self.final = archivo_de(target)
        varia = b""
        for k in unidos(resp, b"vary").split(b","):
            if k.strip():
                varia += k.strip() + b":" + unidos(pet, k.strip()) + b"\n"
        cab = target + b"\n\n" + varia.strip(b"\n") + b"\n\n" + linea
        for k, v in resp:
            cab += b"\r\n" + k + b": " + v
        self.s = huella(7, cab)
        self.n = 0
        self.datos = (time.time(), vida, len(cab), 1 if troceado else 0)
        self.f.write(b" " * 120 + cab)
    def dato(self, p):
        self.f.write(p)
        self.s = huella(self.s, p)
        self.n += len(p)
    def listo(self):
        self.f.seek(0)
        self.f.write(("%d %x %.3f %.3f %d %d" % ((self.n, self.s) + self.datos)).ljust(120).encode())
        self.f.close()
        os.replace(self.tmp, self.final)
    def botar(self):
        try:
            self.f.close()
            os.remove(self.tmp)
        except OSError:
            pass

# ------------------------------------------------------------ round robin ----
def siguiente(probados):
    global turno
    with candado_turno:
        while turno % len(SERVIDORES) in probados:
            turno += 1
        k = turno % len(SERVIDORES)
        turno += 1
    probados.append(k)       # para no probar dos veces el mismo
    return SERVIDORES[k]

def preguntar(metodo, mensaje):
    """manda el mensaje a un backend. devuelve (socket, lector, linea, campos, intermedias, nombre)"""
    peor = 502
    probados = []
    for i in range(len(SERVIDORES)):
        h, p = siguiente(probados)
        try:
            s = socket.create_connection((h, p), timeout=2)
        except OSError:
            continue              # no se mando nada, entonces puede ir al otro
        s.settimeout(ESPERA_BACKEND)
        try:
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                s.sendall(mensaje)
            except socket.timeout:
                raise
            except OSError:
                pass              # a lo mejor ya contesto (413 por ejemplo)
            lec = Lector(s)
            antes = []
            while True:
                linea, cs = partir(lec.hasta(b"\r\n\r\n", 4 * BLOQUE))
                st = linea.split(b" ", 2)
                if len(st) < 2 or not st[0].startswith(b"HTTP/1.") or not st[1].isdigit() or len(st[1]) != 3:
                    raise Malo(502, "Bad Gateway")
                if 100 <= int(st[1]) < 200:
                    antes.append((linea, cs))
                    continue
                return s, lec, linea, cs, antes, "%s:%d" % (h, p)
        except socket.timeout:
            s.close()
            raise Malo(504, "Gateway Timeout")
        except (OSError, EOFError):
            s.close()
            if metodo not in (b"GET", b"HEAD", b"OPTIONS"):
                break             # un POST no se repite!!
        except Malo:
            s.close()
            break
    raise Malo(peor, "Bad Gateway")

def responder(cli, version, linea, campos, pedazos, troceado, guardador, anotar):
    """el ultimo pedazo se manda DESPUES de escribir en la bitacora"""
    if version == b"HTTP/1.0":
        troceado = False
    cab = b"HTTP/1.1 " + linea.split(b" ", 1)[1] + b"\r\n"
    for k, v in campos:
        cab += k + b": " + v + b"\r\n"
    if troceado:
        cab += b"Transfer-Encoding: chunked\r\n"
    pendiente = cab + b"Connection: close\r\n\r\n"
    total = 0
    for p in pedazos:
        total += len(p)
        if guardador:
            guardador.dato(p)
        cli.sendall(pendiente)
        pendiente = p
        if troceado:
            pendiente = b"%x\r\n" % len(p) + p + b"\r\n"
    if troceado:
        pendiente += b"0\r\n\r\n"
    if guardador:
        guardador.listo()
    anotar(total)
    cli.sendall(pendiente)

def error(cli, codigo, texto):
    cuerpo = ("<h1>%d %s</h1>\n" % (codigo, texto)).encode()
    cli.sendall(b"HTTP/1.1 %d %s\r\nContent-Type: text/html\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
                % (codigo, texto.encode(), len(cuerpo)) + cuerpo)

def una_peticion(cli, quien, estado):
    lec = Lector(cli)
    while True:
        cabeza = lec.hasta(b"\r\n\r\n", BLOQUE * 2).lstrip(b"\r\n")
        if cabeza:
            break
    estado["req"] = cabeza.split(b"\r\n")[0].decode("latin-1")
    primera, campos = partir(cabeza)
    x = primera.split(b" ")
    if len(x) != 3 or x[0] == b"" or not x[0].isalpha():
        raise Malo(400, "Bad Request")
    metodo, target, version = x
    if version not in (b"HTTP/1.0", b"HTTP/1.1"):
        raise Malo(505 if version.startswith(b"HTTP/") else 400, "HTTP Version Not Supported")
    if target.lower().startswith(b"http://"):      # forma absoluta
        hostp, barra, resto = target[7:].partition(b"/")
        target = barra + resto if barra else b"/"
        campos = [(k, v) for k, v in campos if k.lower() != b"host"] + [(b"Host", hostp)]
    if target[:1] != b"/" and target != b"*":
        raise Malo(400, "Bad Request")
    nh = len(todos(campos, b"host"))
    if nh > 1 or (nh == 0 and version == b"HTTP/1.1"):
        raise Malo(400, "Bad Request")
    estado["head"] = metodo == b"HEAD"
    # body de la peticion (se junta todo, es mas facil)
    te = unidos(campos, b"transfer-encoding")
    n = largo(campos)
    cuerpo = b""
    if te or n:
        if te and (te != b"chunked" or n is not None):
            raise Malo(501 if n is None else 400, "Not Implemented")
        if b"100-continue" in unidos(campos, b"expect") and version == b"HTTP/1.1" and lec.b == b"":
            cli.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        cuerpo = b"".join(lec.trozos() if te else lec.exactos(n))
    pedir = [(k, v) for k, v in limpiar(campos) if k.lower() not in (b"expect", b"content-length")]
    def anota(status, desde):
        def g(total):
            estado["anotado"] = True
            bitacora(quien, estado["req"], status, total, desde)
        return g
    if metodo == b"GET" and cuerpo == b"" and b"no-cache" not in directivas(campos) \
            and not todos(campos, b"authorization"):
        hay = buscar(target, campos)
        if hay:
            f, linea, cs, tam, troc, edad = hay
            cs = cs + [(b"Age", b"%d" % edad)]
            with f:
                status = linea.split(b" ")[1].decode()
                responder(cli, version, linea, cs, iter(lambda: f.read(BLOQUE), b""), troc, None, anota(status, "CACHE"))
            return
    msg = metodo + b" " + target + b" HTTP/1.1\r\n"
    for k, v in pedir:
        msg += k + b": " + v + b"\r\n"
    if nh == 0:
        msg += b"Host: pibl\r\n"
    if te or n is not None:
        msg += b"Content-Length: %d\r\n" % len(cuerpo)
    msg += b"Connection: close\r\n\r\n" + cuerpo
    s, lb, linea, cs, antes, nombre = preguntar(metodo, msg)
    guardador = None
    try:
        for l, c in antes:
            if version == b"HTTP/1.1" and l.split(b" ")[1] not in (b"100", b"101"):
                cli.sendall(b"\r\n".join([l] + [k + b": " + v for k, v in limpiar(c)]) + b"\r\n\r\n")
        status = int(linea.split(b" ")[1])
        troceado = False
        try:
            ter = unidos(cs, b"transfer-encoding")
            if metodo == b"HEAD" or status in (204, 304):
                pedazos = []
            elif ter:
                troceado = True
                pedazos = lb.trozos()
            elif largo(cs) is not None:
                pedazos = lb.exactos(largo(cs))
            else:
                pedazos = lb.hasta_eof()
        except Malo:
            raise Malo(502, "Bad Gateway")
        cs = limpiar(cs)
        if troceado:
            cs = [(k, v) for k, v in cs if k.lower() != b"content-length"]
        vida = cuanto_dura(metodo, campos, status, cs)
        if vida > 0 and cuerpo == b"":
            guardador = Guardador(target, campos, linea, cs, vida, troceado)
        elif metodo not in (b"GET", b"HEAD", b"OPTIONS", b"TRACE") and status < 400:
            if os.path.exists(archivo_de(target)):
                os.remove(archivo_de(target))
        estado["empezo"] = True
        estado["parcial"] = (status, nombre)
        responder(cli, version, linea, cs, pedazos, troceado, guardador, anota(status, nombre))
        guardador = None
    finally:
        s.close()
        if guardador:
            guardador.botar()

def atender(cli, dir):
    quien = "%s:%d" % dir
    estado = {"req": "", "head": False, "empezo": False, "anotado": False, "parcial": None}
    try:
        cli.settimeout(ESPERA_CLIENTE)
        cli.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            una_peticion(cli, quien, estado)
        except Malo as m:
            if not estado["empezo"]:
                estado["anotado"] = True
                bitacora(quien, estado["req"], m.codigo, 0, "PIBL")
                if estado["head"]:
                    cli.sendall(b"HTTP/1.1 %d %s\r\nConnection: close\r\n\r\n" % (m.codigo, m.texto.encode()))
                else:
                    error(cli, m.codigo, m.texto)
        # se cierra con cuidado: si queda algo sin leer el kernel manda RST y el cliente pierde la respuesta
        cli.shutdown(socket.SHUT_WR)
        cli.settimeout(0.5)
        fin = time.time() + 2
        while time.time() < fin and cli.recv(BLOQUE):
            pass
    except (OSError, EOFError):
        pass                    # el cliente se fue (o el backend a la mitad)
    except Exception as e:
        sys.stderr.write("error raro: %r\n" % (e,))
    finally:
        if estado["req"] and not estado["anotado"]:
            st, nom = estado["parcial"] or ("-", "-")
            bitacora(quien, estado["req"], st, 0, "INCOMPLETA %s" % nom)
        cli.close()

def main():
    global TTL
    if len(sys.argv) < 2:
        print("uso: python3 pibl.py <ttl> [archivo.ini]")
        sys.exit(2)
    try:
        TTL = float(sys.argv[1])
        leer_ini(sys.argv[2] if len(sys.argv) > 2 else "pibl.ini")
    except (ValueError, OSError) as e:
        sys.stderr.write("ERROR en la configuracion: %s\n" % e)
        sys.exit(1)
    if not os.path.isdir(CARPETA):
        os.mkdir(CARPETA)
    for x in os.listdir(CARPETA):
        if x.endswith(".tmp"):
            os.remove(os.path.join(CARPETA, x))
    srv = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    srv.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    srv.bind(("", PUERTO))
    srv.listen(512)
    print("PIBL escuchando en", PUERTO, "ttl", TTL, "servidores", SERVIDORES)
    sys.stdout.flush()
    while True:
        try:
            c, d = srv.accept()
        except KeyboardInterrupt:
            print("chao")
            break
        except OSError:
            time.sleep(0.05)
            continue
        try:
            threading.Thread(target=atender, args=(c, d), daemon=True).start()
        except RuntimeError:
            c.close()

if __name__ == "__main__":
    main()
