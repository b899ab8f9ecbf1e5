"""
PIBL - Load balancer and reverse proxy
Usage: python3 main.py PORT SERVERS_FILE TTL
   e.g. python3 main.py 8080 conf/servidores.yaml 60
"""
import os
import select
import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import cache_disco
from balanceador import Balanceador
from peticion import leer_cabeza, leer_cuerpo, obtener, sin_salto

WORKERS = 10

PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 8080
ARCHIVO = sys.argv[2] if len(sys.argv) > 2 else "conf/servidores.yaml"
TTL = int(sys.argv[3]) if len(sys.argv) > 3 else 60

balanceador = Balanceador(ARCHIVO)
cache = cache_disco.CacheDisco("cache", TTL)
libres = threading.Semaphore(WORKERS)
cerrojo = threading.Lock()
f_log = open("pibl_log.txt", "a")


def log(*cosas):
    linea = time.strftime("[%H:%M:%S] ") + " ".join(str(c) for c in cosas)
    with cerrojo:
        print(linea)
        sys.stdout.flush()
        print(linea, file=f_log)
        f_log.flush()


def respuesta_error(codigo, razon):
    cuerpo = razon.encode() + b"\n"
    return ["HTTP/1.1 %d %s" % (codigo, razon), "Content-Length: %d" % len(cuerpo), "Content-Type: text/plain"], cuerpo


def conectar():
    """conecta con el servidor que tiene el turno; si esta caido, con el que sigue"""
    for _ in range(balanceador.cuantos()):
        if not balanceador.siguiente():     # no hay a quien mandarle
            return None, None
        host, port = balanceador.siguiente()
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            sock.connect((host, port))
            return sock, "%s:%d" % (host, port)
        except OSError:
            sock.close()
    # ultimo intento: todos en orden
    for host, port in balanceador.servidores:
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            sock.connect((host, port))
            return sock, "%s:%d" % (host, port)
        except OSError:
            sock.close()
    return None, None


def reenviar(metodo, url, cabeza, cuerpo):
    sock, quien = conectar()
    if sock is None:
        return respuesta_error(503, "Service Unavailable") + ("-",)
    try:
        lineas = ["%s %s HTTP/1.1" % (metodo, url)] + [l for l in sin_salto(cabeza[1:]) if not l.lower().startswith(("content-length:", "expect:"))]
        if cuerpo or metodo in ("POST", "PUT"):
            lineas.append("Content-Length: %d" % len(cuerpo))
        lineas += ["Connection: close", "X-Forwarded-By: PIBL"]
        sock.sendall("\r\n".join(lineas).encode("latin-1") + b"\r\n\r\n" + cuerpo)
        resto = b""
        while True:
            cabeza_r, resto = leer_cabeza(sock, resto)
            if cabeza_r is None:
                return respuesta_error(502, "Bad Gateway") + (quien,)
            estado = int(cabeza_r[0].split()[1])
            if estado >= 200:
                break
        if metodo == "HEAD" or estado in (204, 304):
            return sin_salto(cabeza_r), b"", quien
        datos = leer_cuerpo(sock, cabeza_r, resto, hasta_cierre=True)
        if datos is None:
            return respuesta_error(502, "Bad Gateway") + (quien,)
        cabeza_r = [l for l in sin_salto(cabeza_r) if not l.lower().startswith("content-length:")]
        return cabeza_r + ["Content-Length: %d" % len(datos)], datos, quien
    except (OSError, ValueError, IndexError):
        return respuesta_error(502, "Bad Gateway") + (quien,)
    finally:
        sock.close()


def atender(cliente, direccion):
    try:
        cliente.settimeout(15)
        cabeza, resto = leer_cabeza(cliente, b"")
        if cabeza is None:
            return
        partes = cabeza[0].split(" ")
        if len(partes) != 3:
            salida, cuerpo_r = respuesta_error(400, "Bad Request")
            quien = "-"
            metodo = ""
        else:
            metodo, url, _ = partes
            if obtener(cabeza, "expect"):
                cliente.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            cuerpo = leer_cuerpo(cliente, cabeza, resto)
            se_cachea = metodo == "GET" and not obtener(cabeza, "authorization") and not obtener(cabeza, "range")
            clave = "%s|%s" % (obtener(cabeza, "host"), url)
            encontrado = cache.leer(clave) if se_cachea else None
            if cuerpo is None:
                salida, cuerpo_r = respuesta_error(400, "Bad Request")
                quien = "-"
            elif encontrado:
                salida, cuerpo_r = encontrado
                quien = "CACHE"
            else:
                salida, cuerpo_r, quien = reenviar(metodo, url, cabeza, cuerpo)
                if se_cachea and cache.sirve(salida):
                    cache.escribir(clave, salida, cuerpo_r)
        if metodo == "HEAD":
            cuerpo_r = b""
        time.sleep(0.1)     # para no saturar al cliente
        log(direccion[0], cabeza[0], "->", salida[0][9:], len(cuerpo_r), "bytes", quien)
        cliente.sendall("\r\n".join(salida + ["Connection: close"]).encode("latin-1") + b"\r\n\r\n" + cuerpo_r)
    except (OSError, ValueError) as e:
        log(direccion[0], "error con el cliente:", e)
    finally:
        try:
            cliente.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        cliente.close()
        libres.release()


def main():
    servidor = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    servidor.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    servidor.bind(("", PORT))
    servidor.listen(5)
    log("PIBL escuchando en", PORT, "TTL", TTL, "servidores", balanceador.servidores)
    pool = ThreadPoolExecutor(max_workers=WORKERS)
    try:
        while True:
            listos, _, _ = select.select([servidor], [], [], 1)
            for s in listos:
                libres.acquire()           # esperar a que haya un trabajador libre
                cliente, direccion = s.accept()
                pool.submit(atender, cliente, direccion)
                time.sleep(0.02)
    except KeyboardInterrupt:
        log("fin")
        os._exit(0)


if __name__ == "__main__":
    main()
