import socket
# cliente
s=socket.create_connection(("localhost",8080))
s.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
print(s.recv(4096))
