#!/usr/bin/env python3
# PIBL - Proxy Inverso + Balanceador de Carga
# Telematica - Grupo 3
# uso: python3 pibl.py <ttl en segundos> [archivo de configuracion]
import sys
import os
import time
import socket
import threading
import almacen            # el cache (almacen.py)

# ---- cosas globales ----
SERVIDORES = []
PUERTO = 8080
TTL = 60.0
ESPERA_BACKEND = 10       # segundos que le damos al servidor web
ESPERA_CLIENTE = 20
MAX_CABEZA = 65536

turno = 0
candado_turno = threading.Lock()
candado_log = threading.Lock()
bitacora = None

# estas cabeceras son "salto a salto", no se pasan (RFC 7230 6.1)
NO_PASAR = ('connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'upgrade',
            'transfer-encoding', 'expect')


class Cortado(Exception):
    """la conexion se acabo antes de tiempo"""


class MalaPeticion(Exception):
    pass


def leer_config(nombre):
    global PUERTO
    with open(nombre) as f:
        for linea in f:
            linea = linea.split('#')[0].strip()
            if not linea:
                continue
            k, _, v = linea.partition('=')
            k = k.strip().lower()
            v = v.strip()
            if k == 'puerto':
                PUERTO = int(v)
            elif k == 'servidor':
                h, _, p = v.rpartition(':')
                SERVIDORES.append((h, int(p)))
            else:
                print('config: no conozco', k)


def log(texto):
    linea = time.strftime('%Y-%m-%d %H:%M:%S') + ' ' + texto
    with candado_log:
        try:
            print(linea, flush=True)
        except OSError:
            pass
        bitacora.write(linea + '\n')
        bitacora.flush()


class Lector:
    """lee de un socket guardando lo que sobra, para no perder el cuerpo que viene pegado a la cabeza"""

    def __init__(self, s):
        self.s = s
        self.buf = b''

    def mas(self):
        d = self.s.recv(65536)
        if not d:
            return False
        self.buf += d
        return True

    def cabeza(self):
        while True:
            i = self.buf.find(b'\r\n\r\n')
            if i >= 0:
                c = self.buf[:i]
                self.buf = self.buf[i + 4:]
                return c
            if len(self.buf) > MAX_CABEZA:
                raise MalaPeticion('cabeza muy larga')
            if not self.mas():
                raise Cortado()

    def linea(self):
        while b'\n' not in self.buf:
            if len(self.buf) > MAX_CABEZA:
                raise MalaPeticion('linea muy larga')
            if not self.mas():
                raise Cortado()
        l, self.buf = self.buf.split(b'\n', 1)
        return l.strip(b'\r')

    def exacto(self, n):
        partes = [self.buf[:n]]
        falta = n - len(partes[0])
        self.buf = self.buf[n:]
        while falta > 0:
            d = self.s.recv(min(65536, falta))
            if not d:
                raise Cortado()
            partes.append(d)
            falta -= len(d)
        return b''.join(partes)

    def hasta_cierre(self):
        partes = [self.buf]
        while True:
            d = self.s.recv(65536)
            if not d:
                break
            partes.append(d)
        return b''.join(partes)

    def por_trozos(self):
        # Transfer-Encoding: chunked -> lo devolvemos ya pegado
        partes = []
        while True:
            l = self.linea().split(b';')[0].strip()
            try:
                n = int(l, 16)
            except ValueError:
                raise MalaPeticion('trozo raro')
            if n == 0:
                while self.linea() != b'':
                    pass          # trailers, no nos sirven
                return b''.join(partes)
            partes.append(self.exacto(n))
            self.linea()


def partir(cabeza):
    """devuelve primera linea y lista [(nombre, valor)] sin cambiar mayusculas"""
    ls = cabeza.decode('latin-1').split('\r\n')
    campos = []
    for l in ls[1:]:
        if ':' not in l:
            raise MalaPeticion('cabecera sin dos puntos')
        n, v = l.split(':', 1)
        campos.append((n, v.strip()))
    return ls[0], campos


def dame(campos, nombre):
    r = [v for n, v in campos if n.lower() == nombre]
    return ', '.join(r) if r else None


def siguiente():
    global turno
    with candado_turno:
        t = turno
        turno = (turno + 1) % len(SERVIDORES)
    return t


def armar(primera, campos, cuerpo, con_largo):
    quitar = [x.strip().lower() for x in (dame(campos, 'connection') or '').split(',')]
    out = [primera]
    for n, v in campos:
        if n.lower() in NO_PASAR or n.lower() in quitar:
            continue
        if n.lower() == 'content-length' and con_largo:
            continue
        out.append(n + ': ' + v)
    if con_largo:
        out.append('Content-Length: %d' % len(cuerpo))
    out.append('Connection: close')
    return ('\r\n'.join(out) + '\r\n\r\n').encode('latin-1') + cuerpo


def pedir(servidor, mensaje, metodo, estado):
    """manda la peticion a un servidor y espera TODA la respuesta"""
    s = socket.create_connection(servidor, timeout=3)
    try:
        s.settimeout(ESPERA_BACKEND)
        estado['enviado'] = True
        s.sendall(mensaje)
        lec = Lector(s)
        while True:
            primera, campos = partir(lec.cabeza())
            cod = int(primera.split(' ')[1])
            if cod >= 200:
                break                      # los 1xx se botan
        te = (dame(campos, 'transfer-encoding') or '').lower()
        largo = dame(campos, 'content-length')
        if metodo == 'HEAD' or cod in (204, 304):
            return primera, campos, cod, b'', False
        if 'chunked' in te:
            cuerpo = lec.por_trozos()
        elif largo is not None:
            cuerpo = lec.exacto(int(largo.split(',')[0]))
        else:
            cuerpo = lec.hasta_cierre()
        return primera, campos, cod, cuerpo, True
    finally:
        s.close()


def error(cod, razon, metodo=''):
    c = ('<html><body><h1>%d %s</h1>PIBL</body></html>\n' % (cod, razon)).encode()
    cab = 'HTTP/1.1 %d %s\r\nContent-Type: text/html\r\nContent-Length: %d\r\nConnection: close\r\n\r\n' % (cod, razon, len(c))
    return cab.encode() + (b'' if metodo == 'HEAD' else c)


def se_guarda(metodo, pet, cod, resp):
    if metodo != 'GET' or cod != 200:
        return False
    if dame(pet, 'authorization') or dame(pet, 'range'):
        return False
    cc = ((dame(resp, 'cache-control') or '') + ',' + (dame(pet, 'cache-control') or '')).lower()
    if 'no-store' in cc:
        return False
    cc = (dame(resp, 'cache-control') or '').lower()
    if 'private' in cc or 'no-cache' in cc:
        return False
    if dame(resp, 'set-cookie'):
        return False
    if dame(resp, 'vary') not in (None, 'Accept-Encoding', 'accept-encoding'):
        return False
    return True


def atender(con, dir):
    pet_linea = '-'
    metodo = ''
    try:
        con.settimeout(ESPERA_CLIENTE)
        lec = Lector(con)
        try:
            cab = lec.cabeza()
            pet_linea, campos = partir(cab.lstrip(b'\r\n'))
            try:
                metodo, ruta, version = pet_linea.split(' ')
            except ValueError:
                raise MalaPeticion('linea de peticion')
            if not version.startswith('HTTP/1.'):
                raise MalaPeticion('version')
            if (dame(campos, 'expect') or '').lower() == '100-continue':
                con.sendall(b'HTTP/1.1 100 Continue\r\n\r\n')
            te = (dame(campos, 'transfer-encoding') or '').lower()
            largo = dame(campos, 'content-length')
            tiene = True
            if 'chunked' in te:
                cuerpo = lec.por_trozos()
            elif largo is not None:
                if not largo.isdigit():
                    raise MalaPeticion('content-length')
                cuerpo = lec.exacto(int(largo))
            else:
                cuerpo = b''
                tiene = False
        except MalaPeticion as e:
            con.sendall(error(400, 'Bad Request'))
            log('%s:%d "%s" -> 400 (%s)' % (dir[0], dir[1], pet_linea, e))
            return
        except Cortado:
            return      # el cliente no mando nada, no hay peticion que registrar

        # la llave lleva host porque dos sitios pueden compartir ruta
        llave = (dame(campos, 'host') or '') + ' ' + ruta + ' ' + (dame(campos, 'accept-encoding') or '')
        mirar = metodo == 'GET' and not dame(campos, 'authorization') and not dame(campos, 'range')
        if mirar:
            r = almacen.buscar(llave, TTL)
            if r is not None:
                cod, datos, edad = r
                con.sendall(datos)
                log('%s:%d "%s" -> cache(%ds) %s %d bytes' % (dir[0], dir[1], pet_linea, edad, cod, len(datos)))
                return

        mensaje = armar(metodo + ' ' + ruta + ' HTTP/1.1', campos + [('X-Forwarded-For', dir[0])], cuerpo, tiene)
        t = siguiente()
        respuesta = None
        falla = (502, 'Bad Gateway')
        quien = '-'
        for i in range(len(SERVIDORES)):
            serv = SERVIDORES[(t + i) % len(SERVIDORES)]
            quien = '%s:%d' % serv
            est = {'enviado': False}
            try:
                respuesta = pedir(serv, mensaje, metodo, est)
                break
            except socket.timeout:
                if est['enviado']:
                    falla = (504, 'Gateway Timeout')
                    break            # ya esperamos bastante
            except (OSError, Cortado, MalaPeticion, ValueError, IndexError):
                if est['enviado'] and metodo not in ('GET', 'HEAD'):
                    break            # un POST no se repite!!
        if respuesta is None:
            con.sendall(error(falla[0], falla[1], metodo))
            log('%s:%d "%s" -> %s %d %s' % (dir[0], dir[1], pet_linea, quien, falla[0], falla[1]))
            return
        primera, rcampos, cod, rcuerpo, con_largo = respuesta
        partes = primera.split(' ', 1)
        datos = armar('HTTP/1.1 ' + partes[1], rcampos, rcuerpo, con_largo)
        if mirar and se_guarda(metodo, campos, cod, rcampos):
            almacen.guardar(llave, cod, datos)
        try:
            con.sendall(datos)
            fin = ''
        except OSError:
            fin = ' (el cliente se fue)'
        log('%s:%d "%s" -> %s "%s" %d bytes%s' % (dir[0], dir[1], pet_linea, quien, partes[1], len(rcuerpo), fin))
    except OSError:
        pass
    except Exception as e:
        log('ERROR %r atendiendo "%s"' % (e, pet_linea))
    finally:
        try:
            con.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        con.close()


def main():
    global TTL, bitacora
    if len(sys.argv) < 2:
        print('uso: python3 pibl.py <ttl> [config.txt]')
        sys.exit(1)
    TTL = float(sys.argv[1])
    leer_config(sys.argv[2] if len(sys.argv) > 2 else 'config.txt')
    if not SERVIDORES:
        print('no hay servidores en la configuracion')
        sys.exit(1)
    bitacora = open('pibl.log', 'a', encoding='utf-8')
    almacen.preparar(os.path.join(os.getcwd(), 'cache'))
    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(('', PUERTO))
    s.listen(200)
    print('PIBL escuchando en', PUERTO, 'ttl', TTL, 'servidores', SERVIDORES, flush=True)
    while True:
        try:
            con, dir = s.accept()
        except KeyboardInterrupt:
            break
        except OSError:
            time.sleep(0.05)
            continue
        threading.Thread(target=atender, args=(con, dir), daemon=True).start()


if __name__ == '__main__':
    main()
