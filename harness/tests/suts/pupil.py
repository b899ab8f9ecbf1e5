"""A proxy as a student might hand it in: Python 3, threads, only os, socket, sys, threading and time.

Without a word in PUPIL_DEFECT it does what the assignment asks. With one it makes exactly that mistake; the mistakes are those
that real submissions make. It is test material for the judge, made to be read, not to be fast.

    python3 pupil.py PORT TTL_MS BACKEND...
"""
import os
import socket
import sys
import threading
import time

DEFECT = os.environ.get("PUPIL_DEFECT", "none")
PORT, TTL, BACKENDS = int(sys.argv[1]), int(sys.argv[2]) / 1000, sys.argv[3:]
turn, lock = [0], threading.Lock()
logfile = open("proxy.log", "a", buffering=1) if DEFECT != "no-log-file" else None
if DEFECT == "log-at-exit":
    logfile = open("proxy.log", "a", buffering=1 << 20)
if DEFECT == "first-two-backends":
    BACKENDS = BACKENDS[:2]
if DEFECT == "three-backends":
    BACKENDS = BACKENDS[:3]
os.makedirs("cache", exist_ok=True)


def log(line):
    """On the screen and in the file."""
    if DEFECT == "log-without-answers" and line.startswith("answer"):
        return
    with lock:
        if DEFECT != "no-stdout":
            print(line, flush=True)
        if logfile:
            logfile.write(line + "\n")


def head_of(sock, data=b""):
    """Reads until the empty line; what came beyond it too."""
    while b"\r\n\r\n" not in data:
        piece = sock.recv(4096)
        if not piece:
            return None, data
        data += piece
        if DEFECT == "first-recv-only":
            break
    head, _, rest = data.partition(b"\r\n\r\n")
    return head, rest


def field(head, name):
    for line in head.split(b"\r\n")[1:]:
        key, _, value = line.partition(b":")
        if key.strip().lower() == name:
            return value.strip()
    return None


def chunks_of(sock, rest):
    """A chunked body, decoded."""
    body = b""
    while True:
        while b"\r\n" not in rest:
            piece = sock.recv(65536)
            if not piece:
                raise OSError("cut in a chunk")
            rest += piece
        size, _, rest = rest.partition(b"\r\n")
        size = int(size.split(b";")[0], 16)
        while len(rest) < size + 2:
            piece = sock.recv(65536)
            if not piece:
                raise OSError("cut in a chunk")
            rest += piece
        if size == 0:
            return body
        body, rest = body + rest[:size], rest[size + 2:]


def exactly(sock, rest, length):
    while len(rest) < length:
        piece = sock.recv(65536)
        if not piece:
            raise OSError("cut short")
        rest += piece
    return rest[:length]


def body_of(sock, head, rest, request):
    if (field(head, b"transfer-encoding") or b"").lower() == b"chunked":
        if request and DEFECT == "ignores-chunked-requests":
            return b""
        return chunks_of(sock, rest)
    length = field(head, b"content-length")
    if request:
        if DEFECT == "first-recv-only":
            return rest[:int(length or 0)]
        if DEFECT == "body-up-to-a-buffer":
            return exactly(sock, rest, min(int(length or 0), 4096))
        return exactly(sock, rest, int(length or 0))
    if length is not None and DEFECT != "waits-for-close":
        return exactly(sock, rest, int(length))
    while True:
        piece = sock.recv(65536)
        if not piece:
            return rest
        rest += piece


def ask(backend, method, target, head, body):
    """One request to one backend: status line and fields, body."""
    host, port = backend.split(":")
    with socket.create_connection((host, int(port)), timeout=10) as upstream:
        lines = [b"%s %s HTTP/1.1" % (method, target)]
        for line in head.split(b"\r\n")[1:]:
            name = line.partition(b":")[0].strip().lower()
            if name in (b"connection", b"content-length", b"transfer-encoding", b"keep-alive"):
                continue
            if DEFECT == "drops-fields" and name not in (b"host", b"user-agent", b"accept"):
                continue
            lines.append(line)
        if body or method in (b"POST", b"PUT", b"PATCH"):
            lines.append(b"Content-Length: %d" % (len(body) if DEFECT != "body-up-to-a-buffer" else int(field(head, b"content-length"))))
        lines.append(b"Connection: close")
        message = b"\r\n".join(lines) + b"\r\n\r\n" + body
        if DEFECT == "pads-with-nul":
            message += b"\0" * 16
        upstream.sendall(message)
        answer, rest = head_of(upstream)
        while answer is not None and answer.split(b" ")[1].startswith(b"1"):
            answer, rest = head_of(upstream, rest)
        if answer is None or not answer.startswith(b"HTTP/1."):
            raise OSError("no answer")
        status = answer.split(b" ")[1]
        if (method == b"HEAD" and DEFECT != "waits-for-body-of-head") or status in (b"204", b"304"):
            return answer, b""
        return answer, body_of(upstream, answer, rest, False)


def file_of(target):
    name = target.replace(b"/", b"_") if DEFECT == "slash-to-underscore" else target.hex().encode()
    if DEFECT == "drops-query":
        name = target.partition(b"?")[0].hex().encode()
    if DEFECT == "lower-case-key":
        name = target.lower().hex().encode()
    return b"cache/" + name[:200]


def look_up(target):
    try:
        with open(file_of(target), "rb") as file:
            stored, _, answer = file.read().partition(b"\n")
    except OSError:
        return None
    if time.time() - float(stored) > TTL:
        return None
    head, _, body = answer.partition(b"\r\n\r\n")
    return head, body


def store(target, head, body):
    if DEFECT == "stores-four-kilobytes":
        body = body[:4096]
    if DEFECT == "one-byte-more":
        body += b"!"
    temporary = file_of(target) + b".%d" % threading.get_ident()
    with open(temporary, "wb") as file:
        file.write(b"%f\n" % time.time() + head + b"\r\n\r\n" + body)
    os.replace(temporary, file_of(target))


def may_keep(request, answer):
    if DEFECT == "keeps-everything":
        return True
    control = (field(answer, b"cache-control") or b"").lower()
    secret = field(request, b"authorization") is not None
    return answer.split(b" ")[1] == b"200" and not secret and b"no-store" not in control and b"private" not in control


def forward(method, target, head, body):
    with lock:
        first = turn[0]
        turn[0] += 1
    tries = 1 if DEFECT in ("no-retry", "hangs-on-dead-backend", "dies-of-dead-backend") else len(BACKENDS)
    for offset in range(tries):
        try:
            return ask(BACKENDS[(first + offset) % len(BACKENDS)], method, target, head, body)
        except (OSError, ValueError, IndexError):
            if DEFECT == "dies-of-dead-backend":
                os._exit(1)
            if DEFECT == "hangs-on-dead-backend":
                time.sleep(3600)
    return b"HTTP/1.1 502 Bad Gateway", b"bad gateway\n"


def serve(client):
    client.settimeout(30)
    head, rest = head_of(client)
    if not head:
        if DEFECT == "dies-of-bare-connect":
            os._exit(1)
        return
    method, target, _ = head.split(b"\r\n")[0].split(b" ")
    if DEFECT == "drops-query-on-the-way":
        target = target.partition(b"?")[0]
    if DEFECT == "hangs-everywhere" and not target.startswith(b"/harness-readiness"):
        time.sleep(3600)
    body = body_of(client, head, rest, True)
    log("request %s %s" % (method.decode(), target.decode("latin-1")))
    found = look_up(target) if method == b"GET" or DEFECT == "post-from-cache" else None
    answer, content = found or forward(method, target, head, body)
    if not found and method == b"GET" and may_keep(head, answer):
        store(target, answer, content)
    if not (found and DEFECT == "hits-not-logged"):
        log("answer %s %s %d" % (target.decode("latin-1"), answer.split(b" ")[1].decode(), len(content)))
    lines = [line for line in answer.split(b"\r\n")
             if line.partition(b":")[0].lower() not in (b"content-length", b"transfer-encoding", b"connection", b"keep-alive")]
    if DEFECT == "drops-answer-fields":
        lines = lines[:1]
    if method == b"HEAD" or answer.split(b" ")[1] in (b"204", b"304"):
        content = b"" if DEFECT != "body-to-head" else b"a body"
    else:
        lines.append(b"Content-Length: %d" % len(content))
    if DEFECT == "status-always-200":
        lines[0] = b"HTTP/1.1 200 OK"
    if DEFECT == "cut-at-64k":
        content = content[:65536]
    if DEFECT == "cut-at-nul" and method == b"GET":
        content = content.split(b"\0")[0]
    try:
        client.sendall(b"\r\n".join(lines) + b"\r\nConnection: close\r\n\r\n" + content)
    except OSError:
        if DEFECT == "dies-of-leaving-client":
            os._exit(141)
    if DEFECT == "spins-after-leaving":
        threading.Thread(target=lambda: [None for _ in iter(int, 1)], daemon=True).start()


def one(client):
    with client:
        try:
            serve(client)
            # The client is given time to take the answer: closing with unread bytes would reset it.
            client.shutdown(socket.SHUT_WR)
        except (OSError, ValueError, IndexError) as error:
            log("problem %s" % error)


with socket.socket() as listener:
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", PORT))
    listener.listen(128)
    while True:
        client, _ = listener.accept()
        if DEFECT == "one-after-the-other":
            one(client)
        else:
            threading.Thread(target=one, args=(client,), daemon=True).start()
