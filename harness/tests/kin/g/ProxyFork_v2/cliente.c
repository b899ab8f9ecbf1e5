/* cliente de prueba: ./cliente host puerto ruta */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <netdb.h>
#include <sys/socket.h>
int main(int c, char **v) {
    struct addrinfo h = {0}, *r;
    char b[4096];
    int n;
    if (c < 4) return 1;
    h.ai_socktype = SOCK_STREAM;
    if (getaddrinfo(v[1], v[2], &h, &r)) return 1;
    int s = socket(r->ai_family, SOCK_STREAM, 0);
    if (connect(s, r->ai_addr, r->ai_addrlen)) { perror("connect"); return 1; }
    n = snprintf(b, sizeof b, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", v[3], v[1]);
    write(s, b, n);
    while ((n = read(s, b, sizeof b)) > 0) write(1, b, n);
    return 0;
}
