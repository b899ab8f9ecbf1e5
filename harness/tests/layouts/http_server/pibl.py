import http.client, itertools, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BACKENDS = itertools.cycle(["localhost:9001", "localhost:9002", "localhost:9003"])
CACHE_SECONDS = 120
guardado, lock = {}, threading.Lock()

class Manejador(BaseHTTPRequestHandler):
    def do_GET(self):
        with lock:
            entrada = guardado.get(self.path)
        if not entrada or time.time() - entrada[0] > CACHE_SECONDS:
            with lock:
                host = next(BACKENDS)
            c = http.client.HTTPConnection(host, timeout=10)
            c.request("GET", self.path, headers=dict(self.headers))
            r = c.getresponse()
            entrada = (time.time(), r.status, r.getheaders(), r.read())
            with lock:
                guardado[self.path] = entrada
        self.send_response(entrada[1])
        for k, v in entrada[2]:
            if k.lower() not in ("connection", "content-length", "transfer-encoding"):
                self.send_header(k, v)
        self.send_header("Content-Length", str(len(entrada[3])))
        self.end_headers()
        self.wfile.write(entrada[3])

ThreadingHTTPServer(("", 8000), Manejador).serve_forever()
