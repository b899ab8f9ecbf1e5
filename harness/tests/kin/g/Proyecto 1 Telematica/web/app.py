# servidor web de prueba:  python3 app.py 9001
import http.server, sys
class H(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/quien":
            d = ("soy el servidor %s\n" % sys.argv[1]).encode()
            self.send_response(200); self.send_header("Content-Length", str(len(d))); self.end_headers()
            self.wfile.write(d)
        else:
            super().do_GET()
http.server.ThreadingHTTPServer(("0.0.0.0", int(sys.argv[1])), H).serve_forever()
