#!/bin/bash
# compila todo
set -e
cd "$(dirname "$0")"
gcc -Wall -D_GNU_SOURCE -O1 balanceador.c -o balanceador -pthread
gcc -Wall cliente_prueba/cliente.c -o cliente_prueba/cliente
echo listo
