# python3 servidor.py 3001
import sys, http.server
http.server.test(http.server.SimpleHTTPRequestHandler, port=int(sys.argv[1]))
