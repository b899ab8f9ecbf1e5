"""Cache en disco. Cada recurso es una carpeta: cache/<sha256>/ con info.json y el cuerpo (texto.txt o binario.bin)"""
import hashlib
import json
import os
import shutil
import threading
import time


class Memoria:
    def __init__(self, ttl):
        self.ttl = ttl
        self.serie = 0
        self.candado = threading.Lock()
        os.makedirs("cache", exist_ok=True)
        for n in os.listdir("cache"):
            if n.startswith("tmp"):
                shutil.rmtree(os.path.join("cache", n), ignore_errors=True)

    def carpeta(self, ruta):
        return os.path.join("cache", hashlib.sha256(ruta.encode("latin-1")).hexdigest())

    def buscar(self, ruta):
        c = self.carpeta(ruta)
        with self.candado:
            try:
                with open(os.path.join(c, "info.json"), encoding="utf-8") as f:
                    info = json.load(f)
            except (OSError, ValueError):
                return None
            if time.time() - info["guardado"] >= self.ttl:
                shutil.rmtree(c, ignore_errors=True)
                return None
            if info["texto"]:
                with open(os.path.join(c, "texto.txt"), encoding="utf-8", newline="") as f:
                    cuerpo = f.read()
            else:
                with open(os.path.join(c, "binario.bin"), "rb") as f:
                    cuerpo = f.read()
        return info["estado"], info["campos"], cuerpo

    def guardar(self, ruta, resp):
        info = {"ruta": ruta, "guardado": time.time(), "estado": resp.estado, "campos": resp.campos,
                "texto": resp.campo("content-type").lower().startswith("text/")}
        texto = None
        if info["texto"]:
            try:
                texto = resp.cuerpo.decode("utf-8")
            except UnicodeDecodeError:
                info["texto"] = False
        c = self.carpeta(ruta)
        with self.candado:
            self.serie += 1
            tmp = os.path.join("cache", "tmp%d" % self.serie)
            os.makedirs(tmp)
            if info["texto"]:
                with open(os.path.join(tmp, "texto.txt"), "w", encoding="utf-8", newline="") as f:
                    f.write(texto)
            else:
                with open(os.path.join(tmp, "binario.bin"), "wb") as f:
                    f.write(resp.cuerpo)
            with open(os.path.join(tmp, "info.json"), "w", encoding="utf-8") as f:
                json.dump(info, f)
            shutil.rmtree(c, ignore_errors=True)
            os.rename(tmp, c)
