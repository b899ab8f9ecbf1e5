import asyncio, sys
async def c(r, w):
    l = await r.readuntil(b'\r\n\r\n')
    b = b'soy ' + sys.argv[1].encode() + b' ' + l.split(b' ')[1] + b'\n'
    w.write(b'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n' % len(b) + b)
    await w.drain(); w.close()
async def m():
    s = await asyncio.start_server(c, '127.0.0.1', int(sys.argv[1]))
    await s.serve_forever()
asyncio.run(m())
