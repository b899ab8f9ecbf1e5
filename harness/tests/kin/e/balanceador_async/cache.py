import os
import time
import itertools


class Cache:
    """cache en disco. el indice es un diccionario clave -> (archivo, hora, cabecera)"""

    def __init__(self, carpeta, ttl):
        self.carpeta = carpeta
        self.ttl = ttl
        self.indice = {}
        self.num = itertools.count(1)
        os.makedirs(carpeta, exist_ok=True)

    def obtener(self, clave):
        e = self.indice.get(clave)
        if e is None:
            return None
        archivo, hora, resp = e
        if time.time() - hora > self.ttl:
            del self.indice[clave]
            try:
                os.unlink(archivo)
            except OSError:
                pass
            return None
        try:
            with open(archivo, 'rb') as f:
                resp.cuerpo = f.read()
        except OSError:
            return None
        # se acaba de usar, se renueva (LRU)
        self.indice[clave] = (archivo, time.time(), resp)
        return resp

    def guardar(self, clave, resp):
        archivo = os.path.join(self.carpeta, 'recurso_%06d.bin' % next(self.num))
        with open(archivo, 'wb') as f:
            f.write(resp.cuerpo or b'')
        self.indice[clave] = (archivo, time.time(), resp)
