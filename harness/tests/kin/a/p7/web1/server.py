import http.server
http.server.ThreadingHTTPServer(("", 7171), http.server.SimpleHTTPRequestHandler).serve_forever()
