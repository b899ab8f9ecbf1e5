import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
s.sendall(b"GET " + sys.argv[2].encode() + b" HTTP/1.1\r\nHost: prueba\r\n\r\n")
while True:
    d = s.recv(4096)
    if not d:
        break
    sys.stdout.buffer.write(d)
