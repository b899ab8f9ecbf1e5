gcc -O1 -Wall -o pibl pibl.c && echo listo
