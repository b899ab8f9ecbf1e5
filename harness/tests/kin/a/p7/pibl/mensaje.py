SALTO = ("connection", "keep-alive", "proxy-connection", "transfer-encoding", "te", "trailer", "upgrade")


class Mensaje:
    def __init__(self, primera, campos, cuerpo):
        self.primera, self.campos, self.cuerpo = primera, campos, cuerpo

    def get(self, nombre):
        for k, v in self.campos:
            if k.lower() == nombre:
                return v
        return ""

    @classmethod
    def cabeza(cls, b):
        lineas = bytes(b).decode("latin-1").split("\r\n")
        campos = []
        for l in lineas[1:]:
            k, dos, v = l.partition(":")
            if not dos:
                raise ValueError(l)
            campos.append((k.strip(), v.strip()))
        return cls(lineas[0], campos, b"")

    @classmethod
    def sacar(cls, b, respuesta_a=None, fin=False):
        """ saca un mensaje completo del buffer, o None si falta """
        while True:
            i = b.find(b"\r\n\r\n")
            if i < 0:
                if len(b) > 100000:
                    raise ValueError("cabeza larga")
                return None
            m = cls.cabeza(b[:i])
            if respuesta_a and m.primera.split(" ")[1][0:1] == "1":
                del b[:i + 4]
                continue
            break
        pos = i + 4
        if respuesta_a and (respuesta_a == "HEAD" or m.primera.split(" ")[1] in ("204", "304")):
            del b[:pos]
            return m
        if "chunked" in m.get("transfer-encoding").lower():
            trozos = []
            while True:
                j = b.find(b"\r\n", pos)
                if j < 0:
                    return None
                n = int(bytes(b[pos:j]).split(b";")[0], 16)
                if n == 0:
                    k = b.find(b"\r\n\r\n", j)
                    if k < 0:
                        return None
                    del b[:k + 4]
                    m.cuerpo = b"".join(trozos)
                    return m
                if len(b) < j + 2 + n + 2:
                    return None
                trozos.append(bytes(b[j + 2:j + 2 + n]))
                pos = j + 2 + n + 2
        if m.get("content-length"):
            n = int(m.get("content-length"))
            if len(b) < pos + n:
                return None
            m.cuerpo = bytes(b[pos:pos + n])
            del b[:pos + n]
            return m
        if respuesta_a:
            if not fin:
                return None
            m.cuerpo = bytes(b[pos:])
            return m
        del b[:pos]
        return m

    @staticmethod
    def pide_100(b):
        i = b.find(b"\r\n\r\n")
        return i > 0 and b"100-continue" in b[:i].lower() and len(b) == i + 4

    @classmethod
    def de_disco(cls, crudo):
        i = crudo.find(b"\r\n\r\n")
        m = cls.cabeza(crudo[:i])
        m.cuerpo = crudo[i + 4:]
        return m

    @classmethod
    def error(cls, codigo, razon):
        c = ("<h1>%d</h1><p>%s</p>\n" % (codigo, razon)).encode()
        return cls("HTTP/1.1 %d %s" % (codigo, razon), [("Content-Type", "text/html"), ("Content-Length", str(len(c)))], c)

    def limpiar(self, metodo):
        estado = self.primera.split(" ")[1]
        self.campos = [c for c in self.campos if c[0].lower() not in SALTO]
        if metodo != "HEAD" and estado not in ("204", "304"):
            self.campos = [c for c in self.campos if c[0].lower() != "content-length"]
            self.campos.append(("Content-Length", str(len(self.cuerpo))))

    def para_backend(self):
        campos = [c for c in self.campos if c[0].lower() not in SALTO + ("content-length", "expect")]
        p = self.primera.split(" ")
        if self.cuerpo or p[0] in ("POST", "PUT"):
            campos.append(("Content-Length", str(len(self.cuerpo))))
        campos.append(("Connection", "close"))
        return Mensaje("%s %s HTTP/1.1" % (p[0], p[1]), campos, self.cuerpo).bytes([])

    def bytes(self, extra):
        cab = self.primera + "\r\n" + "".join("%s: %s\r\n" % c for c in self.campos + extra) + "\r\n"
        return cab.encode("latin-1") + self.cuerpo
