import socket, _thread
def f(c):
    r = c.recv(8192)
    s = socket.socket(); s.connect(("10.0.0.21", 80)); s.send(r)
    while 1:
        x = s.recv(8192)
        if len(x) == 0: break
        c.send(x)
    c.close(); s.close()
l = socket.socket(); l.bind(("", 8080)); l.listen(1)
while 1:
    c, a = l.accept(); _thread.start_new_thread(f, (c,))
