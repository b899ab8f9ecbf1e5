import socket
# primera entrega, NO USAR
s = socket.socket()
s.bind(("", 8080))
s.listen(1)
while True:
    c, a = s.accept()
    d = c.recv(1024)
    b = socket.create_connection(("127.0.0.1", 7101))
    b.sendall(d)
    c.sendall(b.recv(4096))
    c.close()
