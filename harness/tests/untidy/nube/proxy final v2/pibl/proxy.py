import asyncio
import time

from .balanceo import NadieVivo
from .cache import se_guarda
from .mensajes import Malformado, cuerpo, leer_cabeza


class Proxy:
    def __init__(self, conf, cache, rr, log):
        self.conf, self.cache, self.rr, self.log = conf, cache, rr, log

    async def cliente(self, r, w):
        quien = (w.get_extra_info("peername") or ("?",))[0]
        try:
            while await self.una(r, w, quien):
                pass
        except Malformado:
            w.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            pass
        finally:
            w.close()

    async def fallo(self, w, quien, pet, estado, razon, t0):
        txt = f"<h1>{estado} {razon}</h1>\n".encode()
        w.write(b"HTTP/1.1 %d %s\r\nContent-Type: text/html\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
                % (estado, razon.encode(), len(txt)))
        if not pet.primera.startswith(b"HEAD "):
            w.write(txt)
        self.log(quien, pet.primera, estado, len(txt), "proxy", t0)
        await w.drain()
        return False

    async def una(self, r, w, quien):
        """one exchange. True => la conexion sigue"""
        pet = await leer_cabeza(r)
        if pet is None:
            return False
        t0 = time.time()
        try:
            metodo, target, version = pet.primera.split(b" ")
        except ValueError:
            raise Malformado(pet.primera)
        con = (pet.get(b"connection") or b"").lower()
        sigue = b"close" not in con if version == b"HTTP/1.1" else b"keep-alive" in con
        if (pet.get(b"expect") or b"").lower() == b"100-continue":
            w.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            pet.campos = [c for c in pet.campos if c[0].lower() != b"expect"]
        datos = b"".join([p async for p in cuerpo(r, pet)])

        if metodo == b"GET":
            h = self.cache.get(target)
            if h:
                cab, c, estado = h
                w.write(cab[:-2] + (b"" if sigue else b"Connection: close\r\n") + b"\r\n")
                w.write(c)
                self.log(quien, pet.primera, estado, len(c), "cache", t0)
                await w.drain()
                return sigue
        try:
            br, bw, nombre = await self.rr.conectar()
        except NadieVivo:
            return await self.fallo(w, quien, pet, 503, "Service Unavailable", t0)
        try:
            return await self.reenviar(w, quien, pet, datos, metodo, target, sigue, br, bw, nombre, t0)
        finally:
            bw.close()

    async def reenviar(self, w, quien, pet, datos, metodo, target, sigue, br, bw, nombre, t0):
        espera = self.conf.read_timeout
        try:
            bw.write(pet.salida(b"close"))
            bw.write(datos)
            await bw.drain()
            res = await asyncio.wait_for(leer_cabeza(br), espera)
            while res and res.primera.split(b" ")[1][:1] == b"1":
                res = await asyncio.wait_for(leer_cabeza(br), espera)
        except asyncio.TimeoutError:
            return await self.fallo(w, quien, pet, 504, "Gateway Timeout", t0)
        except (OSError, Malformado):
            res = None
        if res is None:
            return await self.fallo(w, quien, pet, 502, "Bad Gateway", t0)
        estado = int(res.primera.split(b" ")[1])
        sin_cuerpo = metodo == b"HEAD" or estado in (204, 304)
        eof = not sin_cuerpo and not res.chunked and res.largo is None
        if eof:
            sigue = False
        w.write(res.salida(None if sigue else b"close"))
        guardar = [] if se_guarda(metodo, estado, pet, res) else None
        n = 0
        ultimo = b""      # el ultimo pedazo sale despues de guardar
        if not sin_cuerpo:
            it = cuerpo(br, res, True)
            while True:
                try:
                    d = await asyncio.wait_for(anext(it), espera)
                except StopAsyncIteration:
                    break
                except (asyncio.IncompleteReadError, asyncio.TimeoutError, OSError, ValueError):
                    # el servidor corto en la mitad: no se guarda
                    w.write(ultimo)
                    self.log(quien, pet.primera, estado, n, nombre + " (cortado)", t0)
                    return False
                n += len(d)
                if guardar is not None:
                    guardar.append(d)
                w.write(ultimo)
                ultimo = d
                await w.drain()
        if guardar is not None:
            self.cache.put(target, estado, res.salida(), b"".join(guardar))
        w.write(ultimo)
        self.log(quien, pet.primera, estado, n, nombre, t0)
        await w.drain()
        return sigue
