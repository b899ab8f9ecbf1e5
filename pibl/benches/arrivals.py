#!/usr/bin/env python3
"""How long 5,000 clients wait that all come within 1.5 s to a proxy that was just started, beside nginx.

    cargo build --release -p pibl && python3 pibl/benches/arrivals.py        (about half a minute)

Other uses: --pibl PATH, --rounds 5, --workers 2. Rounds of both alternate and their order flips. A client's time runs from
its connect to its answer, a stored response of 1 KiB. The generator is one thread; where it was late itself by more than a
few milliseconds the machine was too busy, and the figures say little. Everything listens on loopback and ends with the script.
"""
import argparse, os, resource, select, socket, statistics, subprocess, sys, tempfile, time

CLIENTS, WITHIN = 5000, 1.5
REQUEST = b"GET /hit HTTP/1.1\r\nHost: x\r\n\r\n"
ORIGIN = r'''
import asyncio, sys
ANSWER = b"HTTP/1.1 200 OK\r\nCache-Control: max-age=3600\r\nContent-Length: 1024\r\n\r\n" + b"x" * 1024
class Origin(asyncio.Protocol):
    def connection_made(self, transport): self.transport = transport
    def data_received(self, data): self.transport.write(ANSWER)
async def serve():
    server = await asyncio.get_running_loop().create_server(Origin, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(serve())
'''


def arrive(port):
    """Lets all clients come; returns the median and the 99th percentile of their times and the generator's lateness, in ms."""
    poller, clients, times, stay = select.epoll(), {}, [], []
    start, made, late = time.perf_counter(), 0, 0.0
    while len(times) < CLIENTS and time.perf_counter() - start < 30:
        now = time.perf_counter() - start
        for _ in range(8):
            due = made * WITHIN / CLIENTS
            if made == CLIENTS or due > now:
                break
            late = max(late, now - due)
            client = socket.socket()
            client.setblocking(False)
            began = time.perf_counter()
            client.connect_ex(("127.0.0.1", port))
            poller.register(client, select.EPOLLOUT)
            clients[client.fileno()] = (client, began)
            made += 1
        for descriptor, events in poller.poll(0.0005 if made < CLIENTS else 0.05):
            client, began = clients[descriptor]
            if events & select.EPOLLOUT:
                client.send(REQUEST)
                poller.modify(descriptor, select.EPOLLIN)
            else:
                client.recv(8192)
                times.append(time.perf_counter() - began)
                poller.unregister(descriptor)
                stay.append(client)
    for client, _ in clients.values():
        client.close()
    if len(times) < CLIENTS:
        sys.exit(f"only {len(times)} of {CLIENTS} clients were answered")
    times.sort()
    return tuple(1000 * value for value in (times[CLIENTS // 2], times[CLIENTS * 99 // 100], late))


def start_pibl(path, origin, workers, folder):
    command = [path, "--listen", "127.0.0.1", "--port", "0", "--backend", f"127.0.0.1:{origin}", "--workers", workers]
    proxy = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    line = next(line for line in proxy.stderr if "listening on" in line)
    return proxy, int(line.strip().rsplit(":", 1)[1])


def start_nginx(origin, workers, folder):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    temporary = " ".join(f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    with open(f"{folder}/nginx.conf", "w") as file:
        file.write(f"""daemon off; worker_processes {workers}; worker_rlimit_nofile 20000; pid {folder}/pid; error_log {folder}/error;
events {{ worker_connections 10000; }}
http {{ access_log {folder}/access; {temporary} proxy_cache_path {folder}/cache keys_zone=zone:10m;
server {{ listen 127.0.0.1:{port} backlog=4096; location / {{ proxy_pass http://127.0.0.1:{origin}; proxy_cache zone; }} }} }}
""")
    proxy = subprocess.Popen(["nginx", "-c", f"{folder}/nginx.conf", "-p", folder], stderr=subprocess.DEVNULL)
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return proxy, port
        time.sleep(0.02)
    sys.exit("nginx did not start")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pibl", default="target/release/pibl")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", default="2")
    options = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (20000, 20000))
    os.environ["PATH"] += ":/usr/sbin"
    origin = subprocess.Popen([sys.executable, "-c", ORIGIN], stdout=subprocess.PIPE, text=True)
    seen = {"pibl": [], "nginx": []}
    try:
        port_of_origin = int(origin.stdout.readline())
        for number in range(options.rounds):
            for name in sorted(seen, reverse=bool(number % 2)):
                with tempfile.TemporaryDirectory() as folder:
                    os.chmod(folder, 0o755)
                    if name == "pibl":
                        proxy, port = start_pibl(os.path.abspath(options.pibl), port_of_origin, options.workers, folder)
                    else:
                        proxy, port = start_nginx(port_of_origin, options.workers, folder)
                    try:
                        seen[name].append(arrive(port))
                    finally:
                        proxy.terminate()
                        proxy.wait()
        print("| | p50, ms | p99, ms | p99 of each round | generator late, ms |\n| --- | ---: | ---: | --- | ---: |")
        for name, rounds in seen.items():
            median = [statistics.median(column) for column in zip(*rounds)]
            each = " ".join(f"{values[1]:.1f}" for values in rounds)
            print(f"| {name} | {median[0]:.2f} | {median[1]:.2f} | {each} | {median[2]:.1f} |")
    finally:
        origin.kill()


if __name__ == "__main__":
    main()
