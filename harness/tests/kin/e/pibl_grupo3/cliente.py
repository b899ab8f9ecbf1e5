import socket, sys
s = socket.create_connection(('127.0.0.1', int(sys.argv[1]) if len(sys.argv) > 1 else 8080))
s.sendall(b'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
while True:
    d = s.recv(1000)
    if not d: break
    print(d)
