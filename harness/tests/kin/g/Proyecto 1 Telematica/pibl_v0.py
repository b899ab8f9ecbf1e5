# primera version, solo reenvia. NO USAR
import socket
s = socket.socket(); s.bind(("", 8080)); s.listen(5)
while True:
    c, a = s.accept()
    d = c.recv(4096)
    b = socket.create_connection(("127.0.0.1", 9001))
    b.send(d)
    c.send(b.recv(65536))
    b.close(); c.close()
