# aplicacion de prueba (python3 servidor.py PUERTO)
import sys, http.server
http.server.test(http.server.SimpleHTTPRequestHandler, port=int(sys.argv[1]))
