"""cliente con sockets: python3 cliente.py /ruta"""
import socket, sys
s = socket.create_connection(("127.0.0.1", 8080))
s.sendall(("GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n" % sys.argv[1]).encode())
while True:
    d = s.recv(4096)
    if not d:
        break
    sys.stdout.buffer.write(d)
