import hashlib
import json
import os
import time


class Cache:
    """un archivo por recurso: linea json + cabeza + cuerpo"""

    def __init__(self, carpeta, ttl):
        self.carpeta = carpeta
        self.ttl = ttl
        carpeta.mkdir(parents=True, exist_ok=True)
        self.n = 0
        for viejo in carpeta.glob("*.tmp"):
            viejo.unlink()

    def _ruta(self, target):
        h = hashlib.blake2b(target, digest_size=20).hexdigest()
        return self.carpeta / h[:2] / h

    def get(self, target):
        try:
            with open(self._ruta(target), "rb") as f:
                meta = json.loads(f.readline())
                if meta["target"] != target.decode("latin-1"):
                    return None
                if time.time() >= meta["guardado"] + self.ttl:
                    return None
                cabeza = f.read(meta["cabeza"])
                c = f.read()
                if len(c) != meta["cuerpo"]:
                    return None       # archivo dañado
                return cabeza, c, meta["estado"]
        except (OSError, ValueError, KeyError):
            return None

    def put(self, target, estado, cabeza, c):
        r = self._ruta(target)
        r.parent.mkdir(exist_ok=True)
        self.n += 1
        tmp = self.carpeta / f"{os.getpid()}-{self.n}.tmp"
        meta = {"target": target.decode("latin-1"), "guardado": time.time(), "estado": estado,
                "cabeza": len(cabeza), "cuerpo": len(c)}
        with open(tmp, "wb") as f:
            f.write(json.dumps(meta).encode() + b"\n" + cabeza + c)
        os.replace(tmp, r)


def se_guarda(metodo, estado, pet, res):
    if metodo != b"GET" or estado not in (200, 203, 301, 308, 404, 410):
        return False
    if pet.get(b"authorization") is not None or pet.get(b"range") is not None:
        return False
    cc = (res.get(b"cache-control") or b"").lower()
    return b"no-store" not in cc and b"private" not in cc
