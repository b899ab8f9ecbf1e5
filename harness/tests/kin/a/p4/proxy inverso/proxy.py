# PROXY INVERSO + BALANCEADOR DE CARGA
# Telematica 2022-2, grupo 7
#
# como correrlo:  python3 proxy.py     (y contestar lo que pregunta)

import hashlib
import json
import os
import shutil
import socket
import socketserver
import sys
import threading
import time

BUFFER = 64 * 1024
CARPETA = "cache de recursos"

configuracion = {}
ttl = 120
turno = 0
log_lock = threading.Lock()
log_file = None


def cargar():
    global configuracion
    ruta = os.path.join(os.path.dirname(os.path.abspath(__file__)), "config", "config.json")
    try:
        with open(ruta) as f:
            configuracion = json.load(f)
        if len(configuracion["backends"]) == 0:
            raise ValueError("no hay backends")
    except (OSError, ValueError, KeyError) as e:
        print("ERROR en config.json:", e)
        sys.exit(1)


def escribir_log(texto):
    linea = time.strftime("%d-%m-%Y %H:%M:%S ") + texto
    with log_lock:
        print(linea, flush=True)
        log_file.write(linea + "\n")
        log_file.flush()


# ------------------------------------------------------------- round robin

def escoger_servidor():
    global turno
    actual = turno
    servidor = configuracion["backends"][actual]
    escribir_log("   turno de %s (%s:%d)" % (servidor["nombre"], servidor["host"], servidor["puerto"]))
    turno = (actual + 1) % len(configuracion["backends"])
    return servidor


# ------------------------------------------------------------- cache

def nombre_archivo(host, recurso):
    return os.path.join(CARPETA, hashlib.md5((host + " " + recurso).encode("latin-1")).hexdigest() + ".cache")


def leer_cache(host, recurso):
    archivo = nombre_archivo(host, recurso)
    try:
        if time.time() - os.path.getmtime(archivo) > ttl:
            os.remove(archivo)
            return None
        with open(archivo, "rb") as f:
            return f.read()
    except OSError:
        return None


def escribir_cache(host, recurso, respuesta):
    archivo = nombre_archivo(host, recurso)
    temporal = archivo + "." + str(threading.get_ident())
    with open(temporal, "wb") as f:
        f.write(respuesta)
    os.rename(temporal, archivo)


def cabeceras(cabeza):
    r = {}
    for l in cabeza.decode("latin-1").split("\r\n")[1:]:
        if ":" in l:
            k, v = l.split(":", 1)
            r[k.strip().lower()] = v.strip()
    return r


def se_puede_guardar(peticion, respuesta):
    """ solo respuestas 200, enteras y publicas """
    cabeza, _, cuerpo = respuesta.partition(b"\r\n\r\n")
    if cabeza.split(b" ")[1:2] != [b"200"]:
        return False
    h = cabeceras(cabeza)
    cc = h.get("cache-control", "").lower()
    if "no-store" in cc or "private" in cc or "set-cookie" in h or "vary" in h:
        return False
    if "authorization" in peticion or "range" in peticion or "no-store" in peticion.get("cache-control", ""):
        return False
    if "chunked" in h.get("transfer-encoding", ""):
        return cuerpo.endswith(b"0\r\n\r\n")
    if "content-length" in h:
        return len(cuerpo) == int(h["content-length"])
    return True


# ------------------------------------------------------------- cada peticion

class Manejador(socketserver.BaseRequestHandler):

    def handle(self):
        cliente = self.request
        cliente.settimeout(30)
        datos = b""
        while b"\r\n\r\n" not in datos:
            try:
                parte = cliente.recv(BUFFER)
            except OSError:
                return
            if parte == b"":
                return
            datos += parte
        cabeza, _, cuerpo = datos.partition(b"\r\n\r\n")
        primera = cabeza.split(b"\r\n")[0].decode("latin-1")
        if len(primera.split(" ")) != 3:
            cliente.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            escribir_log("%s \"%s\" 400" % (self.client_address[0], primera))
            return
        metodo, recurso, version = primera.split(" ")
        h = cabeceras(cabeza)
        host = h.get("host", "")

        if metodo == "GET" and "authorization" not in h and "range" not in h:
            guardada = leer_cache(host, recurso)
            if guardada is not None:
                self.terminar(primera, guardada, "cache")
                return

        # le quitamos el keep-alive para que el servidor cierre al terminar
        lineas = [l for l in cabeza.split(b"\r\n")[1:]
                  if l.split(b":")[0].strip().lower() not in (b"connection", b"keep-alive", b"proxy-connection")]
        peticion = ("%s %s HTTP/1.1" % (metodo, recurso)).encode("latin-1") + b"\r\n" + b"\r\n".join(lineas) + b"\r\nConnection: close\r\n\r\n" + cuerpo

        servidor = escoger_servidor()
        s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        s.settimeout(10)
        s.connect((servidor["host"], servidor["puerto"]))
        s.sendall(peticion)
        partes = []
        while True:
            parte = s.recv(BUFFER)
            if not parte:
                break
            partes.append(parte)
        s.close()
        respuesta = b"".join(partes)
        if metodo == "GET" and se_puede_guardar(h, respuesta):
            escribir_cache(host, recurso, respuesta)
        self.terminar(primera, respuesta, servidor["nombre"])

    def terminar(self, primera, respuesta, origen):
        estado = respuesta.split(b"\r\n", 1)[0].decode("latin-1")
        escribir_log("%s \"%s\" --> \"%s\" %d bytes (%s)" % (self.client_address[0], primera, estado, len(respuesta), origen))
        try:
            self.request.sendall(respuesta)
        except OSError:
            escribir_log("el cliente se fue")


class Servidor(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 128


def iniciar():
    global ttl, log_file
    dato = input("TTL de los recursos en segundos [120]: ").strip()
    if dato != "":
        ttl = float(dato)
    os.makedirs(CARPETA, exist_ok=True)
    log_file = open("log.txt", "a")
    puerto = configuracion.get("puerto", 8080)
    print("Escuchando en", puerto, flush=True)
    with Servidor(("", puerto), Manejador) as srv:
        srv.serve_forever()


def menu():
    while True:
        print("\n=== PIBL ===\n1. Iniciar proxy\n2. Borrar cache\n3. Ver configuracion\n4. Salir")
        op = input("Opcion: ").strip()
        if op == "1":
            iniciar()
        elif op == "2":
            shutil.rmtree(CARPETA, ignore_errors=True)
        elif op == "3":
            print(json.dumps(configuracion, indent=2))
        elif op == "4":
            break


if __name__ == "__main__":
    cargar()
    try:
        menu()
    except KeyboardInterrupt:
        print("\nadios")
