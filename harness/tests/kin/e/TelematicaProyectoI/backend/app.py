# aplicacion de prueba: python app.py 8001
import sys
from http.server import *
class A(BaseHTTPRequestHandler):
    def do_GET(self):
        t = ('<h1>Hola desde %s</h1><p>%s</p>' % (sys.argv[1], self.path)).encode()
        self.send_response(200); self.send_header('Content-Type','text/html; charset=utf-8')
        self.send_header('Content-Length', str(len(t))); self.end_headers(); self.wfile.write(t)
HTTPServer(('127.0.0.1', int(sys.argv[1])), A).serve_forever()
