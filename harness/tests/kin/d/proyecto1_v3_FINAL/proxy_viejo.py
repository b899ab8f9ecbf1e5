# NO USAR, version 1 (semana 5) solo un servidor, sin cache
import socket
s = socket.socket()
s.bind(("", 8080)); s.listen(5)
while True:
    c, a = s.accept()
    d = c.recv(1024)
    b = socket.socket(); b.connect(("localhost", 9001)); b.send(d)
    c.send(b.recv(1024))
    c.close()
