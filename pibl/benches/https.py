#!/usr/bin/env python3
"""What a request costs over TLS 1.3, beside nginx: HTTP/1.1 and HTTP/2 from the cache, full handshakes, idle connections.

    cargo build --release -p pibl --features tls && python3 pibl/benches/https.py        (three minutes)

Other uses: --pibl PATH, --rounds N. It needs nginx, h2load (Debian: nghttp2-client), openssl, taskset and two CPUs.

The proxy has CPU 1 and one worker, the load generator CPU 0; both have the same certificate (ECDSA, P-256), write their log
and store on the same file system. Rounds alternate and their order flips. Cost is CPU time of the proxy per request, from
the scheduler's account; a ratio is the median of those within each round, with the extremes behind it. Everything listens
on loopback and ends with the script.
"""
import argparse, os, re, signal, socket, ssl, statistics, subprocess, sys, tempfile, time

HIT, LARGE = 1024, 100 * 1024
# what is measured: arguments of h2load, target
ROWS = {
    "HTTP/1.1 hit 1 KiB": (["--h1", "-n", "60000", "-c", "16"], "/hit"),
    "HTTP/2 hit 1 KiB, one stream at a time": (["-n", "60000", "-c", "16", "-m", "1"], "/hit"),
    "HTTP/2 hit 1 KiB, 32 streams at a time": (["-n", "100000", "-c", "4", "-m", "32"], "/hit"),
    "HTTP/1.1 hit 100 KiB": (["--h1", "-n", "10000", "-c", "16"], "/large"),
    "HTTP/2 hit 100 KiB, 4 streams at a time": (["-n", "10000", "-c", "16", "-m", "4"], "/large"),
    "HTTP/1.1 hit 1 KiB, a full handshake each": (["--h1", "-n", "3000", "-c", "3000", "-r", "1000", "--rate-period", "1s"], "/hit"),
}
IDLE = 1000

NGINX = """
worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.err; {user}
events {{ worker_connections 16384; }}
http {{
  access_log {folder}/nginx.log; sendfile on; keepalive_requests 100000000; open_file_cache max=1000 inactive=60s;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3; uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  proxy_cache_path {folder}/cache levels=1:2 keys_zone=c:10m inactive=10h max_size=1g;
  ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem; ssl_protocols TLSv1.3; ssl_session_tickets on;
  server {{ listen 127.0.0.1:{origin}; root {folder}/origin; access_log off; add_header Cache-Control "max-age=36000"; }}
  server {{ listen 127.0.0.1:{port} ssl http2; location / {{ proxy_pass http://127.0.0.1:{origin}; proxy_cache c; proxy_cache_valid 200 10h; }} }}
}}
"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def cpu_seconds(pid):
    """Of all threads, from the scheduler."""
    tasks = f"/proc/{pid}/task"
    return sum(int(open(f"{tasks}/{task}/schedstat").read().split()[0]) for task in os.listdir(tasks)) / 1e9


def resident_kib(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", open(f"/proc/{pid}/status").read())[1])


def await_port(port):
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    sys.exit(f"nobody listens on {port}")


def load(port, arguments, target):
    command = ["taskset", "-c", "0", "h2load", *arguments, f"https://127.0.0.1:{port}{target}"]
    said = subprocess.run(command, capture_output=True, text=True).stdout
    counts = re.search(r"(\d+) succeeded, (\d+) failed, (\d+) errored", said)
    if not counts or int(counts[2]) or int(counts[3]):
        sys.exit(f"requests failed:\n{said}")
    return int(counts[1])


def idle_kib(pid, port, protocol):
    """Of memory for each connection that has asked once and waits."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols([protocol])
    before, held = resident_kib(pid), []
    for _ in range(IDLE):
        client = context.wrap_socket(socket.create_connection(("127.0.0.1", port)))
        if protocol == "h2":
            # Preface, empty settings, and GET / as four indexed or literal fields.
            block = b"\x82\x87\x04\x04/hit\x01\x01x"
            client.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0")
            client.sendall(len(block).to_bytes(3, "big") + b"\1\5\0\0\0\1" + block)
        else:
            client.sendall(b"GET /hit HTTP/1.1\r\nHost: x\r\n\r\n")
        client.recv(65536)
        held.append(client)
    time.sleep(2)
    return (resident_kib(pid) - before) / IDLE


class Pair:
    """Both proxies, newly started, each with its address and the process that answers."""
    def __init__(self, folder, program):
        origin, nginx_port, pibl_port, plain = (free_port() for _ in range(4))
        user = "user root;" if os.getuid() == 0 else ""
        with open(f"{folder}/nginx.conf", "w") as file:
            file.write(NGINX.format(folder=folder, origin=origin, port=nginx_port, user=user))
        nginx = ["nginx", "-c", f"{folder}/nginx.conf"]
        pibl = [program, "--listen", "127.0.0.1", "--port", str(plain), "--backend", f"127.0.0.1:{origin}", "--workers", "1",
                "--ttl", "10h", "--tls-cert", f"{folder}/cert.pem", "--tls-key", f"{folder}/key.pem", "--tls-port", str(pibl_port),
                "--dir", f"{folder}/pibl"]
        start = lambda command: subprocess.Popen(["taskset", "-c", "1", *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.processes = [start(nginx), start(pibl)]
        for port in (nginx_port, pibl_port):
            await_port(port)
        parent = self.processes[0].pid
        children = open(f"/proc/{parent}/task/{parent}/children").read().split()
        worker = next(child for child in children if "worker" in open(f"/proc/{child}/cmdline").read())
        self.sides = {"nginx": (worker, nginx_port), "pibl": (self.processes[1].pid, pibl_port)}
        for _, port in self.sides.values():
            for target in ("/hit", "/large"):
                load(port, ["-n", "20", "-c", "1"], target)

    def __enter__(self):
        return self.sides

    def __exit__(self, *_):
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
            process.wait()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pibl", default="target/release/pibl")
    parser.add_argument("--rounds", type=int, default=8)
    options = parser.parse_args()
    program = os.path.abspath(options.pibl)
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                        "-subj", "/CN=localhost", "-keyout", f"{folder}/key.pem", "-out", f"{folder}/cert.pem"],
                       check=True, capture_output=True)
        for directory in ("origin", "pibl"):
            os.mkdir(f"{folder}/{directory}")
        for name, length in (("hit", HIT), ("large", LARGE)):
            with open(f"{folder}/origin/{name}", "wb") as file:
                file.write(b"x" * length)
        os.chmod(folder, 0o755)
        print(f"| work | nginx | pibl | ratio (extremes of {options.rounds} rounds) |\n| --- | ---: | ---: | --- |")
        with Pair(folder, program) as sides:
            for row, (arguments, target) in ROWS.items():
                compare(row, sides, options.rounds, arguments, target)
        # Memory that was freed would be used again, so each count has new processes.
        for name, protocol in (("HTTP/1.1", "http/1.1"), ("HTTP/2", "h2")):
            with Pair(folder, program) as sides:
                kib = [idle_kib(*sides[side], protocol) for side in ("nginx", "pibl")]
            print(f"| memory per idle connection of {name}, KiB | {kib[0]:.1f} | {kib[1]:.1f} | {kib[1] / kib[0]:.2f} |", flush=True)
    load_average = open("/proc/loadavg").read().split()[0]
    version = subprocess.run(["nginx", "-v"], capture_output=True, text=True).stderr.split("/")[-1].strip()
    print(f"\n{time.strftime('%Y-%m-%d %H:%M UTC', time.gmtime())}, nginx {version}, load average {load_average} at the end.")


def compare(row, sides, rounds, arguments, target):
    costs = {name: [] for name in sides}
    for number in range(rounds):
        for name in list(sides) if number % 2 else reversed(list(sides)):
            pid, port = sides[name]
            before = cpu_seconds(pid)
            answered = load(port, arguments, target)
            costs[name].append((cpu_seconds(pid) - before) / answered * 1e6)
    ratios = sorted(mine / other for mine, other in zip(costs["pibl"], costs["nginx"]))
    medians = [statistics.median(costs[name]) for name in ("nginx", "pibl")]
    extremes = f"{ratios[0]:.2f}–{ratios[-1]:.2f}"
    print(f"| {row}, µs | {medians[0]:.1f} | {medians[1]:.1f} | {statistics.median(ratios):.2f} ({extremes}) |", flush=True)


main()
