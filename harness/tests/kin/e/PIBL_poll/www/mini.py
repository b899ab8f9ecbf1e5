#!/usr/bin/python3
# web de prueba
import http.server,sys,os
os.chdir(os.path.dirname(os.path.abspath(__file__)))
http.server.test(http.server.SimpleHTTPRequestHandler, http.server.ThreadingHTTPServer, "HTTP/1.1", int(sys.argv[1]), "127.0.0.1")
