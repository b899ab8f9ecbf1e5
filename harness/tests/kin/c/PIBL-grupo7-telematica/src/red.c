#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <unistd.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/time.h>
#include "pibl.h"

static int turno = 0;    /* a quien le toca */

void meter(struct bolsa *b, const char *d, size_t n) {
    if (b->tam + n + 1 > b->cap) {
        b->cap = (b->tam + n + 1) * 2;
        b->datos = realloc(b->datos, b->cap);
        if (!b->datos) { fprintf(stderr, "sin memoria\n"); exit(1); }
    }
    memcpy(b->datos + b->tam, d, n);
    b->tam += n;
    b->datos[b->tam] = 0;
}

int enviar_todo(int fd, const char *d, size_t n) {
    while (n > 0) {
        ssize_t k = send(fd, d, n, 0);
        if (k < 0 && errno == EINTR) continue;
        if (k <= 0) return -1;
        d += k;
        n -= k;
    }
    return 0;
}

void poner_tiempo(int fd, int segundos) {
    struct timeval t = { segundos, 0 };
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t);
}

/* lee hasta la linea vacia; devuelve donde termina la cabecera, 0 fin, -1 error, -2 tiempo, -3 muy larga */
long leer_cabecera(int fd, struct bolsa *b) {
    char t[8192];
    for (;;) {
        char *p = b->tam ? memmem(b->datos, b->tam, "\r\n\r\n", 4) : NULL;
        if (p) return p - b->datos + 4;
        if (b->tam > MAX_CAB) return -3;
        ssize_t k = recv(fd, t, sizeof t, 0);
        if (k < 0) return (errno == EAGAIN) ? -2 : -1;
        if (k == 0) return 0;
        meter(b, t, k);
    }
}

static int intentar(struct servidor *s) {
    char p[12];
    struct addrinfo pista = { 0 }, *r;
    snprintf(p, sizeof p, "%d", s->puerto);
    pista.ai_family = AF_INET;
    pista.ai_socktype = SOCK_STREAM;
    if (getaddrinfo(s->ip, p, &pista, &r) != 0) return -1;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    poner_tiempo(fd, 10);
    if (connect(fd, r->ai_addr, r->ai_addrlen) < 0) { close(fd); fd = -1; }
    freeaddrinfo(r);
    return fd;
}

/* round robin: arranca en el turno y si ese no contesta sigue con el otro */
int conectar_backend(int *cual) {
    int yo = turno;
    for (int i = 0; i < CONF.nserv; i++) {
        *cual = (yo + i) % CONF.nserv;
        int fd = intentar(&CONF.serv[*cual]);
        if (fd >= 0) return fd;
    }
    return -1;
}

/* este ya contesto (o no quiso), entonces le toca al otro */
void avanzar_turno(int cual) {
    turno = (cual + 1) % CONF.nserv;
}
