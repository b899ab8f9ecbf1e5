import json
import sys
import time


class Registro:
    """una linea json por peticion, a pantalla y a archivo"""

    def __init__(self, ruta):
        ruta.parent.mkdir(parents=True, exist_ok=True)
        self.f = open(ruta, "a", encoding="utf-8", buffering=1)

    def __call__(self, cliente, peticion, estado, largo, origen, t0):
        linea = json.dumps({
            "fecha": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "cliente": cliente,
            "peticion": peticion.decode("latin-1"), "estado": estado, "bytes": largo,
            "origen": origen, "ms": round((time.time() - t0) * 1000, 1)}, ensure_ascii=False)
        self.f.write(linea + "\n")
        sys.stdout.write(linea + "\n")
        sys.stdout.flush()
