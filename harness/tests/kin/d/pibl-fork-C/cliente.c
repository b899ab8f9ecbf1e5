/* cliente de prueba de geeksforgeeks */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <arpa/inet.h>
int main(){ int s=socket(AF_INET,SOCK_STREAM,0); struct sockaddr_in a={AF_INET,htons(8080),{htonl(0x7f000001)},{0}}; char b[1024];
 if(connect(s,(void*)&a,sizeof a)<0) return 1; char*m="GET / HTTP/1.1\r\nHost: a\r\n\r\n"; send(s,m,strlen(m),0); int n=read(s,b,1023); b[n>0?n:0]=0; puts(b); return 0; }
