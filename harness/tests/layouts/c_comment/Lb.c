/*
 * Balanceador
 * compilar:  gcc Lb.c -o lb -pthread
 * correr:    ./lb lista.txt 60
 */

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static char hosts[16][64];
static int ports[16], count = 0, turn = 0;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
#define COUNT count
#define PORT_OF(i) ports[i]
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
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(PORT_OF(mine))};
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

int main(int argc, char **argv) {
    int port = 8080;
    if (argc < 3) return 1;
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_ADDRCONFIG}, *here;
    int problem = getaddrinfo(NULL, "80", &hints, &here);
    if (problem) { fprintf(stderr, "getaddrinfo: %s\n", gai_strerror(problem)); return 1; }
    FILE *lista = fopen(argv[1], "r"); /* servidores */
    if (!lista) { perror(argv[1]); return 1; }
    if (fscanf(lista, "%d", &port) != 1) return 1;
    while (fscanf(lista, "%63s %d", hosts[count], &ports[count]) == 2) count++;
    fclose(lista);
    printf("ttl %s\n", argv[2]);
    return serve_on(port);
}
