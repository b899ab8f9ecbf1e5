#include <stdio.h>
#include <string.h>
#include <stdlib.h>
#include <unistd.h>
#include <arpa/inet.h>
int main(int c,char**v){ int s=socket(AF_INET,SOCK_STREAM,0),n; struct sockaddr_in a={AF_INET,htons(8080)}; char b[2000];
 a.sin_addr.s_addr=inet_addr("127.0.0.1"); if(connect(s,(void*)&a,sizeof a)) return 1;
 sprintf(b,"GET %.1000s HTTP/1.1\r\nHost: x\r\n\r\n",c>1?v[1]:"/"); write(s,b,strlen(b)); while((n=read(s,b,2000))>0) fwrite(b,1,n,stdout); }
