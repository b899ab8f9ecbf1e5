import os
import pickle
import socket
import threading
import time

PUERTO = 8080
ARCHIVO_SERVIDORES = "servidores.txt"
ARCHIVO_CACHE = "cache.pkl"
ARCHIVO_LOG = "historial.log"

servidores = []
cache = {}          # url -> (hora, respuesta)
ttl = 60
turno = 0
candado = threading.Lock()
corriendo = False


def cargar_servidores():
    with open(ARCHIVO_SERVIDORES) as f:
        for linea in f.readlines():
            if linea.strip() != "":
                ip, puerto = linea.strip().split(":")
                servidores.append((ip, int(puerto)))


def cargar_cache():
    global cache
    if os.path.exists(ARCHIVO_CACHE):
        with open(ARCHIVO_CACHE, "rb") as f:
            cache = pickle.load(f)
        print("Se cargaron", len(cache), "recursos de la cache", flush=True)


def guardar_cache():
    with candado:
        with open(ARCHIVO_CACHE, "wb") as f:
            pickle.dump(cache, f)


def escribir(texto):
    texto = time.ctime() + " " + texto
    with candado:
        print(texto, flush=True)
        with open(ARCHIVO_LOG, "a") as f:
            f.write(texto + "\n")


def siguiente_servidor():
    global turno
    with candado:
        s = servidores[turno % len(servidores)]
        turno = turno + 1
    return s


def recibir_cabecera(s):
    datos = b""
    while datos.find(b"\r\n\r\n") == -1:
        pedazo = s.recv(2048)
        if len(pedazo) == 0:
            return None, None
        datos = datos + pedazo
    i = datos.find(b"\r\n\r\n")
    return datos[:i], datos[i + 4:]


def a_diccionario(cabecera):
    lineas = cabecera.decode("latin-1").split("\r\n")
    d = {}
    for l in lineas[1:]:
        if ": " in l:
            k, v = l.split(": ", 1)
            d[k] = v
        elif ":" in l:
            k, v = l.split(":", 1)
            d[k] = v
    return lineas[0], d


def buscar(d, nombre):
    # las cabeceras pueden venir en mayuscula o minuscula
    for k in d:
        if k.lower() == nombre.lower():
            return d[k]
    return None


def conectar():
    for intento in range(len(servidores)):
        ip, puerto = siguiente_servidor()
        try:
            s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            s.settimeout(10)
            s.connect((ip, puerto))
            return s, ip + ":" + str(puerto)
        except Exception as e:
            escribir("El servidor " + ip + ":" + str(puerto) + " no contesta")
            s.close()
    return None, None


def pedir_al_servidor(metodo, linea, d, cuerpo):
    s, nombre = conectar()
    if s is None:
        return None, None
    d["Connection"] = "close"
    mensaje = linea + "\r\n"
    for k in d:
        mensaje += k + ": " + d[k] + "\r\n"
    mensaje += "\r\n"
    s.sendall(mensaje.encode("latin-1") + cuerpo)
    # respuesta
    cab, resto = recibir_cabecera(s)
    if cab is None:
        s.close()
        return None, nombre
    primera, rd = a_diccionario(cab)
    codigo = primera.split(" ")[1]
    if metodo == "HEAD" or codigo in ["204", "304"]:
        resto = b""
    elif buscar(rd, "Content-Length") is not None:
        largo = int(buscar(rd, "Content-Length"))
        resto = bytearray(resto)
        while len(resto) < largo:
            pedazo = s.recv(16384)
            if not pedazo:
                break
            resto += pedazo
    elif "chunked" in str(buscar(rd, "Transfer-Encoding")):
        while not resto.endswith(b"0\r\n\r\n"):
            pedazo = s.recv(16384)
            if not pedazo:
                break
            resto += pedazo
    else:
        while True:
            pedazo = s.recv(16384)
            if not pedazo:
                break
            resto += pedazo
    s.close()
    # cambiamos el Connection
    nuevas = [l for l in cab.split(b"\r\n") if not l.lower().startswith(b"connection:")]
    nuevas.append(b"Connection: close")
    return b"\r\n".join(nuevas) + b"\r\n\r\n" + bytes(resto), nombre


def atender(cliente, direccion):
    try:
        cab, cuerpo = recibir_cabecera(cliente)
        if cab is None:
            cliente.close()
            return
        linea, d = a_diccionario(cab)
        metodo, url, version = linea.split(" ")
        if metodo == "GET":
            with candado:
                guardado = cache.get(url)
            if guardado is not None:
                if time.time() - guardado[0] < ttl:
                    cliente.sendall(guardado[1])
                    cliente.close()
                    return
        largo = buscar(d, "Content-Length")
        if largo is not None:
            while len(cuerpo) < int(largo):
                cuerpo += cliente.recv(4096)
        respuesta, nombre = pedir_al_servidor(metodo, linea, d, cuerpo)
        if respuesta is None:
            texto = "<html><body>Error 502: no hay servidores</body></html>"
            respuesta = ("HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nConnection: close\r\nContent-Length: "
                         + str(len(texto)) + "\r\n\r\n" + texto).encode()
        estado = respuesta.split(b"\r\n")[0].decode("latin-1")
        if metodo == "GET" and estado.split(" ")[1] == "200":
            with candado:
                cache[url] = (time.time(), respuesta)
        cliente.sendall(respuesta)
        escribir(direccion[0] + " pidio " + linea + " -> " + estado + " " + str(len(respuesta)) + " bytes, servidor " + str(nombre))
    except Exception as e:
        print("Error:", e, flush=True)
    cliente.close()


def servidor():
    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("0.0.0.0", PUERTO))
    s.listen(100)
    escribir("Servidor iniciado en el puerto " + str(PUERTO))
    while True:
        cliente, direccion = s.accept()
        h = threading.Thread(target=atender, args=(cliente, direccion))
        h.daemon = True
        h.start()


# ------------- MENU --------------
cargar_servidores()
cargar_cache()
while True:
    print("")
    print("======= PIBL =======")
    print("1. Iniciar proxy")
    print("2. Ver cache")
    print("3. Borrar cache")
    print("4. Salir")
    op = input("Opcion: ")
    if op == "1":
        if corriendo:
            print("Ya esta corriendo")
            continue
        ttl = float(input("TTL en segundos: "))
        corriendo = True
        threading.Thread(target=servidor, daemon=True).start()
        input("Presione Enter para volver al menu...\n")
    elif op == "2":
        for u in cache:
            print(u, time.ctime(cache[u][0]), len(cache[u][1]))
    elif op == "3":
        cache.clear()
    elif op == "4":
        guardar_cache()
        print("Chao!")
        break
    else:
        print("opcion invalida")
