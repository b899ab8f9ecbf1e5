#!/usr/bin/env python3
"""CPU cost per request of pibl beside nginx and HAProxy, work by work, in interleaved rounds.

    python3 pibl/benches/speed_table.py [--rounds 8] [--seconds 3] [--work hit-1k,...] [--proxy pibl,nginx,haproxy]

Needs wrk, nginx and (optional) haproxy on the machine and `cargo build --release -p pibl` first. The proxy runs on
CPU 0 with one worker; the load generator and the origin (one nginx worker, three ports) share CPU 1. The order of the
proxies flips from round to round; figures are medians over the rounds, and the ratio to nginx is the median of the
ratios within each round. Cost is the scheduler's run time (`/proc/*/task/*/schedstat`) of the proxy's processes over
the requests that wrk counted. Everything listens on loopback and ends with the script.
"""
import argparse, os, re, shutil, signal, socket, statistics, subprocess, sys, tempfile, time

ORIGIN_PORTS = [19101, 19102, 19103]
WORKS = {
    # name: (path or Lua script kind, extra wrk arguments, text)
    "hit-1k": ("/hit/1k", [], "cache hit 1 KiB, log"),
    "hit-100k": ("/hit/100k", [], "cache hit 100 KiB, log"),
    "pass-1k": ("/pass/1k", [], "pass through 1 KiB, log"),
    "pass-100k": ("/pass/100k", [], "pass through 100 KiB, log"),
    "miss-store": ("unique", [], "miss + store on disk, every URL new"),
    "hit-close": ("/hit/1k", ["-H", "Connection: close"], "hit, new connection each time"),
}


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def program(name):
    for directory in os.environ["PATH"].split(":") + ["/usr/sbin", "/usr/local/sbin"]:
        if os.access(os.path.join(directory, name), os.X_OK):
            return os.path.join(directory, name)
    return None


def origin_config(root):
    for name, size in (("1k", 1024), ("100k", 102400)):
        with open(os.path.join(root, name), "wb") as f:
            f.write(os.urandom(size))
    listens = " ".join(f"listen 127.0.0.1:{p};" for p in ORIGIN_PORTS)
    return f"""
worker_processes 1; daemon off; pid {root}/origin.pid; error_log {root}/origin.err;
events {{ worker_connections 4096; }}
http {{ access_log off; keepalive_requests 100000000; keepalive_timeout 600s; sendfile on; open_file_cache max=100;
  client_body_temp_path {root}/ob; proxy_temp_path {root}/op; fastcgi_temp_path {root}/of; uwsgi_temp_path {root}/ou; scgi_temp_path {root}/os;
  server {{ {listens}
    location /hit/ {{ alias {root}/; add_header Cache-Control max-age=3600; }}
    location /pass/ {{ alias {root}/; add_header Cache-Control no-store; }}
    location /u/ {{ rewrite ^ /hit/1k last; }}
  }} }}
"""


def nginx_config(root, port):
    servers = " ".join(f"server 127.0.0.1:{p};" for p in ORIGIN_PORTS)
    return f"""
worker_processes 1; daemon off; pid {root}/n.pid; error_log {root}/n.err;
events {{ worker_connections 12000; }}
http {{ access_log {root}/access.log; keepalive_requests 100000000; keepalive_timeout 600s; sendfile on; tcp_nopush on;
  client_body_temp_path {root}/nb; proxy_temp_path {root}/np; fastcgi_temp_path {root}/nf; uwsgi_temp_path {root}/nu; scgi_temp_path {root}/ns;
  proxy_cache_path {root}/cache levels=1:2 keys_zone=z:200m max_size=20g inactive=60m use_temp_path=off;
  open_file_cache max=10000;
  upstream o {{ {servers} keepalive 64; keepalive_requests 100000000; }}
  server {{ listen 127.0.0.1:{port} backlog=4096; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;
    location / {{ proxy_pass http://o; proxy_cache z; }}
    location /pass/ {{ proxy_pass http://o; }}
  }} }}
"""


def haproxy_config(root, port):
    servers = "\n".join(f"  server s{p} 127.0.0.1:{p}" for p in ORIGIN_PORTS)
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
    def __init__(self, name, root, binary):
        self.name, self.port = name, free_port()
        self.root = os.path.join(root, name)
        os.makedirs(self.root)
        log = open(os.path.join(self.root, "stdout"), "wb")
        if name == "nginx":
            path = os.path.join(self.root, "nginx.conf")
            open(path, "w").write(nginx_config(self.root, self.port))
            argv = [program("nginx"), "-p", self.root, "-c", path]
        elif name == "haproxy":
            path = os.path.join(self.root, "haproxy.cfg")
            open(path, "w").write(haproxy_config(self.root, self.port))
            argv = [program("haproxy"), "-f", path]
        else:
            argv = [binary, "--listen", "127.0.0.1", "--port", str(self.port), "--ttl", "3600s", "--workers", "1",
                    "--dir", self.root] + [a for p in ORIGIN_PORTS for a in ("--backend", f"127.0.0.1:{p}")]
        self.process = subprocess.Popen(["taskset", "-c", "0"] + argv, stdout=log, stderr=subprocess.STDOUT, cwd=self.root)
        deadline = time.time() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 0.2).close()
                return
            except OSError:
                if time.time() > deadline or self.process.poll() is not None:
                    sys.exit(f"{name} did not start; see {self.root}/stdout")
                time.sleep(0.05)

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
        total = 0
        for pid in self.tree():
            for line in open(f"/proc/{pid}/smaps_rollup"):
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
        return total

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()


def measure(proxy, work, seconds, connections, lua):
    path, extra, _ = WORKS[work]
    argv = ["taskset", "-c", "1", "wrk", "-t1", f"-c{connections}", f"-d{seconds}s"] + extra
    url = f"http://127.0.0.1:{proxy.port}"
    if path == "unique":
        lua.seek(0); lua.truncate()
        lua.write(f"local n=0\nlocal p='/u/{time.time_ns()}/'\nrequest=function() n=n+1; return wrk.format('GET', p..n) end\n"); lua.flush()
        argv += ["-s", lua.name, url]
    else:
        argv.append(url + path)
    cpu, wall = proxy.cpu_ns(), time.monotonic_ns()
    out = subprocess.run(argv, capture_output=True, text=True).stdout
    cpu, wall = proxy.cpu_ns() - cpu, time.monotonic_ns() - wall
    count = int(re.search(r"(\d+) requests in", out).group(1))
    bad = sum(map(int, re.findall(r"Non-2xx or 3xx responses: (\d+)", out)))
    errors = sum(map(int, sum((re.findall(r"\d+", l) for l in out.splitlines() if "Socket errors" in l), [])))
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1))
    return cpu / 1000 / max(count, 1), rate, cpu / wall, bad + errors


def idle_memory(proxy, count=5000):
    before = proxy.resident_kib()
    sockets = []
    for _ in range(count):
        s = socket.create_connection(("127.0.0.1", proxy.port))
        s.sendall(b"GET /hit/1k HTTP/1.1\r\nHost: x\r\n\r\n")
        got = b""
        while len(got) < 1024 or b"\r\n\r\n" not in got:
            got += s.recv(65536)
        sockets.append(s)
    time.sleep(1)
    after = proxy.resident_kib()
    for s in sockets:
        s.close()
    return (after - before) / count


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--rounds", type=int, default=8)
    p.add_argument("--seconds", type=int, default=3)
    p.add_argument("--connections", type=int, default=64)
    p.add_argument("--work", default=",".join(WORKS))
    p.add_argument("--proxy", default="pibl,nginx,haproxy")
    p.add_argument("--pibl", default=os.path.join(os.path.dirname(__file__), "../../target/release/pibl"))
    p.add_argument("--idle", action="store_true", help="also memory per idle keep-alive connection")
    a = p.parse_args()
    for need in ["wrk", "nginx", "taskset"]:
        if not program(need):
            sys.exit(f"{need} is missing (on Debian: apt-get install wrk nginx-light util-linux)")
    root = tempfile.mkdtemp(prefix="speed-")
    proxies = []
    origin = None
    lua = tempfile.NamedTemporaryFile("w", suffix=".lua")
    try:
        path = os.path.join(root, "origin.conf")
        os.makedirs(os.path.join(root, "origin"))
        open(path, "w").write(origin_config(os.path.join(root, "origin")))
        os.chmod(root, 0o755)
        origin = subprocess.Popen(["taskset", "-c", "1", program("nginx"), "-p", root, "-c", path])
        time.sleep(0.5)
        proxies = [Proxy(n, root, os.path.abspath(a.pibl)) for n in a.proxy.split(",") if n == "pibl" or program(n)]
        print(f"{a.rounds} rounds of {a.seconds} s, {a.connections} connections; median CPU µs per request (ratio to nginx) [requests/s, busy]")
        for work in a.work.split(","):
            seen = {x.name: [] for x in proxies}
            for x in proxies:
                measure(x, work, 1, a.connections, lua)
            for r in range(a.rounds):
                for x in proxies if r % 2 == 0 else proxies[::-1]:
                    seen[x.name].append(measure(x, work, a.seconds, a.connections, lua))
            cells = []
            for x in proxies:
                rows = seen[x.name]
                cost = statistics.median(c for c, _, _, _ in rows)
                rate = statistics.median(r for _, r, _, _ in rows)
                busy = statistics.median(b for _, _, b, _ in rows)
                bad = sum(b for _, _, _, b in rows)
                ratio = statistics.median(m[0] / n[0] for m, n in zip(rows, seen["nginx"])) if "nginx" in seen else float("nan")
                cells.append(f"{x.name} {cost:.1f} (x{ratio:.2f}) [{rate / 1000:.1f}k/s, {busy:.0%}]" + (f" ERRORS {bad}" if bad else ""))
            print(f"{WORKS[work][2]:38} " + " | ".join(cells), flush=True)
        if a.idle:
            for x in proxies:
                print(f"memory per idle connection: {x.name} {idle_memory(x):.2f} KiB", flush=True)
    finally:
        for x in proxies:
            x.stop()
        if origin:
            origin.terminate(); origin.wait()
        shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    main()
