import http.server
http.server.ThreadingHTTPServer(("", 7172), http.server.SimpleHTTPRequestHandler).serve_forever()
