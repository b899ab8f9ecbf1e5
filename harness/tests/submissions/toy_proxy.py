"""A small caching round-robin proxy, as a team might hand it in. The tests of `harness grade` give each team a copy with one
mistake: DEFECT is replaced by its name. Only the standard library; HTTP/1.1 with one request per connection."""
import argparse
import hashlib
import os
import random
import socket
import sys
import threading
import time

DEFECT = "none"
parser = argparse.ArgumentParser()
parser.add_argument("--host", default="127.0.0.1")
parser.add_argument("--port", type=int, default=8080)
parser.add_argument("--ttl", type=float, default=60)
parser.add_argument("--backends", default="")
options = parser.parse_args()
backends = [address.rsplit(":", 1) for address in options.backends.split(",") if address]
turn, lock, memory = 0, threading.Lock(), {}
log = open("proxy.log", "a", buffering=1, encoding="utf-8")
os.makedirs("cache", exist_ok=True)


def next_backend():
    global turn
    if DEFECT in ("random", "hostile"):
        return random.choice(backends)
    if DEFECT == "first":
        return backends[0]
    with lock:
        turn += 1
        return backends[(turn - 1) % len(backends)]


def read_head(connection):
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            return data, b""
        data += piece
    head, rest = data.split(b"\r\n\r\n", 1)
    return head + b"\r\n\r\n", rest


def length_of(head):
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            return int(line.split(b":")[1])
    return None


def read_body(connection, head, rest):
    length = length_of(head)
    while length is None or len(rest) < length:
        piece = connection.recv(65536)
        if not piece:
            break
        rest += piece
    return rest


def without_connection(head):
    lines = [line for line in head[:-4].split(b"\r\n") if not line.lower().startswith((b"connection:", b"keep-alive:"))]
    return b"\r\n".join(lines) + b"\r\nConnection: close\r\n\r\n"


def file_of(target):
    return os.path.join("cache", hashlib.sha256(target).hexdigest())


def look_up(target):
    if DEFECT == "no-cache":
        return None
    try:
        if DEFECT == "memory":
            stored, answer = memory[target]
        else:
            with open(file_of(target), "rb") as source:
                stored, answer = source.read().split(b"\n", 1)
                stored = float(stored)
    except (OSError, KeyError, ValueError):
        return None
    if DEFECT != "never-expires" and time.time() - stored >= options.ttl:
        return None
    return answer


def store(target, stored, answer):
    if DEFECT == "memory":
        memory[target] = (stored, answer)
        return
    name = file_of(target)
    temporary = name + "." + str(threading.get_ident())
    with open(temporary, "wb") as sink:
        sink.write(repr(stored).encode() + b"\n" + answer)
    os.rename(temporary, name)


def serve(client):
    try:
        head, rest = read_head(client)
        if not head.strip():
            return
        method, target = head.split(b" ", 2)[:2]
        body = read_body(client, head, rest) if length_of(head) else b""
        answer = look_up(target) if method == b"GET" else None
        if answer is None:
            started = time.time()
            host, port = next_backend()
            with socket.create_connection((host, int(port)), timeout=20) as backend:
                backend.sendall(without_connection(head) + body)
                answer_head, rest = read_head(backend)
                answer = without_connection(answer_head) + read_body(backend, answer_head, rest)
            if method == b"GET" and b" 200 " in answer[:16]:
                store(target, started, answer)
        if DEFECT == "hostile" and b"readiness" not in target:
            evil = b"<script>window.evil=1</script><img src=x onerror=window.evil=2>\x1b[31m\xe2\x80\xae"
            first, others = answer.split(b"\r\n", 1)
            # Every seventh answer drowns whoever reads it.
            fields = b"X-Long: " + b"a" * 1000 + b"\r\n"
            long = fields * 10000 if target.endswith((b"7", b"77")) else b""
            answer = first + b"\r\nX-Evil: " + evil + b"\r\n" + long + others
            log.write(evil.decode() + " " + target.decode("latin-1") + "\n")
        client.sendall(answer)
        line = "%s %s -> %s %d" % (method.decode(), target.decode("latin-1"), answer[9:12].decode(), len(answer))
        log.write(line + "\n")
        print(line, flush=True)
    except OSError as error:
        print("error", error, file=sys.stderr)
    finally:
        client.close()


listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind((options.host, options.port))
listener.listen(512)
if DEFECT == "hangs":
    time.sleep(3600)
while True:
    client, _ = listener.accept()
    if DEFECT == "one-at-a-time":
        serve(client)
    else:
        threading.Thread(target=serve, args=(client,), daemon=True).start()
