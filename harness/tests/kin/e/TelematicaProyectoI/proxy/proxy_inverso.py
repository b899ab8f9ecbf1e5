"""
PROYECTO I TELEMATICA
Proxy inverso y balanceador (PIBL)
Autores: J. Restrepo, M. Zuluaga, S. Ospina
"""
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
import http.client
import configparser
import sys, os, time
import threading
import mimetypes

cfg = configparser.ConfigParser()
AQUI = os.path.dirname(os.path.abspath(__file__))
cfg.read([os.path.join(AQUI, 'config.ini'), 'config.ini'])

PUERTO = cfg.getint('pibl', 'puerto', fallback=8080)
BACKENDS = [b.strip() for b in cfg.get('pibl', 'backends').split(',') if b.strip()]
DIR_CACHE = 'cache_pibl'
ARCHIVO_LOG = cfg.get('pibl', 'log', fallback='registro.log')
TTL = 120

contador = -1
mutex = threading.Lock()
mutex_log = threading.Lock()


def roundRobin():
    # devuelve el servidor que sigue
    global contador
    mutex.acquire()
    contador = contador + 1
    if contador >= len(BACKENDS):
        contador = 0
    b = BACKENDS[contador]
    mutex.release()
    return b


def registrar(cliente, peticion, respuesta):
    msg = "[%s] %s | PETICION: %s | RESPUESTA: %s" % (time.ctime(), cliente, peticion, respuesta)
    with mutex_log:
        print(msg)
        sys.stdout.flush()
        with open(ARCHIVO_LOG, 'a') as f:
            f.write(msg + "\n")


def nombreCache(ruta):
    # quitamos los parametros porque windows no deja poner '?' en los nombres
    r = ruta.split('?')[0]
    if r.endswith('/'):
        r = r + 'index.html'
    r = r.replace('%', '%25').replace('/', '%2F')
    if len(r) > 180:
        import hashlib
        r = hashlib.md5(r.encode()).hexdigest()
    return os.path.join(DIR_CACHE, r)


class Manejador(BaseHTTPRequestHandler):
    server_version = 'PIBL/1.0'
    timeout = 30

    def log_message(self, *a):
        pass   # el log lo hacemos nosotros

    def desdeCache(self):
        n = nombreCache(self.path)
        try:
            edad = time.time() - os.path.getmtime(n)
            if edad > TTL:
                os.remove(n)
                return False
            with open(n, 'rb') as f:
                datos = f.read()
        except OSError:
            return False
        tipo = mimetypes.guess_type(n.replace('%2F', '/'))[0] or 'text/html'
        self.send_response_only(200, 'OK')
        self.send_header('Content-Type', tipo)
        self.send_header('Content-Length', str(len(datos)))
        self.send_header('X-Cache', 'HIT')
        self.end_headers()
        self.wfile.write(datos)
        registrar(self.client_address[0], self.requestline, '200 OK desde cache, %d bytes' % len(datos))
        return True

    def reenviar(self):
        largo = int(self.headers.get('Content-Length', 0))
        cuerpo = self.rfile.read(largo) if largo else None
        print('   --> enviando a', roundRobin())
        ultimo = None
        for intento in range(len(BACKENDS)):
            destino = roundRobin()
            con = http.client.HTTPConnection(destino, timeout=8)
            try:
                con.connect()
            except OSError as e:
                ultimo = e
                continue
            try:
                con.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                for k, v in self.headers.items():
                    if k.lower() in ('connection', 'keep-alive', 'proxy-connection', 'transfer-encoding'):
                        continue
                    con.putheader(k, v)
                con.putheader('Connection', 'close')
                con.endheaders(cuerpo)
                r = con.getresponse()
                datos = r.read()
            except (OSError, http.client.HTTPException) as e:
                con.close()
                self.fallo(e)
                return
            con.close()
            self.send_response_only(r.status, r.reason)
            for k, v in r.getheaders():
                if k.lower() in ('connection', 'keep-alive', 'transfer-encoding', 'content-length'):
                    continue
                self.send_header(k, v)
            if self.command == 'HEAD':
                if r.getheader('Content-Length'):
                    self.send_header('Content-Length', r.getheader('Content-Length'))
            elif r.status not in (204, 304):
                self.send_header('Content-Length', str(len(datos)))
            self.end_headers()
            # guardar en cache
            if self.command == 'GET' and r.status < 500 and r.status not in (204, 304) \
                    and 'no-store' not in (r.getheader('Cache-Control') or ''):
                n = nombreCache(self.path)
                tmp = n + '.' + str(threading.get_ident())
                with open(tmp, 'wb') as f:
                    f.write(datos)
                os.replace(tmp, n)
            if self.command != 'HEAD':
                self.wfile.write(datos)
            registrar(self.client_address[0], self.requestline,
                      '%d %s de %s, %d bytes' % (r.status, r.reason, destino, len(datos)))
            return
        self.fallo(ultimo)

    def fallo(self, e):
        self.send_error(502, 'Bad Gateway')
        registrar(self.client_address[0], self.requestline, '502 Bad Gateway (%s)' % e)

    def do_GET(self):
        if not self.desdeCache():
            self.reenviar()

    def do_POST(self):
        self.reenviar()

    # los demas metodos son lo mismo
    do_PUT = do_DELETE = do_PATCH = do_OPTIONS = do_HEAD = do_POST


class Servidor(ThreadingHTTPServer):
    request_queue_size = 100
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass


if __name__ == '__main__':
    if len(sys.argv) > 1:
        TTL = int(sys.argv[1])
    os.makedirs(DIR_CACHE, exist_ok=True)
    print('*** PIBL en el puerto', PUERTO, 'TTL', TTL, '***')
    print('*** backends:', BACKENDS)
    sys.stdout.flush()
    Servidor(('0.0.0.0', PUERTO), Manejador).serve_forever()
