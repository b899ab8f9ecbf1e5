#!/bin/sh
# en la maquina de aws
gcc -O2 -o noria noria.c && sudo ./noria -p 80 -b 172.31.1.5:80 -b 172.31.1.6:80 -b 172.31.1.7:80 -t ${1:-60}
