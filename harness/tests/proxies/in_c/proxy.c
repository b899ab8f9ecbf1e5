/* A proxy in C with everything in its source: what a patch is for. No cache. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PORT 8080

struct backend { const char *host; int port; };
static struct backend backends[] = {{"10.0.0.5", 80}, {"10.0.0.6", 80}, {"10.0.0.7", 80}};
static int turn = 0;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *serve(void *argument) {
    int client = *(int *)argument;
    free(argument);
    char buffer[65536];
    size_t have = 0;
    while (have < sizeof buffer - 1) {
        ssize_t got = recv(client, buffer + have, sizeof buffer - 1 - have, 0);
        if (got <= 0) break;
        have += (size_t)got;
        buffer[have] = 0;
        if (strstr(buffer, "\r\n\r\n")) break;
    }
    char method[16], target[4096];
    if (sscanf(buffer, "%15s %4095s", method, target) != 2) {
        close(client);
        return NULL;
    }
    pthread_mutex_lock(&lock);
    struct backend chosen = backends[turn++ % (int)(sizeof backends / sizeof *backends)];
    pthread_mutex_unlock(&lock);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)chosen.port)};
    inet_pton(AF_INET, chosen.host, &address.sin_addr);
    int upstream = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(upstream, (struct sockaddr *)&address, sizeof address) == 0) {
        char request[8192];
        int length = snprintf(request, sizeof request, "%s %s HTTP/1.0\r\nHost: %s\r\n\r\n", method, target, chosen.host);
        send(upstream, request, (size_t)length, 0);
        ssize_t got;
        while ((got = recv(upstream, buffer, sizeof buffer, 0)) > 0) send(client, buffer, (size_t)got, 0);
        printf("%s %s -> %s\n", method, target, chosen.host);
    }
    close(upstream);
    close(client);
    return NULL;
}

int main(void) {
    signal(SIGPIPE, SIG_IGN);
    int listener = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0) {
        perror("bind");
        return 1;
    }
    listen(listener, 128);
    for (;;) {
        int *client = malloc(sizeof *client);
        *client = accept(listener, NULL, NULL);
        pthread_t thread;
        pthread_create(&thread, NULL, serve, client);
        pthread_detach(thread);
    }
}
