SALTO = ("connection", "keep-alive", "proxy-connection", "transfer-encoding", "te", "trailer", "upgrade")


def leer_cabeza(sock, datos):
    while b"\r\n\r\n" not in datos:
        d = sock.recv(8192)
        if not d:
            return None, b""
        datos += d
    cabeza, resto = datos.split(b"\r\n\r\n", 1)
    return cabeza.decode("latin-1").split("\r\n"), resto


def obtener(cabeza, nombre):
    for l in cabeza[1:]:
        k, _, v = l.partition(":")
        if k.strip().lower() == nombre:
            return v.strip()
    return ""


def sin_salto(lineas):
    return [l for l in lineas if l.split(":")[0].strip().lower() not in SALTO]


def leer_cuerpo(sock, cabeza, datos, hasta_cierre=False):
    """None si el cuerpo llego incompleto"""
    if "chunked" in obtener(cabeza, "transfer-encoding").lower():
        cuerpo = b""
        while True:
            while b"\r\n" not in datos:
                d = sock.recv(65536)
                if not d:
                    return None
                datos += d
            linea, datos = datos.split(b"\r\n", 1)
            n = int(linea.split(b";")[0], 16)
            while len(datos) < n + 2:
                d = sock.recv(65536)
                if not d:
                    return None
                datos += d
            if n == 0:
                while datos[:2] != b"\r\n":      # trailers
                    while b"\r\n" not in datos:
                        d = sock.recv(65536)
                        if not d:
                            return None
                        datos += d
                    datos = datos.split(b"\r\n", 1)[1]
                    while len(datos) < 2:
                        d = sock.recv(65536)
                        if not d:
                            return None
                        datos += d
                return cuerpo
            cuerpo += datos[:n]
            datos = datos[n + 2:]
    largo = obtener(cabeza, "content-length")
    if largo:
        partes = [datos]
        n = len(datos)
        while n < int(largo):
            d = sock.recv(65536)
            if not d:
                return None
            partes.append(d)
            n += len(d)
        return b"".join(partes)[:int(largo)]
    if hasta_cierre:
        partes = [datos]
        while True:
            d = sock.recv(65536)
            if not d:
                return b"".join(partes)
            partes.append(d)
    return b""
