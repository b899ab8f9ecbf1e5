"""servidor de la aplicacion: python3 servidor_web.py 9001"""
import functools, http.server, sys
h = functools.partial(http.server.SimpleHTTPRequestHandler, directory="pagina")
http.server.ThreadingHTTPServer(("", int(sys.argv[1])), h).serve_forever()
