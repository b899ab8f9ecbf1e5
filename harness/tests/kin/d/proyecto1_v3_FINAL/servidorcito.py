# servidor web de prueba, sacado de un tutorial
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
p = int(sys.argv[1])
class H(BaseHTTPRequestHandler):
    def do_GET(self):
        b = ("<h1>hola desde %d</h1> %s" % (p, self.path)).encode()
        self.send_response(200); self.send_header("Content-Type", "text/html"); self.send_header("Content-Length", str(len(b)))
        self.end_headers(); self.wfile.write(b)
HTTPServer(("127.0.0.1", p), H).serve_forever()
