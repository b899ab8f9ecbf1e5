# almacen.py - cache en disco. Cada recurso es un archivo:
#   linea 1: cuando se guardo   linea 2: llave   linea 3: codigo   linea 4: largo   y luego la respuesta tal cual
import os
import time
import hashlib
import threading

carpeta = 'cache'
_n = 0
_c = threading.Lock()


def preparar(c):
    global carpeta
    carpeta = c
    os.makedirs(c, exist_ok=True)
    for f in os.listdir(c):
        if f.endswith('.parcial'):       # quedaron de una caida
            os.remove(os.path.join(c, f))


def _archivo(llave):
    return os.path.join(carpeta, hashlib.sha1(llave.encode('utf-8')).hexdigest())


def buscar(llave, ttl):
    try:
        with open(_archivo(llave), 'rb') as f:
            cuando = float(f.readline())
            k = f.readline().rstrip(b'\n').decode('utf-8')
            cod = f.readline().strip().decode()
            largo = int(f.readline())
            datos = f.read()
    except (OSError, ValueError):
        return None
    if k != llave or len(datos) != largo:
        return None
    edad = time.time() - cuando
    if edad >= ttl or edad < 0:
        return None          # vencido, se reemplaza cuando llegue el nuevo
    return cod, datos, edad


def guardar(llave, cod, datos):
    global _n
    with _c:
        _n += 1
        n = _n
    destino = _archivo(llave)
    tmp = '%s.%d-%d.parcial' % (destino, os.getpid(), n)
    try:
        with open(tmp, 'wb') as f:
            f.write(('%f\n%s\n%d\n%d\n' % (time.time(), llave, cod, len(datos))).encode('utf-8'))
            f.write(datos)
        os.replace(tmp, destino)     # asi nadie ve un archivo a medias
    except OSError as e:
        print('no se pudo guardar en cache:', e)
