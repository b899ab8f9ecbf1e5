from http.server import HTTPServer, SimpleHTTPRequestHandler
HTTPServer(('', 9001), SimpleHTTPRequestHandler).serve_forever()
