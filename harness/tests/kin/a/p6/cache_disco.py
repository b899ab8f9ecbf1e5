import os
import threading
import time
import zlib


class CacheDisco:
    def __init__(self, carpeta, ttl):
        self.carpeta = carpeta
        self.ttl = ttl
        os.makedirs(carpeta, exist_ok=True)

    def ruta(self, clave):
        b = clave.encode("latin-1")
        return os.path.join(self.carpeta, "%08x_%d_%08x" % (zlib.crc32(b), len(b), zlib.adler32(b)))

    def leer(self, clave):
        try:
            with open(self.ruta(clave), "rb") as f:
                nacio, clave2, todo = f.read().split(b"\n", 2)
            cabeza, cuerpo = todo.split(b"\r\n\r\n", 1)
        except (OSError, ValueError):
            return None
        if clave2.decode("latin-1") != clave or time.time() - float(nacio) > self.ttl:
            return None
        return cabeza.decode("latin-1").split("\r\n"), cuerpo

    def escribir(self, clave, cabeza, cuerpo):
        tmp = self.ruta(clave) + ".tmp%d" % threading.get_ident()
        with open(tmp, "wb") as f:
            f.write(("%f\n%s\n" % (time.time(), clave)).encode("latin-1"))
            f.write("\r\n".join(cabeza).encode("latin-1") + b"\r\n\r\n" + cuerpo)
        os.replace(tmp, self.ruta(clave))

    def sirve(self, cabeza):
        todo = "\n".join(cabeza).lower()
        return (cabeza[0].split()[1] == "200" and "no-store" not in todo and "private" not in todo
                and "set-cookie:" not in todo and "\nvary:" not in todo)
