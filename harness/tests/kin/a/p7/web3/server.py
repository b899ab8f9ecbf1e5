import http.server
http.server.ThreadingHTTPServer(("", 7173), http.server.SimpleHTTPRequestHandler).serve_forever()
