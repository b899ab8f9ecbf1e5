# con urllib no se podia pasar el POST... se cambio por http.client
import urllib.request, http.server
class H(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        r = urllib.request.urlopen("http://127.0.0.1:9001" + self.path)
        self.send_response(r.status); self.end_headers(); self.wfile.write(r.read())
http.server.HTTPServer(("", 8080), H).serve_forever()
