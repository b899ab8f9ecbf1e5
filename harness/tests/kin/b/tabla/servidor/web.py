# servidor de prueba del equipo
from http.server import SimpleHTTPRequestHandler, HTTPServer
import sys
HTTPServer(("", int(sys.argv[1])), SimpleHTTPRequestHandler).serve_forever()
