
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "comun.h"
static const char *hosts[3] = {"172.16.0.1", "172.16.0.2", "172.16.0.3"};
static int turn = 0;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
#define COUNT 3
#define PORT_OF(i) 80
#define HOST_OF(i) hosts[i]

static void *serve(void *argument) {
    int client = (int)(long)argument, have = 0, n;
    char data[8193];
    while (have < 8192 && (n = read(client, data + have, 8192 - have)) > 0) {
        have += n;
        data[have] = 0;
        if (strstr(data, "\r\n\r\n")) break;
    }
    data[have > 0 ? have : 0] = 0;
    pthread_mutex_lock(&lock);
    int mine = turn++ % COUNT;
    pthread_mutex_unlock(&lock);
    int up = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(80)};
    inet_pton(AF_INET, HOST_OF(mine), &to.sin_addr);
    char *end = strstr(data, "\r\n\r\n");
    if (end && connect(up, (struct sockaddr *)&to, sizeof to) == 0) {
        write(up, data, end - data);
        write(up, "\r\nConnection: close\r\n\r\n", 23);
        char answer[65536];
        while ((n = read(up, answer, sizeof answer)) > 0) write(client, answer, n);
    }
    close(up);
    close(client);
    return NULL;
}

int serve_on(int port) {
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = INADDR_ANY};
    if (bind(fd, (struct sockaddr *)&here, sizeof here) < 0) { perror("bind"); return 1; }
    listen(fd, 128);
    signal(SIGPIPE, SIG_IGN);
    for (;;) {
        int client = accept(fd, NULL, NULL);
        pthread_t t;
        if (client >= 0) { pthread_create(&t, NULL, serve, (void *)(long)client); pthread_detach(t); }
    }
}
