import asyncio, sys
async def h(r, w):
    await r.readuntil(b"\r\n\r\n")
    b = b"hello from " + sys.argv[1].encode()
    w.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(b) + b)
    await w.drain(); w.close()
async def m():
    s = await asyncio.start_server(h, "127.0.0.1", int(sys.argv[1]))
    await s.serve_forever()
asyncio.run(m())
