import hashlib, os, socket, sys, threading, time
from .ajustes import SERVIDORES, TTL
turno, lock = 0, threading.Lock()
CARPETA, REGISTRO = "cache", "log.txt"
os.makedirs(CARPETA, exist_ok=True)

def leer(c):
    data = b""
    while b"\r\n\r\n" not in data:
        more = c.recv(4096)
        if not more:
            return None
        data += more
    return data

def atender(c):
    global turno
    data = leer(c)
    if not data:
        c.close()
        return
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    name = os.path.join(CARPETA, hashlib.md5(lines[0]).hexdigest())
    if lines[0].startswith(b"GET") and os.path.exists(name) and time.time() - os.path.getmtime(name) < TTL:
        answer, quien = open(name, "rb").read(), "cache"
    else:
        with lock:
            host, port = SERVIDORES[turno % len(SERVIDORES)]
            turno += 1
        quien = "%s:%s" % (host, port)
        try:
            u = socket.create_connection((host, int(port)), timeout=10)
            kept = [l for l in lines[1:] if not l.lower().startswith(b"connection:")]
            u.sendall(b"\r\n".join([lines[0]] + kept + [b"Connection: close", b"", b""]) + body)
            answer = b""
            while True:
                more = u.recv(65536)
                if not more:
                    break
                answer += more
            if lines[0].startswith(b"GET") and b" 200 " in answer[:20]:
                open(name, "wb").write(answer)
        except OSError:
            answer = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"
    with lock, open(REGISTRO, "a") as f:
        f.write("%s %s %s\n" % (lines[0].decode("latin-1"), quien, answer[9:12].decode()))
    c.sendall(answer)
    c.close()

def escuchar(puerto):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("0.0.0.0", puerto))
    s.listen(50)
    while True:
        c, _ = s.accept()
        threading.Thread(target=atender, args=(c,), daemon=True).start()
