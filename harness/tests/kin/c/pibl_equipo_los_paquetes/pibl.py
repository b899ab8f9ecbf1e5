import socket
# version 1, borrar
s=socket.socket()
s.bind(("",8080))
s.listen(1)
c,a=s.accept()
print(c.recv(1024))
c.send(b"HTTP/1.1 200 OK\r\n\r\nhola")
c.close()
