# A first proxy, as somebody writes it in an afternoon: its configuration in JSON, its TTL in seconds on the command line.
import hashlib
import json
import os
import socket
import sys
import threading
import time

CONFIG = json.load(open("config.json"))
TTL = int(sys.argv[1]) if len(sys.argv) > 1 else 60
turn, lock = 0, threading.Lock()
os.makedirs("cache", exist_ok=True)


def log(line):
    print(line, flush=True)
    with lock, open("proxy.log", "a") as file:
        file.write(line + "\n")


def receive(connection, request):
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(4096)
        if not part:
            return data
        data += part
    head, body = data.split(b"\r\n\r\n", 1)
    length = 0 if request else None
    for line in head.split(b"\r\n")[1:]:
        name, value = line.split(b":", 1)
        if name.lower() == b"content-length":
            length = int(value)
    while length is None or len(body) < length:
        part = connection.recv(65536)
        if not part:
            break
        body += part
    return head + b"\r\n\r\n" + body


def serve(client):
    global turn
    request = receive(client, True)
    method, target = request.split(b" ")[:2]
    path = os.path.join("cache", hashlib.md5(target).hexdigest())
    if method == b"GET" and os.path.exists(path) and time.time() - os.path.getmtime(path) < TTL:
        answer = open(path, "rb").read()
    else:
        with lock:
            backend = CONFIG["backends"][turn % len(CONFIG["backends"])]
            turn += 1
        upstream = socket.create_connection((backend["host"], backend["port"]))
        head, body = request.split(b"\r\n\r\n", 1)
        upstream.sendall(head + b"\r\nConnection: close\r\n\r\n" + body)
        answer = receive(upstream, False)
        upstream.close()
        if method == b"GET":
            open(path, "wb").write(answer)
    client.sendall(answer)
    client.close()
    log("%s %s -> %d bytes" % (method.decode(), target.decode(), len(answer)))


server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind((CONFIG.get("host", ""), CONFIG["port"]))
server.listen(100)
while True:
    threading.Thread(target=serve, args=(server.accept()[0],)).start()
