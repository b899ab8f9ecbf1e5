import sys, http.server
http.server.test(http.server.SimpleHTTPRequestHandler, port=int(sys.argv[1]))
