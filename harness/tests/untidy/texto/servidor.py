# -*- coding: utf-8 -*-
"""
servidor.py
Autores: grupo 7
Proxy inverso con cache en json
"""
from socket import *
from threading import Thread, Lock
import json, os, time


class Config:
    def __init__(self, ruta):
        self.datos = {}
        for linea in open(ruta, encoding="utf-8"):
            linea = linea.strip()
            if linea == "" or linea.startswith("#"):
                continue
            clave, valor = linea.split("=", 1)
            self.datos[clave.strip()] = valor.strip()

    def get(self, clave, defecto=None):
        return self.datos.get(clave, defecto)


class Cache:
    # guarda cada respuesta como un json {guardado, respuesta}
    def __init__(self, dir, ttl):
        self.dir = dir
        self.ttl = ttl
        if not os.path.isdir(dir):
            os.mkdir(dir)

    def archivo(self, recurso):
        # las barras no se pueden en nombres de archivos
        nombre = recurso.replace("/", "_").replace("?", "_")
        # si el nombre es muy largo linux da error (File name too long)
        return self.dir + "/" + nombre[:200] + ".json"

    def get(self, recurso):
        try:
            with open(self.archivo(recurso), encoding="utf-8", newline="") as f:
                o = json.load(f)
            if int(time.time()) - o["guardado"] > self.ttl:
                return None
            return o["respuesta"]
        except (OSError, ValueError, KeyError):
            return None

    def put(self, recurso, respuesta):
        o = {"guardado": int(time.time()), "respuesta": respuesta}
        tmp = self.archivo(recurso) + "." + str(time.time_ns())
        with open(tmp, "w", encoding="utf-8", newline="") as f:
            json.dump(o, f)
        os.rename(tmp, self.archivo(recurso))


class Balanceador:
    def __init__(self, servidores):
        self.servidores = servidores
        self.i = -1
        self.l = Lock()

    def siguiente(self):
        self.l.acquire()
        self.i = (self.i + 1) % len(self.servidores)
        s = self.servidores[self.i]
        self.l.release()
        return s


def largo_de(cabeza):
    for l in cabeza.split("\r\n"):
        if l.lower().startswith("content-length"):
            return int(l.split(":")[1].strip())
    return None


def leer_mensaje(sock, es_peticion, metodo=""):
    """ lee una peticion o una respuesta completa, devuelve bytes """
    datos = b""
    while b"\r\n\r\n" not in datos:
        r = sock.recv(4096)
        if not r:
            return datos
        datos = datos + r
    pos = datos.index(b"\r\n\r\n") + 4
    cabeza = datos[:pos].decode("latin-1")
    if not es_peticion:
        codigo = cabeza.split(" ")[1]
        if metodo == "HEAD" or codigo == "204" or codigo == "304":
            return datos[:pos]
    if "transfer-encoding: chunked" in cabeza.lower():
        while not datos.endswith(b"0\r\n\r\n"):
            r = sock.recv(4096)
            if not r: break
            datos = datos + r
        return datos
    n = largo_de(cabeza)
    if n is None:
        if es_peticion:
            return datos
        n = 10 ** 12      # hasta que cierre
    partes = [datos]
    van = len(datos) - pos
    while van < n:
        r = sock.recv(65536)
        if not r:
            break
        partes.append(r)
        van += len(r)
    return b"".join(partes)


class Proxy:
    def __init__(self, config):
        self.puerto = int(config.get("puerto", "8080"))
        self.cache = Cache(config.get("cache.dir", "cache"), int(config.get("ttl", "60")))
        lista = []
        for s in config.get("servidores").split(","):
            h, p = s.strip().split(":")
            lista.append((h, int(p)))
        self.bal = Balanceador(lista)
        self.log_nombre = config.get("log", "registro.txt")
        self.llog = Lock()

    def log(self, texto):
        texto = time.strftime("[%Y-%m-%d %H:%M:%S] ") + texto
        self.llog.acquire()
        print(texto)
        with open(self.log_nombre, "a", encoding="utf-8") as f:
            f.write(texto + "\n")
        self.llog.release()

    def pedir(self, peticion, metodo):
        # si un servidor esta caido se prueba con el otro
        for _ in range(len(self.bal.servidores)):
            host, puerto = self.bal.siguiente()
            s = socket(AF_INET, SOCK_STREAM)
            s.settimeout(10)
            try:
                s.connect((host, puerto))
                s.sendall(peticion.encode("latin-1"))
                r = leer_mensaje(s, False, metodo)
                if r:
                    # se pasa a texto para poder trabajar las cabeceras
                    return r.decode("utf-8", errors="ignore"), "%s:%d" % (host, puerto)
            except OSError as e:
                self.log("servidor %s:%d no responde: %s" % (host, puerto, e))
            finally:
                s.close()
        return None, None

    def con_close(self, respuesta):
        cabeza, cuerpo = respuesta.split("\r\n\r\n", 1)
        lineas = [l for l in cabeza.split("\r\n") if not l.lower().startswith("connection:")]
        lineas.append("Connection: close")
        return "\r\n".join(lineas) + "\r\n\r\n" + cuerpo

    def cliente(self, sock, addr):
        try:
            peticion = leer_mensaje(sock, True).decode("latin-1")
            if "\r\n\r\n" not in peticion:
                return
            linea = peticion.split("\r\n")[0]
            metodo, recurso, _ = linea.split(" ")
            origen = "cache"
            respuesta = None
            if metodo == "GET":
                respuesta = self.cache.get(recurso)
            if respuesta is None:
                respuesta, origen = self.pedir(peticion, metodo)
                if respuesta is None:
                    respuesta = "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 11\r\n\r\nBad Gateway"
                    origen = "nadie"
                elif metodo == "GET" and "no-store" not in respuesta.split("\r\n\r\n")[0].lower():
                    self.cache.put(recurso, respuesta)
            respuesta = self.con_close(respuesta)
            sock.sendall(respuesta.encode("utf-8"))
            self.log("El cliente %s pidio '%s' y se respondio '%s' (%d caracteres) desde %s" % (
                addr[0], linea, respuesta.split("\r\n")[0], len(respuesta), origen))
        except Exception as e:
            self.log("ERROR atendiendo a %s: %r" % (addr, e))
        finally:
            sock.close()

    def run(self):
        s = socket(AF_INET, SOCK_STREAM)
        s.bind(("", self.puerto))
        s.listen(100)
        self.log("proxy en el puerto %d" % self.puerto)
        while 1:
            c, a = s.accept()
            Thread(target=self.cliente, args=(c, a)).start()


if __name__ == "__main__":
    Proxy(Config("proxy.properties")).run()
