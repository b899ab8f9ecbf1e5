import socket
s = socket.create_connection(("127.0.0.1", 8080))
s.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
print(s.recv(4096).decode())
