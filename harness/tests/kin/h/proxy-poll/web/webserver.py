# servidor web de prueba: python3 webserver.py 9001
import socket, sys
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("", int(sys.argv[1]))); s.listen(20)
while True:
    c, a = s.accept()
    d = c.recv(4096)
    b = ("<h1>servidor %s</h1>%s" % (sys.argv[1], d.split(b" ")[1].decode())).encode()
    c.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(b) + b)
    c.close()
