from http.server import *
import sys
# los tres servidores: python3 servidorcito.py 3001
HTTPServer(("",int(sys.argv[1])),SimpleHTTPRequestHandler).serve_forever()
