import socket
s = socket.create_connection(("localhost", 8080))
s.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
print(s.recv(4000))
