/* VERSION 1 - ya no se usa */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <sys/socket.h>
#define PORT 8080
char *servers[3] = {"172.31.20.11", "172.31.20.12", "172.31.20.13"};
int turno = 0;
int main() {
    char buf[4096], resp[4096];
    struct sockaddr_in a = {0}, b = {0};
    int s = socket(AF_INET, SOCK_STREAM, 0);
    a.sin_family = b.sin_family = AF_INET;
    a.sin_port = htons(PORT);
    b.sin_port = htons(80);
    bind(s, (struct sockaddr *)&a, sizeof a);
    listen(s, 1);
    while (1) {
        int c = accept(s, NULL, NULL), d = socket(AF_INET, SOCK_STREAM, 0);
        int n = recv(c, buf, sizeof buf, 0);
        b.sin_addr.s_addr = inet_addr(servers[turno++ % 3]);
        connect(d, (struct sockaddr *)&b, sizeof b);
        send(d, buf, n, 0);
        n = recv(d, resp, sizeof resp, 0);
        send(c, resp, strlen(resp), 0);
        close(d);
        close(c);
    }
}
