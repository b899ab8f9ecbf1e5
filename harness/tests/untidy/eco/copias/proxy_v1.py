# version vieja NO USAR
import socket
s = socket.socket()
s.bind(("", 8080))
s.listen(1)
while True:
    c, a = s.accept()
    d = c.recv(1024)
    b = socket.socket()
    b.connect(("127.0.0.1", 80))
    b.send(d)
    c.send(b.recv(100000))
    c.close()
