#!/usr/bin/env python3
"""PIBL reverse proxy - asyncio version.

    usage: python3 src/main.py [--ttl-min 5] [--env .env]
"""
import argparse
import asyncio
import contextlib
import os
import sys
import time

from cache import Cache
from settings import load

HOP = {"connection", "keep-alive", "proxy-connection", "transfer-encoding", "te", "trailer", "upgrade"}
CHUNK = 32 * 1024
BACKEND_TIMEOUT = 8
IDLE = 60


class BadRequest(Exception): ...
class BadGateway(Exception): ...


class Head:
    def __init__(self, raw: bytes):
        first, *rest = raw.decode("latin-1").rstrip("\r\n").split("\r\n")
        self.first = first
        self.fields = []
        for line in rest:
            name, sep, value = line.partition(":")
            if not sep or name != name.strip():
                raise ValueError("bad field " + line)
            self.fields.append((name, value.strip()))

    def get(self, name, default=None):
        values = [v for k, v in self.fields if k.lower() == name]
        return ", ".join(values) if values else default

    def clean(self, *more):
        named = {t.strip().lower() for t in (self.get("connection") or "").split(",")}
        return [(k, v) for k, v in self.fields if k.lower() not in HOP | named | set(more)]


def dump(first, fields):
    return (first + "\r\n" + "".join(f"{k}: {v}\r\n" for k, v in fields) + "\r\n").encode("latin-1")


async def read_body(r, head, eof=False):
    """the whole body, whatever way it is framed"""
    if "chunked" in (head.get("transfer-encoding") or "").lower():
        out = bytearray()
        while True:
            n = int((await r.readuntil(b"\r\n")).split(b";")[0], 16)
            if n == 0:
                while await r.readuntil(b"\r\n") != b"\r\n":
                    pass
                return bytes(out)
            out += await r.readexactly(n)
            await r.readexactly(2)
    if (n := head.get("content-length")) is not None:
        return await r.readexactly(int(n))
    return await r.read() if eof else b""


class Proxy:
    def __init__(self, cfg, ttl):
        self.cfg = cfg
        self.backends = cfg.backends
        self.turn = 0
        self.cache = Cache("pibl_cache.db", ttl)
        # buffered, but we flush it for each line
        self.logfile = open(cfg.logfile, "a", buffering=8192, encoding="utf-8")

    def log(self, peer, first, status, size, src, t0):
        line = "%s %s \"%s\" -> \"%s\" %dB %s %.1fms" % (
            time.strftime("%d/%b/%Y:%H:%M:%S"), peer, first, status, size, src, (time.perf_counter() - t0) * 1000)
        print(line, flush=True)
        self.logfile.write(line + "\n")
        self.logfile.flush()

    def next(self):
        # only one thread here: no lock
        b = self.backends[self.turn]
        self.turn = (self.turn + 1) % len(self.backends)
        return b

    async def ask(self, method, message):
        for _ in self.backends:
            host, port = self.next()
            try:
                r, w = await asyncio.wait_for(asyncio.open_connection(host, port, limit=1 << 17), 2)
            except (OSError, asyncio.TimeoutError):
                continue
            try:
                w.write(message)
                await w.drain()
                while True:
                    head = Head(await r.readuntil(b"\r\n\r\n"))
                    status = int(head.first.split()[1])
                    if status >= 200:
                        break
                if method == "HEAD" or status in (204, 304):
                    return head.first, head.clean(), b"", f"{host}:{port}"
                body = await read_body(r, head, eof=True)
                fields = head.clean("content-length") + [("Content-Length", str(len(body)))]
                return head.first, fields, body, f"{host}:{port}"
            except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError, ValueError, IndexError) as e:
                raise BadGateway(repr(e))
            finally:
                w.close()
        raise BadGateway("all backends down")

    def error(self, code, reason, why=""):
        body = f"{code} {reason} {why}\n".encode()
        return f"HTTP/1.1 {code} {reason}", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))], body, "-"

    async def answer(self, head, body):
        method, target, _ = head.first.split(" ")
        cacheable = (method == "GET" and not head.get("authorization") and not head.get("range")
                     and "no-store" not in (head.get("cache-control") or ""))
        key = f"GET {(head.get('host') or '').lower()} {target}"
        if cacheable:
            hit = await asyncio.to_thread(self.cache.get, key)
            if hit:
                h = Head(hit[0])
                return h.first, h.fields + [("X-Cache", "HIT"), ("Age", str(hit[2]))], hit[1], "CACHE"
        fields = head.clean("content-length", "expect")
        if body or method in ("POST", "PUT", "PATCH"):
            fields.append(("Content-Length", str(len(body))))
        fields += [("Connection", "close"), ("X-Forwarded-Proto", "http")]
        first, fields, out, src = await asyncio.wait_for(
            self.ask(method, dump(f"{method} {target} HTTP/1.1", fields) + body), BACKEND_TIMEOUT)
        names = {k.lower(): v.lower() for k, v in fields}
        cc = names.get("cache-control", "")
        if (cacheable and first.split()[1] == "200" and "no-store" not in cc and "private" not in cc
                and "vary" not in names and "set-cookie" not in names):
            await asyncio.to_thread(self.cache.put, key, dump(first, fields), out)
        return first, fields, out, src

    async def client(self, r, w):
        t0 = time.perf_counter()
        peer = "%s:%s" % w.get_extra_info("peername")[:2]
        first = "-"
        try:
            try:
                head = Head(await asyncio.wait_for(r.readuntil(b"\r\n\r\n"), IDLE))
                first = head.first
                if len(first.split(" ")) != 3:
                    raise BadRequest("request line")
                if (head.get("expect") or "").lower() == "100-continue":
                    w.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                body = await asyncio.wait_for(read_body(r, head), IDLE)
                status, fields, out, src = await self.answer(head, body)
            except asyncio.IncompleteReadError as e:
                if not e.partial and first == "-":
                    return
                status, fields, out, src = self.error(400, "Bad Request")
            except asyncio.TimeoutError:
                code = (408, "Request Timeout") if first == "-" else (504, "Gateway Timeout")
                status, fields, out, src = self.error(*code)
            except (BadRequest, ValueError, asyncio.LimitOverrunError) as e:
                status, fields, out, src = self.error(400, "Bad Request", str(e))
            except BadGateway as e:
                status, fields, out, src = self.error(502, "Bad Gateway", str(e))
            if first.startswith("HEAD "):
                out = b""
            self.log(peer, first, status, len(out), src, t0)
            # we always close, it is simpler
            w.write(dump(status, fields + [("Connection", "close")]))
            for i in range(0, len(out), CHUNK):
                w.write(out[i:i + CHUNK])
                await w.drain()
        except ConnectionError:
            pass
        finally:
            with contextlib.suppress(Exception):
                w.close()
                await w.wait_closed()


async def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--ttl-min", type=float, default=5.0, help="TTL of the cache, in MINUTES")
    ap.add_argument("--env", default=".env")
    args = ap.parse_args()
    cfg = load(args.env)
    proxy = Proxy(cfg, args.ttl_min * 60)
    server = await asyncio.start_server(proxy.client, "0.0.0.0", cfg.port, backlog=256, limit=1 << 17)
    print(f"listening on {cfg.port}, backends {cfg.backends}", flush=True)
    async with server:
        await server.serve_forever()

if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
