import asyncio
import time
from cache import Cache
import http_util as h


class Balanceador:
    def __init__(self, servidores, args):
        self.servidores = servidores
        self.args = args
        self.cache = Cache(args.cache, args.ttl)
        self.idx = 0
        self.log = open(args.log, 'a')

    async def correr(self):
        s = await asyncio.start_server(self.cliente, '0.0.0.0', self.args.puerto, limit=2**20)
        async with s:
            await s.serve_forever()

    def escribir_log(self, quien, pedido, resp, de):
        t = '%s %s "%s" => "%s" [%s]' % (time.strftime('%d/%m/%Y %H:%M:%S'), quien, pedido, resp, de)
        print(t, flush=True)
        self.log.write(t + '\n')
        self.log.flush()

    async def cliente(self, r, w):
        ip = w.get_extra_info('peername')
        ip = '%s:%s' % (ip[0], ip[1]) if ip else '?'
        try:
            while True:
                try:
                    # 60 s callado y lo echamos
                    cab = await asyncio.wait_for(r.readuntil(b'\r\n\r\n'), 60)
                except (asyncio.IncompleteReadError, asyncio.TimeoutError):
                    break
                except asyncio.LimitOverrunError:
                    w.write(h.pagina(431, 'Request Header Fields Too Large'))
                    await w.drain()
                    break
                sigue = await self.una(ip, cab, r, w)
                if not sigue:
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            w.close()

    async def una(self, ip, cab, r, w):
        """una peticion. devuelve True si la conexion sigue abierta"""
        pet = h.Peticion(cab)
        if not pet.ok:
            w.write(h.pagina(400, 'Bad Request'))
            await w.drain()
            self.escribir_log(ip, pet.linea, '400 Bad Request', 'pibl')
            return False
        if pet.campo('expect').lower() == '100-continue':
            w.write(b'HTTP/1.1 100 Continue\r\n\r\n')
            await w.drain()
        # cuerpo
        if 'chunked' in pet.campo('transfer-encoding').lower():
            cuerpo = await h.leer_chunked(r)
        elif pet.campo('content-length'):
            cuerpo = await r.readexactly(int(pet.campo('content-length')))
        else:
            cuerpo = None

        sigue = pet.quiere_seguir()
        clave = pet.campo('host') + '|' + pet.ruta
        usa_cache = pet.metodo == 'GET' and not pet.campo('authorization') and not pet.campo('range')
        if usa_cache:
            resp = self.cache.obtener(clave)
            if resp is not None:
                w.write(resp.bytes(sigue))
                await w.drain()
                self.escribir_log(ip, pet.linea, resp.linea, 'cache')
                return sigue

        resp = None
        fallo = (502, 'Bad Gateway')
        for _ in range(len(self.servidores)):
            host, puerto = self.servidores[self.idx]
            self.idx = (self.idx + 1) % len(self.servidores)
            try:
                resp = await asyncio.wait_for(self.preguntar(host, puerto, pet, cuerpo), 6)
                break
            except asyncio.TimeoutError:
                fallo = (504, 'Gateway Timeout')
            except (OSError, ValueError, IndexError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                fallo = (502, 'Bad Gateway')
            # si falla probamos con el otro
        if resp is None:
            w.write(h.pagina(*fallo, cabeza=pet.metodo == 'HEAD'))
            await w.drain()
            self.escribir_log(ip, pet.linea, '%d %s' % fallo, 'pibl')
            return False

        if usa_cache and resp.codigo in (200, 203, 301, 404) and resp.se_puede_guardar():
            self.cache.guardar(clave, resp)
        self.escribir_log(ip, pet.linea, resp.linea, '%s:%d' % (host, puerto))
        w.write(resp.bytes(sigue))
        await w.drain()
        return sigue

    async def preguntar(self, host, puerto, pet, cuerpo):
        rr, ww = await asyncio.open_connection(host, puerto, limit=2**20)
        try:
            ww.write(pet.para_backend(cuerpo))
            await ww.drain()
            while True:
                cab = await rr.readuntil(b'\r\n\r\n')
                resp = h.Respuesta(cab)
                if resp.codigo >= 200:
                    break
            if pet.metodo == 'HEAD' or resp.codigo in (204, 304):
                resp.cuerpo = None
            elif 'chunked' in resp.campo('transfer-encoding').lower():
                resp.cuerpo = await h.leer_chunked(rr)
            elif resp.campo('content-length'):
                resp.cuerpo = await rr.readexactly(int(resp.campo('content-length')))
            else:
                resp.cuerpo = await rr.read(-1)
            return resp
        finally:
            ww.close()
