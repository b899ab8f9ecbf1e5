# python3 servidor.py 9001 : aplicacion de prueba
import http.server, sys
http.server.test(http.server.SimpleHTTPRequestHandler, http.server.ThreadingHTTPServer, port=int(sys.argv[1]))
