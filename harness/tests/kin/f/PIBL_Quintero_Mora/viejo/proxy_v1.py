# version 1: sin cache, sin hilos (no usar)
import socket
s = socket.socket()
s.bind(("", 8080))
s.listen(5)
while True:
    c, a = s.accept()
    d = c.recv(4096)
    b = socket.create_connection(("172.31.20.11", 80))
    b.sendall(d)
    while True:
        x = b.recv(4096)
        if not x:
            break
        c.sendall(x)
    c.close()
