import asyncio
import itertools


class NadieVivo(Exception):
    pass


class RoundRobin:
    def __init__(self, backends, espera):
        self.backends = backends
        self.ciclo = itertools.cycle(backends)
        self.espera = espera

    async def conectar(self):
        for _ in self.backends:
            host, port = next(self.ciclo)
            try:
                r, w = await asyncio.wait_for(asyncio.open_connection(host, port, limit=1 << 18), self.espera)
                return r, w, f"{host}:{port}"
            except (OSError, asyncio.TimeoutError):
                continue
        raise NadieVivo
