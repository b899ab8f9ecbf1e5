# viejo viejo
import http.server
class P(http.server.SimpleHTTPRequestHandler):
    pass
