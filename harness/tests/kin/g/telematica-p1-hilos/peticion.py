"""Lectura de peticiones y respuestas HTTP."""

SALTO = ("connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "expect")


class Peticion:
    def __init__(self, linea, campos, cuerpo):
        self.linea = linea
        self.metodo, self.ruta, self.version = linea.split(" ")
        self.campos = campos
        self.cuerpo = cuerpo

    def campo(self, nombre):
        for n, v in self.campos:
            if n.lower() == nombre:
                return v
        return None

    def para_backend(self):
        texto = "%s %s HTTP/1.1\r\n" % (self.metodo, self.ruta)
        for n, v in self.campos:
            if n.lower() in SALTO:
                continue
            texto += "%s: %s\r\n" % (n, v)
        texto += "Connection: close\r\n\r\n"
        return texto.encode("latin-1") + self.cuerpo


def separar(bruto):
    """cabecera en bytes -> (primera linea, lista de campos)"""
    lineas = bruto.decode("latin-1").split("\r\n")
    campos = []
    for l in lineas[1:]:
        if ":" in l:
            n, v = l.split(":", 1)
            campos.append((n, v.strip()))
    return lineas[0], campos


def leer_peticion(sock):
    """None si el cliente se fue sin terminar"""
    datos = b""
    while b"\r\n\r\n" not in datos:
        d = sock.recv(8192)
        if not d:
            return None
        datos += d
        if len(datos) > 1000000:
            return None
    cab, cuerpo = datos.split(b"\r\n\r\n", 1)
    linea, campos = separar(cab)
    if len(linea.split(" ")) != 3:
        raise ValueError(linea)
    largo = 0
    for n, v in campos:
        if n.lower() == "content-length":
            largo = int(v)
        if n.lower() == "expect" and v.lower() == "100-continue":
            sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    partes = [cuerpo]
    hay = len(cuerpo)
    while hay < largo:
        d = sock.recv(65536)
        if not d:
            return None
        partes.append(d)
        hay += len(d)
    return Peticion(linea, campos, b"".join(partes)[:largo])


class Incompleta(Exception):
    pass


def sin_trozos(datos):
    salida, i = [], 0
    while True:
        j = datos.find(b"\r\n", i)
        if j < 0:
            raise Incompleta()
        try:
            n = int(datos[i:j].split(b";")[0], 16)
        except ValueError:
            raise Incompleta()
        if n == 0:
            return b"".join(salida)
        if len(datos) < j + 2 + n + 2:
            raise Incompleta()
        salida.append(datos[j + 2:j + 2 + n])
        i = j + 2 + n + 2


class Respuesta:
    """Se arma con todo lo que mando el backend"""

    def __init__(self, bruto, metodo):
        while True:
            if b"\r\n\r\n" not in bruto:
                raise Incompleta()
            cab, cuerpo = bruto.split(b"\r\n\r\n", 1)
            linea, campos = separar(cab)
            if linea.split(" ")[1].startswith("1"):
                bruto = cuerpo
                continue
            break
        self.estado = linea.split(" ", 1)[1]
        self.codigo = int(self.estado.split(" ")[0])
        self.sin_cuerpo = metodo == "HEAD" or self.codigo in (204, 304)
        largo = None
        chunked = False
        self.campos = []
        for n, v in campos:
            if n.lower() == "transfer-encoding" and "chunked" in v.lower():
                chunked = True
            if n.lower() == "content-length":
                largo = int(v)
                if not self.sin_cuerpo:
                    continue
            if n.lower() not in SALTO:
                self.campos.append((n, v))
        if self.sin_cuerpo:
            cuerpo = b""
        elif chunked:
            cuerpo = sin_trozos(cuerpo)
        elif largo is not None:
            if len(cuerpo) < largo:
                raise Incompleta()
            cuerpo = cuerpo[:largo]
        self.cuerpo = cuerpo

    def campo(self, nombre):
        for n, v in self.campos:
            if n.lower() == nombre:
                return v
        return ""
