# Proyecto I - Telematica
# PIBL: Proxy Inverso + Balanceador de Carga
#
# Uso: python3 pibl.py <ttl en segundos> [archivo de configuracion]

import sys
import os
import time
import socket
import threading

BUFFER = 4096
CACHE_DIR = "cache"
TIMEOUT = 10

# valores por defecto, se cambian con el archivo de configuracion
port = 8080
log_file = "pibl.log"
servers = []
ttl = 60

# indice del round robin
current = 0

lock_rr = threading.Lock()
lock_log = threading.Lock()
lock_cache = threading.Lock()


# ---------------------------------------------------------------
# Configuracion
# ---------------------------------------------------------------
def load_config(filename):
    global port, log_file
    f = open(filename, "r")
    for line in f:
        line = line.strip()
        if line == "" or line.startswith("#"):
            continue
        key, value = line.split("=", 1)
        key = key.strip()
        value = value.strip()
        if key == "port":
            port = int(value)
        elif key == "log":
            log_file = value
        elif key == "server":
            host, p = value.split(":")
            servers.append((host, int(p)))
        else:
            print("Parametro desconocido en la configuracion: " + key)
    f.close()


# ---------------------------------------------------------------
# Log
# ---------------------------------------------------------------
def log(message):
    line = "[" + time.strftime("%Y-%m-%d %H:%M:%S") + "] " + message
    with lock_log:
        print(line, flush=True)
        with open(log_file, "a") as f:
            f.write(line + "\n")


# ---------------------------------------------------------------
# Round Robin
# ---------------------------------------------------------------
def next_server():
    global current
    with lock_rr:
        server = servers[current]
        current = (current + 1) % len(servers)
    return server


# ---------------------------------------------------------------
# Cache
# ---------------------------------------------------------------
def cache_name(path):
    # el "/" no se puede usar en un nombre de archivo
    name = path.replace("/", "_")
    return os.path.join(CACHE_DIR, name)


def get_from_cache(path):
    filename = cache_name(path)
    with lock_cache:
        if not os.path.exists(filename):
            return None
        age = time.time() - os.path.getmtime(filename)
        if age > ttl:
            # ya se vencio el recurso
            os.remove(filename)
            return None
        with open(filename, "rb") as f:
            return f.read()


def save_in_cache(path, response):
    filename = cache_name(path)
    with lock_cache:
        with open(filename, "wb") as f:
            f.write(response)


# ---------------------------------------------------------------
# HTTP
# ---------------------------------------------------------------
def get_header(headers, name):
    for line in headers.split("\r\n")[1:]:
        if ":" in line:
            key, value = line.split(":", 1)
            if key.strip().lower() == name.lower():
                return value.strip()
    return None


def read_request(client):
    # se leen los encabezados hasta la linea en blanco
    data = b""
    while b"\r\n\r\n" not in data:
        part = client.recv(BUFFER)
        if not part:
            return None, None
        data += part
    head, body = data.split(b"\r\n\r\n", 1)
    headers = head.decode("latin-1")

    # si tiene cuerpo (POST, PUT) se lee lo que falta
    length = get_header(headers, "Content-Length")
    if length is not None:
        while len(body) < int(length):
            part = client.recv(BUFFER)
            if not part:
                break
            body += part
    return headers, body


def build_request(headers, body, server, client_ip):
    # se cambia el Host por el del servidor y se pide que cierre la conexion
    # al terminar, para saber cuando se acaba la respuesta
    lines = headers.split("\r\n")
    new_lines = [lines[0]]
    for line in lines[1:]:
        key = line.split(":", 1)[0].strip().lower()
        if key in ("host", "connection", "proxy-connection"):
            continue
        new_lines.append(line)
    new_lines.append("Host: " + server[0] + ":" + str(server[1]))
    new_lines.append("X-Forwarded-For: " + client_ip)
    new_lines.append("Connection: close")
    return "\r\n".join(new_lines).encode("latin-1") + b"\r\n\r\n" + body


def send_to_server(server, request):
    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    s.settimeout(TIMEOUT)
    try:
        s.connect(server)
        s.sendall(request)
        response = b""
        while True:
            part = s.recv(BUFFER)
            if not part:
                break
            response += part
    finally:
        s.close()
    return response


def error_response(code, text):
    body = "<html><body><h1>" + str(code) + " " + text + "</h1></body></html>"
    response = "HTTP/1.1 " + str(code) + " " + text + "\r\n"
    response += "Content-Type: text/html\r\n"
    response += "Content-Length: " + str(len(body)) + "\r\n"
    response += "Connection: close\r\n\r\n"
    response += body
    return response.encode()


def first_line(response):
    return response.split(b"\r\n", 1)[0].decode("latin-1")


def status_code(response):
    parts = first_line(response).split(" ")
    if len(parts) > 1:
        return parts[1]
    return ""


# ---------------------------------------------------------------
# Atender a un cliente (un hilo por cada uno)
# ---------------------------------------------------------------
def handle_client(client, address):
    who = address[0] + ":" + str(address[1])
    try:
        client.settimeout(TIMEOUT)
        headers, body = read_request(client)
        if headers is None:
            return

        request_line = headers.split("\r\n")[0]
        log("PETICION " + who + " -> " + request_line)

        parts = request_line.split(" ")
        if len(parts) != 3:
            response = error_response(400, "Bad Request")
            client.sendall(response)
            log("RESPUESTA " + who + " <- " + first_line(response))
            return
        method, path, version = parts

        # primero se busca en el cache
        if method == "GET":
            response = get_from_cache(path)
            if response is not None:
                client.sendall(response)
                log("RESPUESTA " + who + " <- " + first_line(response) +
                    " (" + str(len(response)) + " bytes, desde CACHE)")
                return

        # si no esta, se le pide a un servidor. Si un servidor esta caido
        # se intenta con el siguiente
        response = b""
        origin = "PIBL"
        for i in range(len(servers)):
            server = next_server()
            try:
                request = build_request(headers, body, server, address[0])
                response = send_to_server(server, request)
                if response != b"":
                    origin = server[0] + ":" + str(server[1])
                    break
            except OSError as e:
                log("ERROR servidor " + server[0] + ":" + str(server[1]) +
                    " no responde: " + str(e))

        if response == b"":
            response = error_response(502, "Bad Gateway")
        elif method == "GET" and status_code(response) == "200":
            save_in_cache(path, response)

        client.sendall(response)
        log("RESPUESTA " + who + " <- " + first_line(response) + " (" +
            str(len(response)) + " bytes, desde " + origin + ")")
    except Exception as e:
        log("ERROR atendiendo a " + who + ": " + str(e))
    finally:
        client.close()


# ---------------------------------------------------------------
# Principal
# ---------------------------------------------------------------
def main():
    global ttl
    if len(sys.argv) < 2:
        print("Uso: python3 pibl.py <ttl en segundos> [archivo de configuracion]")
        sys.exit(1)

    ttl = int(sys.argv[1])
    config = "pibl.conf"
    if len(sys.argv) > 2:
        config = sys.argv[2]
    load_config(config)

    if len(servers) == 0:
        print("No hay servidores en el archivo de configuracion")
        sys.exit(1)

    if not os.path.exists(CACHE_DIR):
        os.mkdir(CACHE_DIR)

    proxy = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    proxy.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    proxy.bind(("", port))
    proxy.listen(50)
    log("PIBL escuchando en el puerto " + str(port) + ", TTL = " + str(ttl) + " s")

    try:
        while True:
            client, address = proxy.accept()
            t = threading.Thread(target=handle_client, args=(client, address))
            t.daemon = True
            t.start()
    except KeyboardInterrupt:
        log("PIBL detenido")
    finally:
        proxy.close()


if __name__ == "__main__":
    main()
