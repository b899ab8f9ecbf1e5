import asyncio
import argparse
import sys
from balanceador import Balanceador

# entrada del programa
# ejemplo: python main.py --puerto 8080 --ttl 30 --servidores servidores.txt

def argumentos():
    p = argparse.ArgumentParser(description='PIBL con asyncio')
    p.add_argument('-p', '--puerto', type=int, default=8080)
    p.add_argument('-t', '--ttl', type=float, default=300)
    p.add_argument('-s', '--servidores', default='servidores.txt', help='archivo con un host:puerto por linea')
    p.add_argument('--cache', default='./cache')
    p.add_argument('--log', default='peticiones.log')
    return p.parse_args()


if __name__ == '__main__':
    a = argumentos()
    lista = []
    for l in open(a.servidores):
        l = l.strip()
        if l and not l.startswith('//'):
            h, p = l.split(':')
            lista.append((h, int(p)))
    print('servidores:', lista)
    sys.stdout.flush()
    try:
        asyncio.run(Balanceador(lista, a).correr())
    except KeyboardInterrupt:
        print('chao')
