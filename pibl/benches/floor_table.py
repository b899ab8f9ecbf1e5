#!/usr/bin/env python3
"""What a request costs in pibl, in what the kernel alone needs for it, and in other proxies, as one Markdown table.

    cargo build --release -p pibl && cargo build --release --manifest-path pibl/benches/floor/Cargo.toml --target-dir target/floor && python3 pibl/benches/floor_table.py

Other uses: --only hit-1k,pass-1k (some of the rows), --rounds, --seconds, --without varnish,h2o, --pibl PATH, --floor PATH.

Everything is measured as in speed_table.py: the proxy on CPU 0, one worker; load and origin on CPU 1; cost is the run time of
the proxy's processes over the requests that wrk counted, median of the rounds. The *floor* is `floor.rs`: no HTTP, no log, only
the calls that the work needs. The ratios are medians of those within each round, with the extremes behind them. Those of nginx,
haproxy, varnishd, traffic_server and h2o that are installed take part. Each keeps its log; haproxy and varnish store in memory.
"""
import argparse, os, pwd, resource, shutil, statistics, subprocess, sys, tempfile, time

import speed_table as base
from speed_table import Failed, Proxy, free_port, median, program, ratios, wait_for

# work: (path, extra wrk arguments, text, how the floor does it, the goal of pibl/floor)
WORKS = {
    "hit-1k": ("/hit/1k", [], "cache hit 1 KiB", "hit", 1.2),
    "hit-100k": ("/hit/100k", [], "cache hit 100 KiB", "hit", None),
    "hit-close": ("/hit/1k", ["-H", "Connection: close"], "hit, new connection each time", "close", 1.1),
    "pass-1k": ("/pass/1k", [], "pass through 1 KiB", "pass", 1.2),
    "pass-100k": ("/pass/100k", [], "pass through 100 KiB", "splice", None),
    "miss-store": ("unique", [], "miss + store, every URL new", "store", None),
}
PEERS = ["nginx", "haproxy", "varnish", "trafficserver", "h2o"]
PROGRAMS = {"varnish": "varnishd", "trafficserver": "traffic_server"}
IN_MEMORY = {"haproxy", "varnish"}
STORES_NOTHING = {"h2o"}


def varnish(root, port, origin):
    backends = "\n".join(f'backend b{p} {{ .host = "127.0.0.1"; .port = "{p}"; }}' for p in origin.ports)
    added = " ".join(f"new-rr.add_backend(b{p});".replace("new-rr", "rr") for p in origin.ports)
    vcl = f"""vcl 4.1;
import directors;
{backends}
sub vcl_init {{ new rr = directors.round_robin(); {added} }}
sub vcl_recv {{ set req.backend_hint = rr.backend(); if (req.url ~ "^/pass/") {{ return (pass); }} }}
"""
    argv = ["varnishd", "-F", "-j", "none", "-n", f"{root}/varnish", "-a", f"127.0.0.1:{port}", "-f", f"{root}/config",
            "-s", "malloc,1g", "-p", "thread_pools=1", "-p", "thread_pool_min=80", "-p", "timeout_idle=600"]
    return {"config": vcl}, argv


def trafficserver(root, port, origin):
    owner = pwd.getpwnam("trafficserver") if os.geteuid() == 0 else None
    for name in ("etc", "log", "run", "cache"):
        os.mkdir(f"{root}/{name}")
        if owner:
            os.chown(f"{root}/{name}", owner.pw_uid, owner.pw_gid)
    records = {
        "http.server_ports STRING": f"{port}:ip-in=127.0.0.1", "exec_thread.autoconfig INT": 0, "exec_thread.limit INT": 1,
        "accept_threads INT": 0, "task_threads INT": 1, "cache.threads_per_disk INT": 2, "cache.ram_cache.size INT": 64 << 20,
        "http.cache.required_headers INT": 0, "http.keep_alive_no_activity_timeout_in INT": 600, "log.logging_enabled INT": 3,
        "http.server_session_sharing.pool STRING": "thread", "admin.user_id STRING": owner.pw_name if owner else "#-1", "diags.logfile.rolling_enabled INT": 0,
    }
    files = {
        "runroot.yaml": "\n".join(f"{key}: {value}" for key, value in {
            "prefix": root, "exec_prefix": root, "bindir": "/usr/bin", "sbindir": "/usr/bin", "sysconfdir": f"{root}/etc",
            "datadir": "/usr/share/trafficserver", "includedir": root, "libdir": "/usr/lib", "libexecdir": "/usr/lib/trafficserver/modules",
            "localstatedir": f"{root}/run", "runtimedir": f"{root}/run", "logdir": f"{root}/log", "cachedir": f"{root}/cache"}.items()),
        "etc/records.config": "".join(f"CONFIG proxy.config.{key} {value}\n" for key, value in records.items()),
        "etc/remap.config": f"map / http://127.0.0.1:{origin.ports[0]}/\n",
        "etc/storage.config": f"{root}/cache 1G\n",
        "etc/plugin.config": "", "etc/volume.config": "", "etc/parent.config": "", "etc/hosting.config": "", "etc/cache.config": "",
        "etc/logging.yaml": "logging:\n  formats:\n    - name: squid\n      format: '%<cqtq> %<ttms> %<chi> %<crc>/%<pssc> %<psql> %<cqhm> %<pquc>'\n"
                            "  logs:\n    - filename: squid\n      format: squid\n",
        "etc/ip_allow.yaml": "ip_allow:\n  - apply: in\n    ip_addrs: 0/0\n    action: allow\n    methods: ALL\n",
    }
    return files, ["env", f"TS_RUNROOT={root}/runroot.yaml", "traffic_server"]


def h2o(root, port, origin):
    backends = "\n".join(f'        - "http://127.0.0.1:{p}/"' for p in origin.ports[:1])
    text = f"""num-threads: 1
max-connections: 10000
http1-request-timeout: 600
access-log: {root}/access.log
error-log: {root}/error.log
pid-file: {root}/pid
listen: {{ host: 127.0.0.1, port: {port} }}
hosts:
  default:
    paths:
      "/":
        proxy.timeout.keepalive: 600000
        proxy.reverse.url: "http://127.0.0.1:{origin.ports[0]}/"
"""
    if os.geteuid() == 0:
        text += "user: root\n"
    return {"config": text}, ["h2o", "-c", f"{root}/config"]


class Floor(Proxy):
    """The program that makes only the calls that the kernel needs for one kind of work."""
    def __init__(self, binary, root, origin, work):
        self.port = free_port()
        self.root = tempfile.mkdtemp(prefix="floor-", dir=root)
        how, address = WORKS[work][3], f"127.0.0.1:{self.port}"
        backends = [f"127.0.0.1:{p}" for p in origin.ports]
        if how in ("hit", "close"):
            body = 102400 if "100k" in work else 1024
            end = "Connection: close\r\n" if how == "close" else ""
            with open(f"{self.root}/answer", "wb") as f:
                f.write(f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {body}\r\n{end}\r\n".encode() + b"x" * body)
            rest = [f"{self.root}/answer"]
        else:
            rest = ([f"{self.root}/cache"] if how == "store" else []) + backends
        run(self, [binary, how, address] + rest)


class Peer(Proxy):
    """Another proxy that speed_table.py does not know."""
    def __init__(self, name, root, origin):
        self.port = free_port()
        self.root = tempfile.mkdtemp(prefix="proxy-", dir=root)
        os.chmod(self.root, 0o755)
        files, argv = {"varnish": varnish, "trafficserver": trafficserver, "h2o": h2o}[name](self.root, self.port, origin)
        for path, text in files.items():
            with open(os.path.join(self.root, path), "w") as f:
                f.write(text)
        run(self, argv)


def run(proxy, argv):
    log = os.path.join(proxy.root, "stdout")
    argv[0] = program(argv[0]) or argv[0]
    proxy.process = subprocess.Popen(["taskset", "-c", "0"] + argv, stdout=open(log, "wb"), stderr=subprocess.STDOUT, cwd=proxy.root)
    wait_for(proxy.port, proxy.process, log)
    if "traffic_server" in argv:
        # It listens a moment before it serves.
        time.sleep(2)


def start(bench, a, name, work):
    def make():
        if name == "floor":
            return Floor(os.path.abspath(a.floor), bench.root, bench.origin, work)
        if name in ("varnish", "trafficserver", "h2o"):
            return Peer(name, bench.root, bench.origin)
        return Proxy(os.path.abspath(a.pibl) if name == "pibl" else name, bench.root, bench.origin)
    return base.started(make)


def leave_out(names, name, failure):
    """A peer that does not start on this machine costs its column and no row."""
    names.remove(name)
    print(f"{name} is left out: {str(failure)[:300]}", file=sys.stderr)


def measure(bench, a, work, names):
    """The rounds of each name. What stores starts each round on an empty disk."""
    path, extra, _, _, _ = WORKS[work]
    if work == "miss-store":
        for name in list(names[2:]):
            try:
                start(bench, a, name, work).stop()
            except Failed as failure:
                leave_out(names, name, failure)

        def once(name):
            proxy = start(bench, a, name, work)
            try:
                base.wrk(proxy, path, extra, 1, bench.lua)
                return base.wrk(proxy, path, extra, a.seconds, bench.lua)[0]
            finally:
                proxy.stop()
        return bench.interleaved(names, once)
    running = {}
    try:
        for name in list(names):
            try:
                running[name] = start(bench, a, name, work)
                base.wrk(running[name], path, extra, 1, bench.lua)
            except Failed as failure:
                if name in ("floor", "pibl"):
                    raise
                leave_out(names, name, failure)
        return bench.interleaved(names, lambda name: base.wrk(running[name], path, extra, a.seconds, bench.lua)[0])
    finally:
        for proxy in running.values():
            proxy.stop()


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--rounds", type=int, default=8)
    p.add_argument("--seconds", type=int, default=2)
    p.add_argument("--only", default=",".join(WORKS))
    p.add_argument("--without", default="")
    p.add_argument("--pibl", default=os.path.join(here, "../../target/release/pibl"))
    p.add_argument("--floor", default=os.path.join(here, "../../target/floor/release/floor"))
    a = p.parse_args()
    only = a.only.split(",")
    if unknown := set(only) - set(WORKS):
        p.error(f"no such row: {', '.join(unknown)}; there are {', '.join(WORKS)}")
    for need in ("wrk", "nginx", "taskset"):
        if not program(need):
            sys.exit(f"{need} is missing (on Debian: apt-get install wrk nginx-light util-linux)")
    for binary in (a.pibl, a.floor):
        if not os.access(binary, os.X_OK):
            sys.exit(f"{binary} is missing; see --help for how to build it")
    peers = [name for name in PEERS if program(PROGRAMS.get(name, name)) and name not in a.without.split(",")]
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    root = tempfile.mkdtemp(prefix="floor-table-")
    os.chmod(root, 0o755)
    a.versus, a.haproxy = None, False
    bench, failed = None, []
    load, began = os.getloadavg()[0], time.monotonic()
    try:
        bench = base.Bench(a, root)
        print(f"| µs of CPU per request | floor | pibl | pibl ÷ floor (extremes of {a.rounds} rounds) | goal | "
              + " | ".join(peers) + " | pibl ÷ best other |")
        print("| --- | ---: | ---: | --- | --- |" + " ---: |" * len(peers) + " --- |", flush=True)
        for work in only:
            able = [name for name in peers if name not in STORES_NOTHING or "pass" in work]
            try:
                names = ["floor", "pibl", *able]
                seen = measure(bench, a, work, names)
                able = names[2:]
            except (Failed, OSError, subprocess.TimeoutExpired) as failure:
                failed.append(f"{work}: {failure}")
                continue
            cost = {name: [one.cost for one in rounds] for name, rounds in seen.items()}
            if wrong := {name: sum(one.wrong for one in rounds) for name, rounds in seen.items() if any(one.wrong for one in rounds)}:
                failed.append(f"{work}: wrong answers {wrong}")
            _, to_floor = ratios(cost["pibl"], cost["floor"])
            rivals = [name for name in able if work != "miss-store" or name not in IN_MEMORY]
            best = min(rivals, key=lambda name: median(cost[name]), default=None)
            to_best = f"{ratios(cost['pibl'], cost[best])[1]}, {best}" if best else ""
            cells = [f"{median(cost[name]):.1f}" + (" (memory)" if name in IN_MEMORY and work == "miss-store" else "")
                     if name in cost else "" for name in peers]
            goal = WORKS[work][4]
            print(f"| {WORKS[work][2]} | {median(cost['floor']):.1f} | {median(cost['pibl']):.1f} | {to_floor} | {goal or ''} | "
                  + " | ".join(cells) + f" | {to_best} |", flush=True)
    finally:
        if bench:
            base.end(bench.origin.process)
            shutil.rmtree(bench.in_memory, ignore_errors=True)
        shutil.rmtree(root, ignore_errors=True)
    print(f"\n{time.strftime('%Y-%m-%d %H:%M', time.gmtime())} UTC, {(time.monotonic() - began) / 60:.1f} minutes, {a.rounds} rounds of "
          f"{a.seconds} s, {base.CONNECTIONS} connections. {base.machine()}. Load average {load:.1f} before and {os.getloadavg()[0]:.1f} after.")
    if failed:
        sys.exit("could not measure " + "; ".join(failed))


if __name__ == "__main__":
    main()
