#!/usr/bin/env python3
"""python3 principal.py [--env .env] [--ttl SEG]"""
import asyncio
import sys

from pibl import config
from pibl.balanceo import RoundRobin
from pibl.cache import Cache
from pibl.proxy import Proxy
from pibl.registro import Registro


def argumentos(a):
    env, ttl = ".env", None
    while a:
        o = a.pop(0)
        if o == "--env" and a:
            env = a.pop(0)
        elif o == "--ttl" and a:
            ttl = a.pop(0)
        else:
            sys.exit(__doc__)
    return env, ttl


async def main():
    try:
        conf = config.cargar(*argumentos(sys.argv[1:]))
    except config.ConfigError as e:
        print("ERROR:", e, file=sys.stderr)
        return 2
    p = Proxy(conf, Cache(conf.cache_dir, conf.ttl), RoundRobin(conf.backends, conf.connect_timeout), Registro(conf.log))
    srv = await asyncio.start_server(p.cliente, None, conf.port, limit=1 << 18, backlog=256, reuse_address=True)
    async with srv:
        await srv.serve_forever()


if __name__ == "__main__":
    try:
        sys.exit(asyncio.run(main()))
    except KeyboardInterrupt:
        pass
