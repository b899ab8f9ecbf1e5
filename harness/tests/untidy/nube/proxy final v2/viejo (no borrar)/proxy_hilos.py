# primera entrega, con hilos. Se cambio a asyncio
import socket, threading
def f(c):
    s = socket.create_connection(("127.0.0.1", 9001))
    s.sendall(c.recv(4096)); c.sendall(s.recv(1 << 20)); c.close()
l = socket.create_server(("", 8080))
while True:
    c, _ = l.accept(); threading.Thread(target=f, args=(c,)).start()
