# primer intento en python, NO CALIFICAR
import socket, sys
def main():
    s = socket.socket(); s.bind(('0.0.0.0', 8080)); s.listen()
    while 1:
        c, _ = s.accept(); print(c.recv(4096)); c.send(b'HTTP/1.1 200 OK\r\n\r\nhola'); c.close()
main()
