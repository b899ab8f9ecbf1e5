/* version de la primera semana: fork sin cache, turno mal (cada hijo tenia su copia) */
#include <stdio.h>
#include <unistd.h>
#include <sys/socket.h>
int turno=0;
int siguiente(){ return turno++%3; }
int main(){ return 0; }
