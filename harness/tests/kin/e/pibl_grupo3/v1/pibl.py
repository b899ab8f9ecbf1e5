# version vieja, NO USAR. sin cache
import socket, threading
B=[('127.0.0.1',9001),('127.0.0.1',9002)]
i=0
def f(c):
    global i
    s=socket.create_connection(B[i%2]); i+=1
    s.send(c.recv(1024))
    while 1:
        d=s.recv(1024)
        if not d: break
        c.send(d)
    c.close()
l=socket.socket(); l.bind(('',8080)); l.listen(5)
while 1: threading.Thread(target=f,args=(l.accept()[0],)).start()
