"""A proxy with everything in its source and a menu: what adapters of submissions must cope with. No cache."""
import socket
import threading

import settings

if input("1) start  2) quit: ").strip() != "1":
    raise SystemExit("bye")
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("0.0.0.0", settings.PORT))
listener.listen(64)
print("listening, ttl", settings.TTL, open("motto.txt").read())
turn, lock = 0, threading.Lock()


def serve(client):
    global turn
    request = b""
    while b"\r\n\r\n" not in request:
        data = client.recv(4096)
        if not data:
            return
        request += data
    line, rest = request.split(b"\r\n", 1)
    method, target, _ = line.split(b" ")
    # It routes by name and by folder, and knows no other.
    if b"Host: www.pibl.test" not in rest or not target.startswith(b"http://www.pibl.test/app/"):
        client.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        return
    with lock:
        server = settings.SERVERS[turn % len(settings.SERVERS)]
        turn += 1
    upstream = socket.create_connection((server, settings.SERVER_PORT), 5)
    upstream.sendall(method + b" " + target[len(b"http://www.pibl.test"):] + b" HTTP/1.0\r\nHost: x\r\n\r\n")
    while True:
        data = upstream.recv(65536)
        if not data:
            break
        client.sendall(data)
    print(line, "->", server, flush=True)


def guarded(client):
    with client:
        try:
            serve(client)
        except OSError:
            pass


while True:
    threading.Thread(target=guarded, args=(listener.accept()[0],), daemon=True).start()
