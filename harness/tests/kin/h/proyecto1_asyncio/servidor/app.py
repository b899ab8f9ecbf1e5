import sys, socket, threading
def uno(c):
    d = c.recv(8192)
    b = b"hola, soy " + sys.argv[1].encode() + b"\n"
    c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(b) + b)
    c.close()
s = socket.socket(); s.bind(("", int(sys.argv[1]))); s.listen()
while True:
    threading.Thread(target=uno, args=(s.accept()[0],)).start()
