# utilidades de http. no usamos http.client porque no es async

SALTO = {'connection', 'keep-alive', 'transfer-encoding', 'proxy-connection', 'upgrade', 'te', 'expect', 'content-length'}


class Mensaje:
    def __init__(self, cab):
        lineas = cab[:-4].decode('latin-1').split('\r\n')
        self.linea = lineas[0]
        self.campos = []
        for l in lineas[1:]:
            a, dp, b = l.partition(':')
            if dp:
                self.campos.append((a.strip(), b.strip()))

    def campo(self, nombre):
        for a, b in self.campos:
            if a.lower() == nombre:
                return b
        return ''

    def _cab(self, primera, extra):
        s = primera + '\r\n'
        for a, b in self.campos:
            if a.lower() not in SALTO:
                s += a + ': ' + b + '\r\n'
        for a, b in extra:
            s += a + ': ' + b + '\r\n'
        return (s + '\r\n').encode('latin-1')


class Peticion(Mensaje):
    def __init__(self, cab):
        super().__init__(cab)
        p = self.linea.split(' ')
        self.ok = len(p) == 3 and p[2].startswith('HTTP/1')
        if self.ok:
            self.metodo, self.ruta, self.version = p
            n = self.campo('content-length')
            self.ok = n == '' or n.isdigit()

    def quiere_seguir(self):
        c = self.campo('connection').lower()
        if self.version == 'HTTP/1.0':
            return False
        return 'close' not in c

    def para_backend(self, cuerpo):
        extra = [('Connection', 'close')]
        if cuerpo is not None:
            extra.append(('Content-Length', str(len(cuerpo))))
        return self._cab('%s %s HTTP/1.1' % (self.metodo, self.ruta), extra) + (cuerpo or b'')


class Respuesta(Mensaje):
    def __init__(self, cab):
        super().__init__(cab)
        self.codigo = int(self.linea.split(' ')[1])
        self.cuerpo = None

    def se_puede_guardar(self):
        c = self.campo('cache-control').lower()
        return 'no-store' not in c and 'private' not in c

    def bytes(self, sigue):
        extra = [('Connection', 'keep-alive' if sigue else 'close')]
        if self.cuerpo is not None:
            extra.append(('Content-Length', str(len(self.cuerpo))))
        elif self.campo('content-length'):      # HEAD
            extra.append(('Content-Length', self.campo('content-length')))
        p = self.linea.split(' ', 1)
        return self._cab('HTTP/1.1 ' + p[1], extra) + (self.cuerpo or b'')


async def leer_chunked(r):
    todo = bytearray()
    while True:
        l = await r.readuntil(b'\n')
        n = int(l.split(b';')[0], 16)
        if n == 0:
            while (await r.readuntil(b'\n')).strip():
                pass
            return bytes(todo)
        todo += await r.readexactly(n)
        await r.readuntil(b'\n')


def pagina(cod, txt, cabeza=False):
    b = ('<h1>%d</h1><p>%s</p>' % (cod, txt)).encode()
    return ('HTTP/1.1 %d %s\r\nContent-Type: text/html\r\nContent-Length: %d\r\nConnection: close\r\n\r\n'
            % (cod, txt, len(b))).encode() + (b'' if cabeza else b)
