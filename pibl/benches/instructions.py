#!/usr/bin/env python3
"""How many instructions of user space a request costs pibl; fails if a hot path has grown beyond its limit.

    cargo build --release -p pibl && python3 pibl/benches/instructions.py        (about half a minute)

Other uses: --pibl PATH, --only hit,miss-store, --rounds 5 (how far the counts of one build lie apart), --profile DIR (keeps
callgrind's files, for callgrind_annotate), --optional (ends well, with the reason, where the counter is missing).

The real program runs under callgrind with one worker and serves requests one after the other. Each path is counted twice,
with a few requests and with many; the difference over the requests between them leaves start and end out. A machine
that is busy makes clients look slow, which costs more and never less, so a count beyond its limit is taken up to
three times and the lowest one counts: those of one build lie within 3 %, and limits are some 7 % above. A limit that a
change must exceed is raised in that change, with the reason in its message; another compiler or C library may call
for new limits, too. Everything listens on loopback and ends with the script.
"""
import argparse, os, re, shutil, signal, socket, statistics, subprocess, sys, tempfile, threading, time

FEW, MANY = 200, 1200
# path: (target, with a number of its own, extra header lines, limit in instructions per request, text)
PATHS = {
    "hit": ("/hit", False, "", 13250, "cache hit 1 KiB"),
    "hit-close": ("/hit", False, "Connection: close\r\n", 19600, "hit, new connection each time"),
    "not-modified": ("/hit", False, 'If-None-Match: "v"\r\n', 16250, "conditional request, answered 304"),
    "pass": ("/pass", False, "", 29600, "pass through 1 KiB"),
    "miss-store": ("/hit/", True, "", 60000, "miss + store on disk"),
}
BODY = b"x" * 1024


class Failed(Exception):
    """pibl or callgrind did not do what the count needs."""


def read_head(connection, pending):
    """Reads up to the end of a head; returns it and what came behind it. An end of the stream returns None."""
    while b"\r\n\r\n" not in pending:
        piece = connection.recv(65536)
        if not piece:
            return None, b""
        pending += piece
    head, _, rest = pending.partition(b"\r\n\r\n")
    return head, rest


class Origin:
    """A backend on a thread: 1 KiB, to be kept under /hit and not under /pass."""
    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            connection, _ = self.listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        pending = b""
        try:
            while True:
                head, pending = read_head(connection, pending)
                if head is None:
                    return
                kept = b"no-store" if head.startswith(b"GET /pass") else b"max-age=3600"
                connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nETag: "v"\r\nContent-Length: %d\r\n'
                                   b"Cache-Control: %s\r\n\r\n%s" % (len(BODY), kept, BODY))
        except OSError:
            pass
        finally:
            connection.close()


def ask(connection, target, extra):
    connection.sendall(f"GET {target} HTTP/1.1\r\nHost: example.test\r\nUser-Agent: count\r\nAccept: */*\r\n{extra}\r\n".encode())
    head, got = read_head(connection, b"")
    if head is None or not re.match(rb"HTTP/1.1 (200|304) ", head):
        raise Failed(f"unexpected answer {head!r}")
    length = re.search(rb"(?i)content-length: *(\d+)", head)
    want = 0 if b" 304 " in head[:13] else int(length[1])
    while len(got) < want:
        piece = connection.recv(65536)
        if not piece:
            raise Failed("the answer is not whole")
        got += piece
    return head


def connect(port):
    connection = socket.create_connection(("127.0.0.1", port), 30)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def run(binary, path, count, profile):
    """Instructions of a pibl that serves `count` requests and ends."""
    target, is_unique, extra, _, _ = PATHS[path]
    origin, port = Origin(), free_port()
    with tempfile.TemporaryDirectory(prefix="instructions-") as directory:
        log, settings = os.path.join(directory, "log"), os.path.join(directory, "settings.toml")
        with open(settings, "w") as f:
            # The thread of stdout looks every few milliseconds, which would count time instead of requests.
            f.write("log_to_stdout = false\n")
        out = os.path.join(profile or directory, f"callgrind.{path}.{count}")
        argv = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", "--fair-sched=yes", binary, "--config", settings, "--listen", "127.0.0.1",
                "--port", str(port), "--ttl", "3600s", "--workers", "1", "--dir", directory, "--backend", f"127.0.0.1:{origin.port}"]
        process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=open(log, "wb"))
        said = lambda: open(log, errors="replace").read()[-2000:]
        try:
            deadline = time.monotonic() + 60
            while True:
                try:
                    connection = connect(port)
                    break
                except OSError:
                    if process.poll() is not None or time.monotonic() > deadline:
                        raise Failed(f"pibl does not listen under valgrind: {said()}")
                    time.sleep(0.05)
            # The first answers make directories, connections and buffers that later ones find.
            for number in range(20):
                ask(connection, f"{target}w{number}" if is_unique else target, extra.replace("close", "keep-alive"))
            for number in range(count):
                if "close" in extra:
                    connection.close()
                    connection = connect(port)
                ask(connection, f"{target}{number}" if is_unique else target, extra)
            connection.close()
            process.send_signal(signal.SIGTERM)
            process.wait(60)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            origin.listener.close()
        collected = re.search(r"Collected : (\d+)", said())
        if not collected:
            raise Failed(f"callgrind did not say a count: {said()}")
        return int(collected[1])


def per_request(binary, path, profile):
    return (run(binary, path, MANY, profile) - run(binary, path, FEW, profile)) / (MANY - FEW)


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--pibl", default=os.path.join(here, "../../target/release/pibl"))
    p.add_argument("--only", default=",".join(PATHS))
    p.add_argument("--rounds", type=int, default=1)
    p.add_argument("--profile")
    p.add_argument("--optional", action="store_true")
    a = p.parse_args()
    unknown = set(a.only.split(",")) - set(PATHS)
    if unknown:
        p.error(f"no such path: {', '.join(unknown)}; there are {', '.join(PATHS)}")
    if not shutil.which("valgrind"):
        print("skipped: valgrind is not installed (on Debian: apt-get install valgrind)")
        sys.exit(0 if a.optional else 2)
    if not os.access(a.pibl, os.X_OK):
        sys.exit(f"{a.pibl} is missing: cargo build --release -p pibl")
    if a.profile:
        os.makedirs(a.profile, exist_ok=True)
    print("| path | instructions per request | limit | |")
    print("| --- | ---: | ---: | --- |", flush=True)
    grown = []
    for path in a.only.split(","):
        _, _, _, limit, text = PATHS[path]
        try:
            counts = [per_request(os.path.abspath(a.pibl), path, a.profile) for _ in range(a.rounds)]
            while min(counts) > limit and len(counts) < 3:
                counts.append(per_request(os.path.abspath(a.pibl), path, a.profile))
        except Failed as failure:
            sys.exit(f"could not count {path}: {failure}")
        count = min(counts)
        spread = f"; {len(counts)} counts, {(max(counts) - count) / count:.2%} apart" if len(counts) > 1 else ""
        if count > limit:
            grown.append(path)
        verdict = "**grown**" if count > limit else "lower the limit" if count < 0.85 * limit else "ok"
        print(f"| {text} | {count:,.0f} | {limit:,} | {verdict}{spread} |", flush=True)
    if grown:
        sys.exit(f"more instructions than the limit allows: {', '.join(grown)}; see the head of {os.path.basename(__file__)}")


if __name__ == "__main__":
    main()
