/* servidorcito de prueba: ./web 9001 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <arpa/inet.h>
int main(int c,char**v){int s=socket(2,1,0);struct sockaddr_in a={0};a.sin_family=2;a.sin_port=htons(atoi(v[1]));bind(s,(void*)&a,sizeof a);listen(s,10);
for(;;){int k=accept(s,0,0);char b[4096],r[300],h[100];read(k,b,4096);int n=sprintf(h,"<h1>servidor %s</h1>\n",v[1]);
n=sprintf(r,"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n%s",n,h);write(k,r,n);close(k);}}
