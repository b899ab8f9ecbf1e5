// primera prueba con sockets, NO se usa
#include <stdio.h>
#include <sys/socket.h>
int main(){ int s=socket(AF_INET,SOCK_STREAM,0); listen(s,5); printf("hola %d\n",s); return 0; }
