/* socket de escucha y el ciclo de accept: un hilo por cliente */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <unistd.h>
#include <pthread.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <arpa/inet.h>
#include <sys/socket.h>
#include "pibl.h"

int abrir_escucha(int puerto)
{
    int si = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0) { perror("socket"); return -1; }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &si, sizeof si);
    struct sockaddr_in d;
    memset(&d, 0, sizeof d);
    d.sin_family = AF_INET;
    d.sin_port = htons(puerto);
    d.sin_addr.s_addr = INADDR_ANY;
    if (bind(fd, (struct sockaddr *)&d, sizeof d) < 0) { perror("bind"); return -1; }
    if (listen(fd, SOMAXCONN) < 0) { perror("listen"); return -1; }
    return fd;
}

void ciclo_aceptar(int fd)
{
    pthread_attr_t at;
    pthread_attr_init(&at);
    pthread_attr_setdetachstate(&at, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&at, 1 << 20);
    for (;;) {
        int c = accept(fd, NULL, NULL);
        if (c < 0) {
            if (errno == EMFILE) usleep(10000);
            continue;
        }
        int si = 1;
        setsockopt(c, IPPROTO_TCP, TCP_NODELAY, &si, sizeof si);
        pthread_t h;
        if (pthread_create(&h, &at, hilo_cliente, (void *)(long)c) != 0) close(c);
    }
}
