/* PRIMERA VERSION - no usar!! solo atiende de a uno y sin cache */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>
#include <netinet/in.h>
int main(){ int s=socket(AF_INET,SOCK_STREAM,0),c; struct sockaddr_in a={0}; char b[4096]; int n;
 a.sin_family=AF_INET; a.sin_port=htons(8080); bind(s,(void*)&a,sizeof a); listen(s,5);
 while((c=accept(s,0,0))>=0){ n=read(c,b,4096); write(1,b,n); write(c,"HTTP/1.1 200 OK\r\n\r\nhola",23); close(c);} }
