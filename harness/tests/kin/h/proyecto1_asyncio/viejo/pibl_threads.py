# version con hilos, la dejamos por si acaso (NO tiene cache)
import socket, threading
B = [("127.0.0.1", 9001), ("127.0.0.1", 9002), ("127.0.0.1", 9003)]
i = 0
def h(c):
    global i
    s = socket.create_connection(B[i % 3]); i += 1
    s.sendall(c.recv(4096)); c.sendall(s.recv(100000)); c.close()
if __name__ == "__main__":
    s = socket.socket(); s.bind(("", 8080)); s.listen(5)
    while 1: threading.Thread(target=h, args=(s.accept()[0],)).start()
