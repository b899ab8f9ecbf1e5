#!/usr/bin/env python3
"""What a request costs in pibl and in nginx, side by side, as one Markdown table.

    cargo build --release -p pibl && python3 pibl/benches/speed_table.py        (seven to eight minutes)

Other uses: --only hit-1k,latency (some of the rows), --rounds, --seconds, --haproxy (a third proxy), --pibl PATH (another
binary), --versus PATH (a second pibl in the place of nginx, to try a change).

Needs wrk, nginx and taskset. The proxy runs on CPU 0 with one worker; the load generator and the origin (one nginx
worker, three ports) share CPU 1. The order of the proxies flips from round to round; figures are medians over the
rounds, and a ratio is the median of the ratios within each round, with the extremes of the rounds behind it (for 8 rounds
they cover the median in 99 %). A goal is met or missed if all rounds agree, and otherwise open. Cost is the scheduler's run time (`/proc/*/task/*/schedstat`) of the proxy's processes
over the requests that wrk counted. Latency counts from the instant at which a request was due. Everything listens on
loopback and ends with the script.
"""
import argparse, collections, ctypes, gc, os, platform, re, resource, select, shutil, signal, socket, statistics, subprocess, sys
import tempfile, time

CONNECTIONS = 64
FIXED_RATE = 4000
IDLE_CONNECTIONS = 5000
# name: (path, extra wrk arguments, text, the goal as a ratio to nginx)
WORKS = {
    "hit-1k": ("/hit/1k", [], "cache hit 1 KiB", 9 / 11.6),
    "hit-100k": ("/hit/100k", [], "cache hit 100 KiB", 31 / 42),
    "pass-1k": ("/pass/1k", [], "pass through 1 KiB", 14 / 14.8),
    "pass-100k": ("/pass/100k", [], "pass through 100 KiB", 55 / 72),
    "miss-store": ("unique", [], "miss + store on disk, every URL new", 38 / 62),
    "miss-shm": ("unique", [], "the same, files in memory (tmpfs)", 38 / 62),
    "hit-close": ("/hit/1k", ["-H", "Connection: close"], "hit, new connection each time", 24 / 25),
}
# Measured besides: other rows of the table.
OTHERS = ["workers", "latency", "idle"]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def program(name):
    return shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/usr/local/sbin")


class Failed(Exception):
    """A proxy or the origin did not start or did not answer as it must."""


def started(make, attempts=5):
    """Starts something that is told its port. Between choosing a free port and its use another program may take it."""
    for attempt in range(attempts):
        try:
            return make()
        except Failed:
            if attempt + 1 == attempts:
                raise


def wait_for(port, process, log):
    deadline = time.monotonic() + 10
    while True:
        time.sleep(0.02)
        if process.poll() is not None:
            raise Failed(f"{process.args[3]} ended with status {process.returncode}: {open(log, errors='replace').read()[-800:]}")
        try:
            return socket.create_connection(("127.0.0.1", port), 0.2).close()
        except OSError:
            if time.monotonic() > deadline:
                process.kill(); process.wait()
                raise Failed(f"{process.args[3]} does not listen after 10 s: {open(log, errors='replace').read()[-800:]}")


def end(process):
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill(); process.wait()


def temporary_paths(root):
    return " ".join(f"{k}_temp_path {root}/t-{k};" for k in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))


class Origin:
    """One nginx worker that is three backends."""
    def __init__(self, root):
        self.root = tempfile.mkdtemp(prefix="origin-", dir=root)
        os.chmod(self.root, 0o755)
        self.ports = [free_port() for _ in range(3)]
        for name, size in (("1k", 1024), ("100k", 102400)):
            with open(os.path.join(self.root, name), "wb") as f:
                f.write(os.urandom(size))
        for p in self.ports:
            # nginx's worker, perhaps another user, opens these files itself.
            with open(os.path.join(self.root, f"turn-{p}"), "w") as f:
                os.fchmod(f.fileno(), 0o666)
        listens = " ".join(f"listen 127.0.0.1:{p} backlog=4096;" for p in self.ports)
        path = os.path.join(self.root, "origin.conf")
        with open(path, "w") as f:
            f.write(f"""
worker_processes 1; daemon off; pid {self.root}/pid; error_log {self.root}/err;
events {{ worker_connections 4096; }}
http {{ access_log off; keepalive_requests 100000000; keepalive_timeout 600s; sendfile on; open_file_cache max=100;
  log_format turn $request; {temporary_paths(self.root)}
  server {{ {listens} root {self.root};
    location /hit/ {{ alias {self.root}/; add_header Cache-Control max-age=3600; }}
    location /pass/ {{ alias {self.root}/; add_header Cache-Control no-store; }}
    location /turn/ {{ access_log {self.root}/turn-$server_port turn; add_header Cache-Control no-store; return 200; }}
    location /u/ {{ rewrite ^ /hit/1k last; }}
  }} }}
""")
        log = os.path.join(self.root, "stdout")
        self.process = subprocess.Popen(["taskset", "-c", "1", program("nginx"), "-p", self.root, "-c", path],
                                        stdout=open(log, "wb"), stderr=subprocess.STDOUT)
        wait_for(self.ports[0], self.process, log)

    def turns(self):
        """How many requests each port has had that were to be counted."""
        return [sum(1 for _ in open(os.path.join(self.root, f"turn-{p}"), "rb")) for p in self.ports]


def nginx_config(root, port, origin):
    servers = " ".join(f"server 127.0.0.1:{p};" for p in origin.ports)
    return f"""
worker_processes 1; daemon off; pid {root}/n.pid; error_log {root}/n.err;
events {{ worker_connections 12000; }}
http {{ access_log {root}/access.log; keepalive_requests 100000000; keepalive_timeout 600s; sendfile on; tcp_nopush on;
  {temporary_paths(root)}
  proxy_cache_path {root}/cache levels=2 keys_zone=z:200m max_size=20g inactive=60m use_temp_path=off;
  open_file_cache max=10000;
  upstream o {{ {servers} keepalive 64; keepalive_requests 100000000; }}
  server {{ listen 127.0.0.1:{port} backlog=4096; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;
    location / {{ proxy_pass http://o; proxy_cache z; }}
    # With tcp_nopush its last segment of a large file waits 40 ms for an acknowledgment; small ones are cheaper with it.
    location /hit/100k {{ proxy_pass http://o; proxy_cache z; tcp_nopush off; }}
    location /pass/ {{ proxy_pass http://o; }}
    location /turn/ {{ proxy_pass http://o; }}
  }} }}
"""


def haproxy_config(port, origin):
    servers = "\n".join(f"  server s{p} 127.0.0.1:{p}" for p in origin.ports)
    return f"""
global
  nbthread 1
  maxconn 9000
  log stdout format raw local0
cache c
  total-max-size 512
  max-object-size 1000000
  max-age 3600
defaults
  mode http
  log global
  option httplog
  timeout client 600s
  timeout server 60s
  timeout connect 5s
  http-reuse always
frontend f
  bind 127.0.0.1:{port}
  acl pass path_beg /pass/
  use_backend p if pass
  default_backend b
backend b
  http-request cache-use c
  http-response cache-store c
{servers}
backend p
{servers}
"""


class Proxy:
    """A running proxy: `kind` is nginx, haproxy or the path of a pibl."""
    def __init__(self, kind, root, origin, workers=1, cpus="0"):
        self.port = free_port()
        self.root = tempfile.mkdtemp(prefix="proxy-", dir=root)
        os.chmod(self.root, 0o755)
        path = os.path.join(self.root, "config")
        if kind == "nginx":
            text, argv = nginx_config(self.root, self.port, origin), [program("nginx"), "-p", self.root, "-c", path]
        elif kind == "haproxy":
            text, argv = haproxy_config(self.port, origin), [program("haproxy"), "-f", path]
        else:
            text = ""
            argv = [kind, "--listen", "127.0.0.1", "--port", str(self.port), "--ttl", "3600s", "--workers", str(workers),
                    "--dir", self.root] + [a for p in origin.ports for a in ("--backend", f"127.0.0.1:{p}")]
        with open(path, "w") as f:
            f.write(text)
        log = os.path.join(self.root, "stdout")
        self.process = subprocess.Popen(["taskset", "-c", cpus] + argv, stdout=open(log, "wb"), stderr=subprocess.STDOUT, cwd=self.root)
        wait_for(self.port, self.process, log)

    def tree(self):
        pids, todo = [], [self.process.pid]
        while todo:
            pid = todo.pop()
            pids.append(pid)
            try:
                for task in os.listdir(f"/proc/{pid}/task"):
                    todo += [int(c) for c in open(f"/proc/{pid}/task/{task}/children").read().split()]
            except OSError:
                pass
        return pids

    def cpu_ns(self):
        total = 0
        for pid in self.tree():
            for task in os.listdir(f"/proc/{pid}/task"):
                try:
                    total += int(open(f"/proc/{pid}/task/{task}/schedstat").read().split()[0])
                except OSError:
                    pass
        return total

    def resident_kib(self):
        lines = [l for pid in self.tree() for l in open(f"/proc/{pid}/smaps_rollup")]
        return sum(int(l.split()[1]) for l in lines if l.startswith("Pss:"))

    def stored_files(self):
        return sum(len(names) for _, _, names in os.walk(os.path.join(self.root, "cache")))

    def stop(self):
        end(self.process)
        shutil.rmtree(self.root, ignore_errors=True)


Round = collections.namedtuple("Round", "cost rate busy wrong")


def wrk(proxy, path, extra, seconds, lua):
    """One run of the load generator, and how many requests it counted."""
    for attempt in range(3):
        result, count, said = wrk_once(proxy, path, extra, seconds, lua)
        if count:
            return result, count
        # On a machine that stands still for a second nothing may get through.
        time.sleep(1)
    raise Failed(f"no request succeeded in three runs: {said}")


def wrk_once(proxy, path, extra, seconds, lua):
    argv = ["taskset", "-c", "1", program("wrk"), "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s"] + extra
    url = f"http://127.0.0.1:{proxy.port}"
    if path == "unique":
        with open(lua, "w") as f:
            f.write(f"local n=0\nlocal p='/u/{time.time_ns()}/'\nrequest=function() n=n+1; return wrk.format('GET', p..n) end\n")
        argv += ["-s", lua, url]
    else:
        argv.append(url + path)
    cpu, wall = proxy.cpu_ns(), time.monotonic_ns()
    done = subprocess.run(argv, capture_output=True, text=True, timeout=seconds + 30)
    cpu, wall = proxy.cpu_ns() - cpu, time.monotonic_ns() - wall
    count = re.search(r"(\d+) requests in", done.stdout)
    if not count or int(count[1]) == 0:
        return None, 0, done.stdout + done.stderr
    wrong = sum(map(int, re.findall(r"Non-2xx or 3xx responses: (\d+)", done.stdout)))
    wrong += sum(int(n) for l in done.stdout.splitlines() if "Socket errors" in l for n in re.findall(r"\d+", l))
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)[1])
    return Round(cpu / 1000 / int(count[1]), rate, cpu / wall, wrong), int(count[1]), ""


class Bench:
    def __init__(self, a, root):
        self.a, self.root, self.lua = a, root, os.path.join(root, "unique.lua")
        # A disk that others use, too, makes its row a matter of luck; this shows what the proxies themselves do.
        self.in_memory = tempfile.mkdtemp(prefix="speed-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
        os.chmod(self.in_memory, 0o755)
        self.origin = started(lambda: Origin(root))
        self.kinds = {"nginx": a.versus or "nginx", "pibl": os.path.abspath(a.pibl)}
        if a.haproxy:
            self.kinds["haproxy"] = "haproxy"

    def start(self, kind, root=None, **how):
        return started(lambda: Proxy(kind, root or self.root, self.origin, **how))

    def interleaved(self, names, once):
        """`rounds` results of once(name) for each name, the order flipped from round to round."""
        seen = {name: [] for name in names}
        for r in range(self.a.rounds):
            for name in names if r % 2 == 0 else names[::-1]:
                seen[name].append(once(name))
        return seen

    def with_proxies(self, variants, once):
        """Starts the proxies, runs the rounds and ends them. `variants`: name -> (kind, how it is started);
        `once(proxy, seconds)` measures, and warms up before the first round."""
        running = {}
        try:
            for name, (kind, how) in variants.items():
                running[name] = self.start(kind, **how)
            for name in variants:
                once(running[name], 1)
            return self.interleaved(list(variants), lambda name: once(running[name], self.a.seconds))
        finally:
            for proxy in running.values():
                proxy.stop()

    def work(self, work):
        path, extra, _, _ = WORKS[work]
        if path != "unique":
            return self.with_proxies({n: (k, {}) for n, k in self.kinds.items()},
                                     lambda proxy, seconds: wrk(proxy, path, extra, seconds, self.lua)[0])

        def fresh(name):
            # Each round starts on an empty directory, as a disk that fills up would turn misses that are stored into
            # ones that are not; the round before it makes the 256 directories that both use.
            proxy = self.start(self.kinds[name], root=self.in_memory if work == "miss-shm" else None)
            try:
                _, before = wrk(proxy, path, extra, 1, self.lua)
                result, count = wrk(proxy, path, extra, self.a.seconds, self.lua)
                files = proxy.stored_files()
                if name != "haproxy" and files < 0.99 * (before + count):
                    raise Failed(f"{name} stored {files} of {before + count} responses")
                return result
            finally:
                proxy.stop()
        return self.interleaved(list(self.kinds), fresh)

    def workers(self, work):
        path, extra, _, _ = WORKS[work]
        pibl = self.kinds["pibl"]
        return self.with_proxies({"one": (pibl, {"cpus": "0,1"}), "two": (pibl, {"workers": 2, "cpus": "0,1"})},
                                 lambda proxy, seconds: wrk(proxy, path, extra, seconds, self.lua)[0])

    def spread(self):
        """Requests that each backend got from two workers under load, once all is quiet."""
        proxy = self.start(self.kinds["pibl"], workers=2, cpus="0,1")
        try:
            before = self.origin.turns()
            wrk(proxy, "/turn/", [], 2, self.lua)
            time.sleep(0.5)
            spread = [after - b for after, b in zip(self.origin.turns(), before)]
            if not all(spread):
                raise Failed(f"the backends counted {spread} requests")
            return spread
        finally:
            proxy.stop()

    def latency(self, path):
        return self.with_proxies({n: (k, {}) for n, k in self.kinds.items()},
                                 lambda proxy, seconds: at_fixed_rate(proxy, path, seconds))

    def idle(self):
        def once(name):
            proxy = self.start(self.kinds[name])
            try:
                idle_memory(proxy, 200)
                return idle_memory(proxy, IDLE_CONNECTIONS)
            finally:
                proxy.stop()
        rounds, self.a.rounds = self.a.rounds, min(self.a.rounds, 3)
        try:
            return self.interleaved(list(self.kinds), once)
        finally:
            self.a.rounds = rounds


def request(path):
    return f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()


def read_response(s):
    """Reads one response with a Content-Length; returns its length in bytes."""
    got = b""
    while True:
        head = got.find(b"\r\n\r\n")
        if head >= 0:
            length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", got[:head + 2])
            if not got.startswith(b"HTTP/1.1 200") or not length:
                raise Failed(f"unexpected answer {got[:200]!r}")
            if len(got) >= head + 4 + int(length[1]):
                return len(got)
        piece = s.recv(65536)
        if not piece:
            raise Failed("closed before its answer was whole")
        got += piece


Latency = collections.namedtuple("Latency", "p50 p99 lag50 lag99")


def at_fixed_rate(proxy, path, seconds):
    """Sends FIXED_RATE requests a second, each when it is due and whatever became of those before. Milliseconds."""
    ctypes.CDLL(None).prctl(29, 1, 0, 0, 0)  # PR_SET_TIMERSLACK: wake up when due, not up to 50 µs later.
    os.sched_setaffinity(0, {1})
    message, idle = request(path), collections.deque()
    for _ in range(CONNECTIONS):
        s = socket.create_connection(("127.0.0.1", proxy.port), 5)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        s.sendall(message)
        read_response(s)
        idle.append(s)
    every, busy, lags, latencies = 1 / FIXED_RATE, {}, [], []
    clock = time.perf_counter
    gc.disable()
    try:
        due = clock() + 0.05
        last = due + seconds
        while due < last or busy:
            now = clock()
            while due <= now and due < last and idle:
                s = idle.popleft()
                s.send(message)
                busy[s] = [due, 0]
                lags.append(clock() - due)
                due += every
            if now > last + 10:
                raise Failed("an answer is missing after 10 s")
            wait = max(0, due - clock()) if due < last and idle else 1
            for s in select.select(list(busy), [], [], wait)[0]:
                piece = s.recv(65536)
                if not piece:
                    raise Failed("closed under load")
                state = busy[s]
                # Lengths of heads vary (Age); the body ends an answer, and nothing follows it.
                if not state[1]:
                    head = piece.find(b"\r\n\r\n")
                    length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", piece)
                    if head < 0 or not length:
                        raise Failed(f"unexpected answer {piece[:200]!r}")
                    state[1] = head + 4 + int(length[1])
                state[1] -= len(piece)
                if state[1] <= 0:
                    latencies.append(clock() - state[0])
                    del busy[s]
                    idle.append(s)
    finally:
        gc.enable()
        os.sched_setaffinity(0, set(range(os.cpu_count())))
        for s in list(idle) + list(busy):
            s.close()
    latencies.sort(); lags.sort()
    at = lambda values, q: values[min(len(values) - 1, int(q * len(values)))] * 1000
    return Latency(at(latencies, 0.5), at(latencies, 0.99), at(lags, 0.5), at(lags, 0.99))


def idle_memory(proxy, count):
    """KiB of the proxy's memory per connection that has had one answer and stays open."""
    before, sockets = proxy.resident_kib(), []
    try:
        for _ in range(count):
            s = socket.create_connection(("127.0.0.1", proxy.port), 5)
            sockets.append(s)
            s.sendall(request("/hit/1k"))
            read_response(s)
        time.sleep(1.5)
        return (proxy.resident_kib() - before) / count
    finally:
        for s in sockets:
            s.close()


median = statistics.median


def ratios(ours, theirs):
    each = sorted(o / t for o, t in zip(ours, theirs))
    return each, f"{median(each):.2f} ({each[0]:.2f}–{each[-1]:.2f})"


def judged(each, goal):
    """Met or missed if every round says so; open if they differ, with what the median says."""
    if each[-1] <= goal:
        return "yes"
    if each[0] > goal:
        return "**no**"
    return "open, median within" if median(each) <= goal else "open, median beyond"


def row(text, theirs, ours, ratio, goal, met, notes):
    print(f"| {text} | {theirs} | {ours} | {ratio} | {goal} | {met} | {notes} |", flush=True)


def work_row(bench, work):
    seen = bench.work(work)
    cost = {n: [r.cost for r in rounds] for n, rounds in seen.items()}
    each, text = ratios(cost["pibl"], cost["nginx"])
    rates, _ = ratios([r.rate for r in seen["pibl"]], [r.rate for r in seen["nginx"]])
    notes = f"{median(r.rate for r in seen['pibl']) / 1000:.1f}k/s, x{median(rates):.2f}; busy {median(r.busy for r in seen['pibl']):.0%}"
    if "haproxy" in cost:
        notes += f"; HAProxy {median(cost['haproxy']):.1f} µs"
    wrong = {n: sum(r.wrong for r in rounds) for n, rounds in seen.items()}
    if any(wrong.values()):
        notes += f"; **errors {wrong}**"
    goal = WORKS[work][3]
    row(WORKS[work][2] + ", µs", f"{median(cost['nginx']):.1f}", f"{median(cost['pibl']):.1f}", text, f"{goal:.2f}", judged(each, goal), notes)


def workers_rows(bench):
    for work in ("hit-1k", "pass-1k"):
        seen = bench.workers(work)
        cost = {n: [r.cost for r in rounds] for n, rounds in seen.items()}
        each, text = ratios(cost["two"], cost["one"])
        row(f"{WORKS[work][2]}, `--workers 2` to 1, µs", f"{median(cost['one']):.1f} (1)", f"{median(cost['two']):.1f} (2)", text, "1.10",
            judged(each, 1.1), f"{median(r.rate for r in seen['two']) / 1000:.1f}k/s; both workers and wrk on two CPUs")
    spread = bench.spread()
    row("requests per backend, `--workers 2`", "", " ".join(map(str, spread)), f"max − min {max(spread) - min(spread)}", "≤ 1",
        judged([max(spread) - min(spread)], 1), "round robin, counted at the backends when all was quiet")


def latency_rows(bench):
    for path, text in (("/hit/1k", "hit"), ("/pass/1k", "pass")):
        seen = bench.latency(path)
        for q in ("p50", "p99"):
            ours, theirs = ([getattr(r, q) for r in seen[n]] for n in ("pibl", "nginx"))
            each, ratio = ratios(ours, theirs)
            lag = median(getattr(r, "lag" + q[1:]) for r in seen["pibl"] + seen["nginx"])
            # A generator that is late itself measures the machine.
            met = "not measurable here" if lag > 0.2 * median(theirs) else judged(each, 1)
            row(f"{text} 1 KiB at {FIXED_RATE:,}/s, {q}, ms", f"{median(theirs):.3f}", f"{median(ours):.3f}", ratio, "1.00", met,
                f"sent late by {lag:.3f} ms")


def idle_row(bench):
    seen = bench.idle()
    ours, theirs = median(seen["pibl"]), median(seen["nginx"])
    row("memory per idle connection, KiB", f"{theirs:.2f}", f"{ours:.2f}", f"{ours / theirs:.2f}" if theirs > 0 else "", "≤ 1 KiB", judged(sorted(seen["pibl"]), 1),
        f"{IDLE_CONNECTIONS:,} connections, each after one hit")


def cpu_seconds():
    """Seconds of CPU time that all programs together have used."""
    ticks = list(map(int, open("/proc/stat").readline().split()[1:9]))
    return (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")


def machine():
    model = re.search(r"model name\s*: (.*)", open("/proc/cpuinfo").read())
    nginx = subprocess.run([program("nginx"), "-v"], capture_output=True, text=True).stderr.strip().split("/")[-1]
    return f"{os.cpu_count()} × {model[1] if model else platform.machine()}, Linux {platform.release()}, nginx {nginx}"


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--rounds", type=int, default=8)
    p.add_argument("--seconds", type=int, default=2)
    p.add_argument("--only", default=",".join([*WORKS, *OTHERS]))
    p.add_argument("--pibl", default=os.path.join(here, "../../target/release/pibl"))
    p.add_argument("--versus", help="a second pibl, in the column of nginx")
    p.add_argument("--haproxy", action="store_true")
    a = p.parse_args()
    only = a.only.split(",")
    unknown = set(only) - {*WORKS, *OTHERS}
    if unknown:
        p.error(f"no such row: {', '.join(unknown)}; there are {', '.join([*WORKS, *OTHERS])}")
    for need in ["wrk", "nginx", "taskset"] + ["haproxy"] * a.haproxy:
        if not program(need):
            sys.exit(f"{need} is missing (on Debian: apt-get install wrk nginx-light util-linux)")
    if os.cpu_count() < 2:
        sys.exit("two CPUs are needed: one for the proxy, one for the load")
    for binary in filter(None, [a.pibl, a.versus]):
        if not os.access(binary, os.X_OK):
            sys.exit(f"{binary} is missing: cargo build --release -p pibl")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    root = tempfile.mkdtemp(prefix="speed-")
    os.chmod(root, 0o755)
    bench, failed = None, []
    load, began, cpu = os.getloadavg()[0], time.monotonic(), cpu_seconds()
    try:
        bench = Bench(a, root)
        print(f"| work | {'nginx' if not a.versus else 'versus'} | pibl | ratio (extremes of {a.rounds} rounds) | goal | met | notes |")
        print("| --- | ---: | ---: | --- | --- | --- | --- |", flush=True)
        for name in only:
            try:
                if name in WORKS:
                    work_row(bench, name)
                else:
                    {"workers": workers_rows, "latency": latency_rows, "idle": idle_row}[name](bench)
            except (Failed, OSError, subprocess.TimeoutExpired) as failure:
                # The other rows are worth having nevertheless.
                failed.append(f"{name}: {failure}")
    except Failed as failure:
        sys.exit(f"could not begin: {failure}")
    finally:
        if bench:
            end(bench.origin.process)
            shutil.rmtree(bench.in_memory, ignore_errors=True)
        shutil.rmtree(root, ignore_errors=True)
    ours = resource.getrusage(resource.RUSAGE_CHILDREN)
    own = resource.getrusage(resource.RUSAGE_SELF)
    others = cpu_seconds() - cpu - sum(u.ru_utime + u.ru_stime for u in (ours, own))
    wall = time.monotonic() - began
    print(f"\n{time.strftime('%Y-%m-%d %H:%M', time.gmtime())} UTC, {wall / 60:.1f} minutes, {a.rounds} rounds of {a.seconds} s, "
          f"{CONNECTIONS} connections. {machine()}. Load average {load:.1f} before and {os.getloadavg()[0]:.1f} after; other "
          f"programs used {max(0, others) / wall:.2f} of the {os.cpu_count()} CPUs meanwhile.")
    if failed:
        sys.exit("could not measure " + "; ".join(failed))


if __name__ == "__main__":
    main()
