# -*- coding: utf-8 -*-
# Proyecto I Telematica - PIBL
# Integrantes: Laura M., Andres F., Julian R.
import sys
import os
import time
import socket
import threading

AQUI = os.getcwd()
TAM = 65536
SALTO = ("connection", "keep-alive", "proxy-connection", "te", "upgrade", "proxy-authenticate")
ESPERA = 10      # segundos que le damos a un servidor
turno = 0
candado_turno = threading.Lock()
candado_log = threading.Lock()


class Mala(Exception):
    pass


# ------------------------------------------------------------------ configuracion
def leer_config(ruta):
    puerto = 8080
    servidores = []
    seccion = ""
    try:
        f = open(ruta, "r", encoding="latin-1")
    except OSError as e:
        print("No se pudo abrir el archivo de configuracion:", e)
        sys.exit(2)
    for n, linea in enumerate(f, 1):
        linea = linea.strip()
        if linea == "" or linea[0] in ";#":
            continue
        if linea[0] == "[":
            seccion = linea.strip("[]").lower()
            continue
        if "=" not in linea:
            print("configuracion.ini linea %d: no entiendo '%s'" % (n, linea))
            sys.exit(2)
        k, v = [x.strip() for x in linea.split("=", 1)]
        try:
            if seccion == "proxy" and k.lower() == "puerto":
                puerto = int(v)
            elif seccion == "servidores":
                h, p = v.split(":")
                servidores.append((h.strip(), int(p)))
        except ValueError:
            print("configuracion.ini linea %d: valor malo '%s'" % (n, v))
            sys.exit(2)
    f.close()
    if not servidores:
        print("configuracion.ini: no hay servidores")
        sys.exit(2)
    return puerto, servidores


# ------------------------------------------------------------------ log
archivo_log = None

def registrar(cliente, linea, resp, cuanto, de_donde):
    t = time.strftime("%Y-%m-%d %H:%M:%S")
    s = "[%s] %s | PETICION: %s | RESPUESTA: %s (%d bytes) | %s\n" % (t, cliente[0], linea, resp, cuanto, de_donde)
    with candado_log:
        sys.stdout.write(s)
        sys.stdout.flush()
        archivo_log.write(s)
        archivo_log.flush()


# ------------------------------------------------------------------ HTTP
class Lector:
    """ un recv con memoria, para no perder lo que sobra """
    def __init__(self, s):
        self.s = s
        self.b = b""

    def mas(self):
        d = self.s.recv(TAM)
        self.b += d
        return d != b""

    def hasta(self, marca, tope=65536):
        while marca not in self.b:
            if len(self.b) > tope:
                raise Mala("cabecera muy larga")
            if not self.mas():
                if self.b == b"":
                    return None
                raise Mala("se corto")
        i = self.b.index(marca) + len(marca)
        r, self.b = self.b[:i], self.b[i:]
        return r

    def exacto(self, n):
        trozos = []
        falta = n
        while falta > 0:
            if self.b == b"":
                if not self.mas():
                    raise Mala("se corto el cuerpo")
            t, self.b = self.b[:falta], self.b[falta:]
            trozos.append(t)
            falta -= len(t)
        return b"".join(trozos)

    def todo(self):
        trozos = [self.b]
        self.b = b""
        while True:
            d = self.s.recv(TAM)
            if d == b"":
                return b"".join(trozos)
            trozos.append(d)

    def chunks(self):
        r = []
        while True:
            l = self.hasta(b"\r\n")
            if l is None:
                raise Mala("se corto")
            n = int(l.split(b";")[0].strip(), 16)
            if n == 0:
                while self.hasta(b"\r\n") not in (b"\r\n", None):
                    pass
                return b"".join(r)
            r.append(self.exacto(n))
            self.hasta(b"\r\n")


def partir(cab):
    lineas = cab.decode("latin-1").split("\r\n")
    campos = []
    for l in lineas[1:]:
        if ":" in l:
            k, v = l.split(":", 1)
            campos.append((k.strip(), v.strip()))
    return lineas[0], campos

def campo(campos, nombre):
    for k, v in campos:
        if k.lower() == nombre:
            return v
    return None

def armar(primera, campos, cuerpo):
    return (primera + "\r\n" + "".join("%s: %s\r\n" % c for c in campos) + "\r\n").encode("latin-1") + cuerpo


# ------------------------------------------------------------------ cache en disco
def ruta_cache(host, destino):
    # cache/<host>/<camino en hexadecimal partido en carpetas de 100>
    h = (host or "sin_host").encode("latin-1").hex()[:200]
    x = destino.encode("latin-1").hex()
    partes = [x[i:i + 100] + "_" for i in range(0, len(x), 100)]
    partes[-1] = partes[-1] + ".res"
    return os.path.join(AQUI, "cache", h, *partes)

def buscar(host, destino, ttl):
    ruta = ruta_cache(host, destino)
    try:
        with open(ruta, "rb") as f:
            dato = f.read()
    except OSError:
        return None
    try:
        nace, dato = dato.split(b"\n", 1)
        edad = time.time() - float(nace)
        cab, cuerpo = dato.split(b"\r\n\r\n", 1)
        primera, campos = partir(cab)
        if len(cuerpo) != int(campo(campos, "content-length")):
            return None
    except (ValueError, TypeError):
        return None        # archivo danado
    if edad >= ttl:
        try:
            os.remove(ruta)
        except OSError:
            pass
        return None
    return primera, campos + [("Age", str(int(edad)))], cuerpo

def guardar(host, destino, primera, campos, cuerpo):
    ruta = ruta_cache(host, destino)
    tmp = ruta + ".%d.tmp" % threading.get_ident()
    try:
        os.makedirs(os.path.dirname(ruta), exist_ok=True)
        with open(tmp, "wb") as f:
            f.write(("%.3f\n" % time.time()).encode() + armar(primera, campos, cuerpo))
            f.flush()
            os.fsync(f.fileno())
        os.replace(tmp, ruta)
    except OSError as e:
        print("cache:", e)

def se_guarda(metodo, pet, estado, resp):
    cc = (campo(resp, "cache-control") or "").lower() + (campo(pet, "cache-control") or "").lower()
    return (metodo == "GET" and estado == 200 and "no-store" not in cc and "private" not in cc
            and campo(pet, "authorization") is None and campo(pet, "range") is None and campo(resp, "vary") is None
            and campo(resp, "set-cookie") is None)


# ------------------------------------------------------------------ servidores
def siguiente(servidores):
    global turno
    with candado_turno:
        s = servidores[turno % len(servidores)]
        turno += 1
    return s

def pedir(servidores, metodo, mensaje):
    for _ in servidores:
        sv = siguiente(servidores)
        try:
            s = socket.create_connection(sv, 3)
        except OSError:
            continue          # caido: el que sigue
        s.settimeout(ESPERA)
        try:
            s.sendall(mensaje)
            l = Lector(s)
            while True:
                cab = l.hasta(b"\r\n\r\n")
                if cab is None:
                    raise Mala("sin respuesta")
                primera, campos = partir(cab)
                estado = int(primera.split()[1])
                if estado >= 200:
                    break
            campos = [c for c in campos if c[0].lower() not in SALTO]
            te = campo(campos, "transfer-encoding")
            if metodo == "HEAD" or estado in (204, 304):
                return sv, primera, campos, b""
            if te:
                cuerpo = l.chunks()
            elif campo(campos, "content-length") is not None:
                return sv, primera, campos, l.exacto(int(campo(campos, "content-length")))
            else:
                cuerpo = l.todo()
            campos = [c for c in campos if c[0].lower() not in ("transfer-encoding", "trailer")]
            return sv, primera, campos + [("Content-Length", str(len(cuerpo)))], cuerpo
        finally:
            s.close()
    return None

def error(codigo, texto):
    c = ("<h1>%d %s</h1>\n" % (codigo, texto)).encode()
    return "HTTP/1.1 %d %s" % (codigo, texto), [("Content-Type", "text/html"), ("Content-Length", str(len(c)))], c


# ------------------------------------------------------------------ un cliente = un hilo
def atender(con, dir_, servidores, ttl):
    con.settimeout(30)
    l = Lector(con)
    linea = "-"
    try:
        sigue = True
        while sigue:
            linea = "-"
            cab = l.hasta(b"\r\n\r\n")
            if cab is None:
                return
            linea, campos = partir(cab)
            if len(linea.split(" ")) != 3:
                raise Mala("linea")
            metodo, destino, version = linea.split(" ")
            cx = (campo(campos, "connection") or "").lower()
            sigue = cx == "keep-alive" if version == "HTTP/1.0" else "close" not in cx
            if (campo(campos, "expect") or "").lower() == "100-continue":
                con.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            cuerpo = b""
            if campo(campos, "transfer-encoding"):
                cuerpo = l.chunks()
                campos = [c for c in campos if c[0].lower() != "transfer-encoding"] + [("Content-Length", str(len(cuerpo)))]
            elif campo(campos, "content-length"):
                cuerpo = l.exacto(int(campo(campos, "content-length")))
            host = campo(campos, "host")
            r = None
            if metodo in ("GET", "HEAD") and not campo(campos, "authorization") and not campo(campos, "range"):
                r = buscar(host, destino, ttl)
            origen = "CACHE"
            if r is None:
                envio = [c for c in campos if c[0].lower() not in SALTO + ("expect",)] + [("Connection", "close"), ("Via", "1.1 pibl")]
                try:
                    x = pedir(servidores, metodo, armar("%s %s HTTP/1.1" % (metodo, destino), envio, cuerpo))
                except socket.timeout:
                    x, r, origen = 0, error(504, "Gateway Timeout"), "-"
                except (Mala, OSError, ValueError, IndexError):
                    x, r, origen = 0, error(502, "Bad Gateway"), "-"
                if x is None:
                    r, origen = error(502, "Bad Gateway"), "-"
                elif x:
                    origen = "%s:%d" % x[0]
                    r = x[1:]
                    if se_guarda(metodo, campos, int(r[0].split()[1]), r[1]):
                        guardar(host, destino, *r)
            salida = r[2] if metodo != "HEAD" else b""
            registrar(dir_, linea, r[0], len(salida), origen)
            con.sendall(armar(r[0], r[1] + [("Connection", "keep-alive" if sigue else "close")], salida))
    except socket.timeout:
        pass
    except (Mala, ValueError):
        r = error(400, "Bad Request")
        registrar(dir_, linea, r[0], len(r[2]), "-")
        try:
            con.sendall(armar(r[0], r[1] + [("Connection", "close")], r[2]))
        except OSError:
            pass
    except OSError:
        registrar(dir_, linea, "(el cliente se fue)", 0, "-")
    finally:
        con.close()


if __name__ == "__main__":
    # uso: python3 pibl.py [TTL en segundos]
    ttl = float(sys.argv[1]) if len(sys.argv) > 1 else 60
    puerto, servidores = leer_config("configuracion.ini")
    archivo_log = open("registro.log", "a", encoding="utf-8")
    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("0.0.0.0", puerto))
    s.listen(200)
    print("PIBL escuchando en el puerto", puerto, "TTL", ttl, "servidores", servidores, flush=True)
    while True:
        con, dir_ = s.accept()
        threading.Thread(target=atender, args=(con, dir_, servidores, ttl), daemon=True).start()
