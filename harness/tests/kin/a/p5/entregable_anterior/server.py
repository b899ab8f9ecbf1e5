from http.server import *
HTTPServer(("", 8080), SimpleHTTPRequestHandler).serve_forever()
