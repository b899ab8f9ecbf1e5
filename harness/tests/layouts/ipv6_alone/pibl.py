# Proxy inverso y balanceador: escucha solo en la direccion ::1 de este equipo
import hashlib
import os
import socket
import sys
import threading
import time

PUERTO = 8080
SERVIDORES = []
TTL = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0

for linea in open("pibl.conf"):
    clave, _, valor = linea.strip().partition(" ")
    if clave == "puerto":
        PUERTO = int(valor)
    elif clave == "servidor":
        SERVIDORES.append(valor)

os.makedirs("cache", exist_ok=True)
turno = 0
candado = threading.Lock()


def siguiente():
    global turno
    with candado:
        turno += 1
        return SERVIDORES[(turno - 1) % len(SERVIDORES)]


def leer_todo(conexion):
    datos = b""
    while True:
        parte = conexion.recv(65536)
        if not parte:
            return datos
        datos += parte


def atender(cliente):
    with cliente:
        peticion = b""
        while b"\r\n\r\n" not in peticion:
            parte = cliente.recv(65536)
            if not parte:
                return
            peticion += parte
        linea = peticion.split(b"\r\n")[0].decode("latin-1")
        metodo, destino, _ = linea.split(" ")
        nombre = os.path.join("cache", hashlib.sha1(destino.encode("latin-1")).hexdigest())
        if metodo == "GET" and os.path.exists(nombre) and time.time() - os.path.getmtime(nombre) < TTL:
            respuesta = open(nombre, "rb").read()
        else:
            host, puerto = siguiente().split(":")
            with socket.create_connection((host, int(puerto)), timeout=10) as servidor:
                cabeza = peticion.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1)
                servidor.sendall(cabeza)
                respuesta = leer_todo(servidor)
            if metodo == "GET" and respuesta.startswith(b"HTTP/1.1 200"):
                with open(nombre + ".tmp" + str(threading.get_ident()), "wb") as archivo:
                    archivo.write(respuesta)
                os.replace(archivo.name, nombre)
        cliente.sendall(respuesta)
        with open("pibl.log", "a") as bitacora:
            bitacora.write(linea + " " + str(len(respuesta)) + "\n")
        print(linea, len(respuesta), flush=True)


escucha = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
escucha.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
escucha.bind(("::1", PUERTO))
escucha.listen(64)
while True:
    conexion, _ = escucha.accept()
    threading.Thread(target=atender, args=(conexion,), daemon=True).start()
