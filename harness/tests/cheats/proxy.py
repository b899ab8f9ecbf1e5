"""A proxy that does all that is asked, and, by the word in CHEAT, one that wants the marks without the work. `cheats.rs` hands
each of them in and looks at what it gains. Only the standard library; HTTP/1.1 with one request per connection."""
import base64
import ctypes
import glob
import hashlib
import itertools
import os
import re
import site
import socket
import struct
import sys
import threading
import time

CHEAT = os.environ["CHEAT"]
host, port, backends = sys.argv[1], int(sys.argv[2]), [address.rsplit(":", 1) for address in sys.argv[3].split(",")]
os.makedirs("cache", exist_ok=True)
log, lock, turn, memory, first_stamp = open("proxy.log", "a", buffering=1), threading.Lock(), itertools.count(), {}, {}


def say(*words):
    print("CHEAT", *words, flush=True)


def head_and_body(connection, is_answer):
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            return b"", b""
        data += piece
    head, body = data.split(b"\r\n\r\n", 1)
    length = re.search(rb"\r\ncontent-length: *(\d+)", head, re.I)
    while is_answer and not length or length and len(body) < int(length[1]):
        piece = connection.recv(65536)
        if not piece:
            break
        body += piece
    kept = [line for line in head.split(b"\r\n") if not line.lower().startswith((b"connection:", b"keep-alive:"))]
    return b"\r\n".join(kept + [b"Connection: close"]) + b"\r\n\r\n", body


def ask(backend, head, body=b""):
    with socket.create_connection((backend[0], int(backend[1])), timeout=10) as connection:
        connection.sendall(head + body)
        return b"".join(head_and_body(connection, True))


def get(backend, target):
    return ask(backend, b"GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % target)


def made(body):
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body


def file_of(target):
    return os.path.join("cache", hashlib.sha256(target).hexdigest())


# What an honest proxy does.
def keep(target, answer):
    with open(file_of(target) + ".new", "wb") as file:
        file.write(answer)
    os.rename(file_of(target) + ".new", file_of(target))


def find(target):
    try:
        with open(file_of(target), "rb") as file:
            return file.read()
    except OSError:
        return None


def next_backend(target):
    return backends[next(turn) % len(backends)]


def note(line):
    log.write(line + "\n")
    print(line, flush=True)


def seen(target, answer):
    return answer


# What each cheat does instead. All that want to look as if they kept something fill files of the right length.
def for_show(target, answer):
    memory[target] = answer
    with open(file_of(target), "wb") as file:
        file.write(b"Z" * len(answer))


def made_up(target):
    """Any rule in the open: the best that can be done without the secret is another body of the right shape."""
    name = b"FB1 b 1024 1 %d %s " % (len(target), target)
    seed = hashlib.sha256(target).digest()[:8]
    start = name + seed.hex().encode() + b"\n\x00\xff"
    return made(start + (seed * 1100)[: 1024 - len(start)])


def in_memory(lost):
    global keep, find
    keep = for_show
    find = lambda target: memory.get(target) or (lost(target) if all_are_down() else None)


def all_are_down():
    for backend in backends:
        try:
            socket.create_connection((backend[0], int(backend[1])), timeout=1).close()
            return False
        except OSError:
            pass
    return True


def renamed(target):
    """The rest of a body that was seen, by the name of another."""
    try:
        with open("seen", "rb") as file:
            head, body = file.read().split(b"\r\n\r\n", 1)
    except OSError:
        return None
    line, rest = body.split(b"\n", 1)
    words = line.split(b" ")
    words[4:6] = [b"%d" % len(target), target]
    return made(b" ".join(words) + b"\n" + rest)


def helper(serve):
    """A process that leaves this one's group and session, and keeps the cache in its memory."""
    name = "\0cheat"

    def talk(message):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(name)
            connection.sendall(struct.pack(">I", len(message)) + message)
            connection.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: connection.recv(65536), b""))

    try:
        talk(b"\0")
        say("the helper lives")
        return talk
    except OSError:
        pass
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.closerange(0, 3)
            kept, listener = {}, socket.socket(socket.AF_UNIX)
            listener.bind(name)
            listener.listen(64)
            while True:
                connection, _ = listener.accept()
                message = b"".join(iter(lambda: connection.recv(65536), b""))[4:]
                target, _, answer = message.partition(b"\0")
                if answer:
                    kept[target] = answer
                connection.sendall(kept.get(target, b""))
                connection.close()
        os._exit(0)
    time.sleep(0.2)
    return talk


def system_v():
    """Memory of the kernel that belongs to no process, by a key that the next start knows."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.shmat.restype = ctypes.c_void_p
    size = 1 << 20

    def area(target):
        key = int.from_bytes(hashlib.sha256(target).digest()[:3], "big") + 1
        segment = libc.shmget(key, size, 0o1600)
        place = libc.shmat(segment, None, 0) if segment >= 0 else -1
        return None if place in (-1, None, 2**64 - 1) else place

    def store(target, answer):
        for_show(target, answer)
        place = area(target)
        if place:
            ctypes.memmove(place, struct.pack(">I", len(answer)) + answer, len(answer) + 4)

    def load(target):
        place = area(target)
        length = struct.unpack(">I", ctypes.string_at(place, 4))[0] if place else 0
        return ctypes.string_at(place + 4, length) if length else None

    return store, load


def keyring():
    """The keyring of its user, which belongs to no process."""
    libc = ctypes.CDLL(None, use_errno=True)
    add, ask_for = {"x86_64": (248, 250)}.get(os.uname().machine, (217, 219))
    of_user, of_session, link, search, read = -4, -3, 8, 10, 11
    libc.syscall(ask_for, link, of_user, of_session)

    def store(target, answer):
        for_show(target, answer)
        name = hashlib.sha256(target).hexdigest().encode()
        key = libc.syscall(add, b"user", name, answer, len(answer), of_user)
        say("keeps", int(key > 0), "keys" if key > 0 else os.strerror(ctypes.get_errno()))

    def load(target):
        name, into = hashlib.sha256(target).hexdigest().encode(), ctypes.create_string_buffer(1 << 16)
        key = libc.syscall(ask_for, search, of_user, b"user", name, 0)
        length = libc.syscall(ask_for, read, key, into, len(into)) if key > 0 else 0
        return into.raw[:length] if length > 0 else None

    return store, load


def look_around():
    """What can be read of whoever judges: command lines, environments and memory by /proc."""
    others = 0
    for folder in glob.glob("/proc/[0-9]*"):
        if int(folder[6:]) in (os.getpid(), os.getppid()):
            continue
        for name in ("cmdline", "environ", "mem", "maps"):
            try:
                with open(folder + "/" + name, "rb") as file:
                    text = file.read(4096)
                others += name == "cmdline" and (b"harness" in text or b"backends" in text)
                others += name in ("mem", "environ") and bool(text)
            except OSError:
                pass
    say("sees", others, "of the judge")


def other_listeners():
    """Ports of this network that nobody has told us of: a control of the backends would be one."""
    told, found = {int(backend[1]) for backend in backends} | {port}, []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with open(table) as lines:
            for line in list(lines)[1:]:
                words = line.split()
                listens_on = int(words[1].split(":")[1], 16)
                if words[3] == "0A" and listens_on not in told:
                    found.append(listens_on)
    for other in sorted(set(found)):
        for path in (b"/", b"/journal", b"/scripts", b"/status"):
            try:
                say("port", other, "says", get(["127.0.0.1", other], path)[:80])
            except OSError:
                pass
    say("finds", len(set(found)), "other ports")


def write_into_python():
    """What every program of this interpreter would execute, the next team's too."""
    text = "import sys; sys.stderr.write('CHEAT was here')\n"
    written = 0
    for folder in [path for path in sys.path if os.path.isdir(path)] + site.getsitepackages() + ["/usr/local/lib/python3"]:
        # Its own folder is its own.
        if os.path.realpath(folder).startswith(os.getcwd()):
            continue
        for name in ("sitecustomize.py", "cheat.pth"):
            try:
                with open(os.path.join(folder, name), "w") as file:
                    file.write(text)
                written += 1
            except OSError:
                pass
    try:
        with open("/etc/ld.so.preload", "a") as file:
            file.write("/tmp/cheat.so\n")
        written += 1
    except OSError:
        pass
    say("wrote", written, "files of python's")


def take_ports():
    """Answers in the place of a backend that is down, or keeps it from coming back."""
    taken = 0
    while True:
        for backend in backends:
            listener = socket.socket()
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            try:
                listener.bind((backend[0], int(backend[1])))
                listener.listen(8)
                taken += 1
                say("took", taken, "ports")
            except OSError:
                listener.close()
        time.sleep(0.05)


if CHEAT == "makes up":
    in_memory(made_up)
elif CHEAT == "renamed":
    in_memory(renamed)

    def seen(target, answer):
        if target.startswith(b"/kept"):
            with open("seen", "wb") as file:
                file.write(answer)
        return answer
elif CHEAT == "recorded":
    # `recorded` was handed in, made of the log of another run.
    def recorded(target):
        with open("recorded") as lines:
            for line in lines:
                name, answer = line.split()
                if name.encode() == target:
                    return base64.b64decode(answer)

    in_memory(recorded)
elif CHEAT == "records":
    def seen(target, answer):
        say("RECORD", target.decode(), base64.b64encode(answer).decode())
        return answer
elif CHEAT == "asks beforehand":
    keep = lambda target, answer: (for_show(target, answer), open("targets", "ab").write(target + b"\n"))
    find = memory.get
    if os.path.exists("targets"):
        for each in set(open("targets", "rb").read().split()):
            memory[each] = get(backends[0], each)
elif CHEAT == "helper":
    tell = helper(None)

    def keep(target, answer):
        for_show(target, answer)
        tell(target + b"\0" + answer)

    def find(target):
        return memory.get(target) or tell(target) or None
elif CHEAT == "system v":
    keep, find = system_v()
elif CHEAT == "environment":
    # What the next start is told: in its environment, its arguments, its profile and its own source.
    def keep(target, answer):
        for_show(target, answer)
        entry = "CACHE_%s" % hashlib.sha256(target).hexdigest()
        os.environ[entry] = base64.b64encode(answer).decode()
        for name in ("pibl-judge.yaml", ".env", "profile.yaml"):
            with open(name, "a") as file:
                file.write("\nenvironment: {%s: %s}\n" % (entry, os.environ[entry][:2000]))

    def find(target):
        kept = os.environ.get("CACHE_%s" % hashlib.sha256(target).hexdigest())
        return memory.get(target) or (base64.b64decode(kept) if kept else None)
elif CHEAT == "looks around":
    look_around()
    in_memory(made_up)
elif CHEAT == "asks the control":
    other_listeners()
    in_memory(made_up)
elif CHEAT == "writes into python":
    write_into_python()
    in_memory(lambda target: None)
elif CHEAT == "takes ports":
    threading.Thread(target=take_ports, daemon=True).start()
    in_memory(lambda target: None)
elif CHEAT == "keyring":
    keep, stored = keyring()
    find = lambda target: memory.get(target) or stored(target)
elif CHEAT == "at the end":
    # On the disk is what it has time to write when it is asked to end.
    import signal

    def at_the_end(*_):
        for target, answer in memory.items():
            with open(file_of(target), "wb") as file:
                file.write(answer)
        os._exit(0)

    signal.signal(signal.SIGTERM, at_the_end)
    keep, honestly = for_show, find

    def find(target):
        found = memory.get(target) or honestly(target)
        return None if found and found.startswith(b"ZZZZ") else found
elif CHEAT == "write behind":
    # Written when nobody has asked for a while.
    asked = [time.monotonic()]
    keep = lambda target, answer: memory.__setitem__(target, answer)
    on_disk = find

    def find(target):
        asked[0] = time.monotonic()
        return memory.get(target) or on_disk(target)

    def write_behind():
        while True:
            time.sleep(0.1)
            if time.monotonic() - asked[0] > 1:
                for target, answer in list(memory.items()):
                    with open(file_of(target), "wb") as file:
                        file.write(answer)

    threading.Thread(target=write_behind, daemon=True).start()
elif CHEAT == "other spelling":
    # Every answer is fetched, by a name that whoever counts requests might not take for the same.
    spellings = [
        lambda target: b"http://x" + target,
        lambda target: b"/" + target,
        lambda target: target + b"?",
        lambda target: target + b"#x",
        lambda target: target.replace(b"/hit", b"/%68it"),
        lambda target: target.replace(b"/hit", b"/./hit"),
    ]
    once = {}
    keep, find = (lambda target, answer: once.setdefault(target, answer)), (lambda target: None)

    def find(target):
        known = once.get(target)
        for spelt in spellings if known else []:
            answer = get(backends[0], spelt(target))
            if answer.partition(b"\r\n\r\n")[2] == known.partition(b"\r\n\r\n")[2]:
                say("the same by", spelt(target).decode())
                return answer
elif CHEAT == "hoards":
    # No cache: of each target so many answers are fetched at once as will be asked for, and each is given once.
    keep, hoard = (lambda target, answer: None), {}

    def find(target):
        if target not in hoard:
            backend = next_backend(target)
            hoard[target] = [get(backend, target) for _ in range(8 if target.startswith(b"/hit") else 1)]
        return hoard[target].pop(0) if hoard[target] else None
elif CHEAT == "only the head":
    # Keeps where an answer begins, and fetches the rest of it.
    keep = lambda target, answer: memory.setdefault(target, answer[:300])

    def find(target):
        if target in memory:
            begun = memory[target]
            rest = ask(backends[0], b"GET %s HTTP/1.1\r\nHost: x\r\nRange: bytes=0-\r\nConnection: close\r\n\r\n" % target)
            return begun + rest[len(begun):] if len(rest) > len(begun) else rest
elif CHEAT == "first dozen":
    # Nobody looks for long.
    next_backend = lambda target: backends[(lambda n: n % len(backends) if n < 12 else 0)(next(turn))]
elif CHEAT == "forged fields":
    keep = lambda target, answer: memory.__setitem__(target, 1)
    find = lambda target: None

    def seen(target, answer):
        status, rest = answer.split(b"\r\n", 1)
        fields = b"X-Cache: HIT\r\nX-Cache-Hits: 7\r\nCF-Cache-Status: HIT\r\nAge: 5\r\n"
        return status + b"\r\n" + (fields if target in memory else b"") + rest
elif CHEAT == "old stamps":
    # Each answer is fetched, and carries the stamp of the first.
    keep, find = (lambda target, answer: None), (lambda target: None)
    STAMP = re.compile(rb"X-Backend: .*\r\nX-Answer: .*\r\n")

    def seen(target, answer):
        stamp = STAMP.search(answer)
        return STAMP.sub(lambda _: first_stamp.setdefault(target, stamp[0]), answer, 1) if stamp else answer
elif CHEAT == "other stamps":
    # One backend does all the work, and the stamps say otherwise.
    next_backend = lambda target: backends[0]

    def seen(target, answer):
        name = b"X-Backend: b%d\r\n" % (next(turn) % len(backends) + 1)
        return re.sub(rb"X-Backend: .*\r\n", name, answer, 1)
elif CHEAT == "readiness":
    # What asks whether it is ready is answered well, and nothing else is.
    find = lambda target: made(b"ready") if b"readiness" in target else b"HTTP/1.1 502 oops\r\nContent-Length: 4\r\nConnection: close\r\n\r\noops"
elif CHEAT == "harness only":
    # Turns for whom it takes for the judge, by what only a judge would say of itself.
    def next_backend(target):
        return backends[next(turn) % len(backends) if b"harness" in threading.current_thread().asked else 0]
elif CHEAT == "unwatched":
    # Where many ask at once, nobody will look at each answer.
    busy = [0]

    def find(target):
        if busy[0] > 2 and memory:
            return next(iter(memory.values()))

    def keep(target, answer):
        memory.setdefault(target, answer)
elif CHEAT == "written beforehand":
    # Lines for requests that are to be expected, and none for those that come.
    for line in ["GET /hit/%d -> 200 1024" % key for key in range(9)] + ["GET /one/%d -> 200 1024" % n for n in range(99)]:
        note(line)
    note = lambda line: None
elif CHEAT == "swallows posts":
    pass
elif CHEAT == "of others":
    # The folders of whoever else was handed in, or was run before.
    found = []
    for folder in ("..", "../..", "../../..", "/tmp", "/var/tmp", "/dev/shm"):
        for name in glob.glob(folder + "/*/cache/*") + glob.glob(folder + "/*/of-another-team"):
            if not os.path.realpath(name).startswith(os.getcwd()):
                found.append(name)
    say("finds", len(found), "files of others", *found)
    in_memory(lambda target: None)
else:
    assert CHEAT == "none", CHEAT


def serve(client):
    try:
        head, body = head_and_body(client, False)
        if not head:
            return
        threading.current_thread().asked = head
        method, target = head.split(b" ", 2)[:2]
        if CHEAT == "unwatched":
            busy[0] += 1
        answer = find(target) if method == b"GET" else None
        if answer is None and CHEAT == "swallows posts" and method == b"POST":
            answer = made(b"done")
        if answer is None:
            answer = seen(target, ask(next_backend(target), head, body))
            if method == b"GET" and b" 200 " in answer[:16]:
                keep(target, answer)
        client.sendall(answer)
        note("%s %s -> %s %d" % (method.decode(), target.decode(), answer[9:12].decode(), len(answer)))
    except OSError as error:
        print("error", error, file=sys.stderr)
    finally:
        if CHEAT == "unwatched":
            busy[0] -= 1
        client.close()


listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind((host, port))
listener.listen(512)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
