import http.server,sys
http.server.HTTPServer(("",int(sys.argv[1])),http.server.SimpleHTTPRequestHandler).serve_forever()
