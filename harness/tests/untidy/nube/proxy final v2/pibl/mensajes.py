import asyncio

HOP = {b"connection", b"keep-alive", b"proxy-connection"}


class Malformado(Exception):
    pass


class Cabeza:
    """First line + fields, en el orden en que llegaron"""

    def __init__(self, crudo):
        ls = crudo.rstrip(b"\r\n").split(b"\r\n")
        self.primera = ls[0]
        self.campos = []
        for l in ls[1:]:
            k, ok, v = l.partition(b":")
            if not ok:
                raise Malformado(l)
            self.campos.append((k, v.strip(), l))

    def get(self, nombre):
        vs = [v for k, v, _ in self.campos if k.strip().lower() == nombre]
        return b", ".join(vs) if vs else None

    def salida(self, conexion=None):
        out = [self.primera] + [l for k, _, l in self.campos if k.strip().lower() not in HOP]
        if conexion:
            out.append(b"Connection: " + conexion)
        return b"\r\n".join(out) + b"\r\n\r\n"

    @property
    def chunked(self):
        return b"chunked" in (self.get(b"transfer-encoding") or b"").lower()

    @property
    def largo(self):
        v = self.get(b"content-length")
        if v is None:
            return None
        try:
            return int(v)
        except ValueError:
            raise Malformado(b"content-length")


async def leer_cabeza(r):
    """None si el otro cerro sin mandar nada"""
    try:
        crudo = await r.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as e:
        if not e.partial.strip():
            return None
        raise Malformado(b"cabeza cortada")
    except asyncio.LimitOverrunError:
        raise Malformado(b"cabeza muy larga")
    return Cabeza(crudo.lstrip(b"\r\n"))


async def cuerpo(r, cab, hasta_eof=False):
    """async generator con los pedazos del cuerpo, crudos"""
    if cab.chunked:
        while True:
            l = await r.readuntil(b"\r\n")
            n = int(l.split(b";")[0], 16)
            if n == 0:
                while l != b"\r\n":
                    yield l
                    l = await r.readuntil(b"\r\n")
                yield l
                return
            yield l
            n += 2
            while n:
                d = await r.read(min(n, 65536))
                if not d:
                    raise asyncio.IncompleteReadError(b"", n)
                n -= len(d)
                yield d
    elif cab.largo is not None:
        n = cab.largo
        while n:
            d = await r.read(min(n, 65536))
            if not d:
                raise asyncio.IncompleteReadError(b"", n)
            n -= len(d)
            yield d
    elif hasta_eof:
        while d := await r.read(65536):
            yield d
