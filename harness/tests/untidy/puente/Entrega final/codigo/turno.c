#include <netdb.h>
#include <string.h>
#include <unistd.h>
#include <pthread.h>
#include <sys/socket.h>
#include "pibl.h"

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static int turno = 0;

int siguiente(void)
{
    pthread_mutex_lock(&m);
    int t = turno;
    turno = (turno + 1) % cfg.nserv;
    pthread_mutex_unlock(&m);
    return t;
}

int conectar(int cual)
{
    struct addrinfo h, *r, *i;
    int fd = -1;
    memset(&h, 0, sizeof h);
    h.ai_family = AF_INET;
    h.ai_socktype = SOCK_STREAM;
    if (getaddrinfo(cfg.serv[cual].host, cfg.serv[cual].puerto, &h, &r) != 0) return -1;
    for (i = r; i; i = i->ai_next) {
        fd = socket(i->ai_family, i->ai_socktype, i->ai_protocol);
        if (fd < 0) continue;
        /* que un servidor colgado no deje el hilo para siempre */
        struct timeval tv = { 60, 0 };
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
        if (connect(fd, i->ai_addr, i->ai_addrlen) == 0) break;
        close(fd);
        fd = -1;
    }
    freeaddrinfo(r);
    return fd;
}
