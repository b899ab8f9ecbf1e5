#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <arpa/inet.h>
/* cliente ip puerto ruta */
int main(int argc, char **argv) {
    struct sockaddr_in a = {0};
    char b[4096];
    ssize_t n;
    if (argc < 4) { printf("cliente ip puerto ruta\n"); return 1; }
    int s = socket(AF_INET, SOCK_STREAM, 0);
    a.sin_family = AF_INET;
    a.sin_port = htons(atoi(argv[2]));
    a.sin_addr.s_addr = inet_addr(argv[1]);
    if (connect(s, (struct sockaddr *)&a, sizeof a)) { perror("connect"); return 1; }
    snprintf(b, sizeof b, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", argv[3], argv[1]);
    send(s, b, strlen(b), 0);
    while ((n = recv(s, b, sizeof b, 0)) > 0) fwrite(b, 1, n, stdout);
    return 0;
}
