/*
 * FARO: proxy inverso y balanceador
 * compile with:  gcc Faro.c -o faro -pthread
 * run with:      ./faro servidores.txt 60
 *
 * First line of the file is the port, then one server per line (host port).
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <errno.h>
#include <time.h>
#include <signal.h>
#include <pthread.h>
#include <netdb.h>
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <arpa/inet.h>
#include <netinet/in.h>

#define BACKLOG 5
#define BUF 65536

struct servidor { char host[100]; char port[10]; } lista[10];
int nservidores = 0, turno = 0;
long ttl;
char puerto[10];
pthread_mutex_t candado = PTHREAD_MUTEX_INITIALIZER;   /* protege turno, log y cache */

int resolver(const char *host, const char *port, int flags, struct addrinfo **res)
{
    struct addrinfo hints;
    int rv;
    memset(&hints, 0, sizeof hints);
    hints.ai_family = AF_INET;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = flags | AI_ADDRCONFIG;
    if ((rv = getaddrinfo(host, port, &hints, res)) != 0) {
        fprintf(stderr, "getaddrinfo %s: %s\n", host ? host : "*", gai_strerror(rv));
        return -1;
    }
    return 0;
}

int conectar(struct servidor *s)
{
    struct addrinfo *r, *p;
    int fd = -1;
    if (resolver(s->host, s->port, 0, &r) < 0) return -1;
    for (p = r; p != NULL; p = p->ai_next) {
        if ((fd = socket(p->ai_family, p->ai_socktype, p->ai_protocol)) == -1) continue;
        if (connect(fd, p->ai_addr, p->ai_addrlen) == 0) break;
        close(fd); fd = -1;
    }
    freeaddrinfo(r);
    return fd;
}

int sendall(int s, const char *b, size_t len)
{
    size_t total = 0;
    while (total < len) {
        ssize_t n = send(s, b + total, len - total, 0);
        if (n == -1) return -1;
        total += n;
    }
    return 0;
}

void log_linea(const char *ip, const char *req, const char *resp, long bytes, const char *via)
{
    char f[40]; time_t t = time(NULL); struct tm tm;
    strftime(f, sizeof f, "%a %d %b %Y %T", localtime_r(&t, &tm));
    FILE *l = fopen("faro.log", "a");
    if (l) { fprintf(l, "%s - %s - REQUEST: %s - RESPONSE: %s (%ld bytes) - %s\n", f, ip, req, resp, bytes, via); fclose(l); }
    printf("%s - %s - REQUEST: %s - RESPONSE: %s (%ld bytes) - %s\n", f, ip, req, resp, bytes, via);
    fflush(stdout);
}

void ruta_cache(const char *url, char *ruta)
{
    unsigned long h = 5381;
    const char *c = url;
    while (*c) h = h * 33 + (unsigned char)*c++;     /* djb2 */
    sprintf(ruta, "cache/%lx.cache", h);
}

/* busca un header dentro de los primeros n bytes */
char *header(char *b, size_t n, const char *nombre)
{
    char viejo = b[n];
    b[n] = 0;
    char *p = strcasestr(b, nombre);
    b[n] = viejo;
    return p ? p + strlen(nombre) : NULL;
}

/* crece b si hace falta y hace un recv */
ssize_t recibir(int fd, char **b, size_t *n, size_t *cap)
{
    if (*cap - *n < BUF + 1) { *cap = *cap * 2 + BUF + 1; *b = realloc(*b, *cap); }
    ssize_t k = recv(fd, *b + *n, BUF, 0);
    if (k > 0) { *n += k; (*b)[*n] = 0; }
    return k;
}

/* lee un mensaje http completo. 0 bien, -1 se corto, 1 cerro sin mandar nada */
int leer_mensaje(int fd, char **b, size_t *n, size_t *cap, size_t *cab, int es_resp, int sin_cuerpo)
{
    char *f;
    *n = 0; *cab = 0;
    for (;;) {
        if (recibir(fd, b, n, cap) <= 0) return *n == 0 ? 1 : -1;
        if ((f = memmem(*b, *n, "\r\n\r\n", 4))) break;
        if (*n > 1 << 20) return -1;
    }
    *cab = f + 4 - *b;
    if (sin_cuerpo) return 0;
    if (es_resp) { int st = atoi(*b + 9); if (st == 204 || st == 304) return 0; }
    char *v;
    if ((v = header(*b, *cab, "\r\nTransfer-Encoding:")) && strncasecmp(v + strspn(v, " "), "chunked", 7) == 0) {
        size_t p = *cab;                  /* recorrer los chunks */
        for (;;) {
            char *e;
            while (!(e = memmem(*b + p, *n - p, "\r\n", 2)))
                if (recibir(fd, b, n, cap) <= 0) return -1;
            size_t t = strtoul(*b + p, NULL, 16), sig = (e + 2 - *b) + t + 2;
            while (*n < sig) if (recibir(fd, b, n, cap) <= 0) return -1;
            p = sig;
            if (t == 0) return 0;
        }
    }
    if ((v = header(*b, *cab, "\r\nContent-Length:"))) {
        size_t falta = *cab + strtoul(v, NULL, 10);
        while (*n < falta) if (recibir(fd, b, n, cap) <= 0) return -1;
        return 0;
    }
    if (!es_resp) return 0;
    while (recibir(fd, b, n, cap) > 0) ;
    return 0;
}

void *atender(void *arg)
{
    int cli = *(int *)arg;
    free(arg);
    struct sockaddr_in a; socklen_t al = sizeof a;
    char ip[INET_ADDRSTRLEN] = "-";
    if (getpeername(cli, (struct sockaddr *)&a, &al) == 0) inet_ntop(AF_INET, &a.sin_addr, ip, sizeof ip);
    char *q = NULL, *r = NULL;
    size_t qn, qcap = 0, qcab, rn, rcap = 0, rcab;

    if (leer_mensaje(cli, &q, &qn, &qcap, &qcab, 0, 0) != 0) { close(cli); free(q); return NULL; }
    char *linea = strndup(q, strcspn(q, "\r\n"));
    char *url = strdup(linea), *metodo = strdup(linea), resp[100] = "", ruta[100];
    if (sscanf(linea, "%s %s", metodo, url) != 2) { close(cli); return NULL; }

    pthread_mutex_lock(&candado);
    ruta_cache(url, ruta);
    int get = strcmp(metodo, "GET") == 0, listo = 0;
    struct stat st;
    if (get && stat(ruta, &st) == 0) {
        struct timespec ya;
        clock_gettime(CLOCK_REALTIME, &ya);
        double edad = (ya.tv_sec - st.st_mtim.tv_sec) + (ya.tv_nsec - st.st_mtim.tv_nsec) / 1e9;
        if (edad < ttl) {
            FILE *f = fopen(ruta, "rb");
            r = malloc(st.st_size + 1);
            rn = fread(r, 1, st.st_size, f);
            fclose(f);
            r[rn] = 0;
            /* la primera linea es la url */
            char *nl = memchr(r, '\n', rn);
            if (nl && strlen(url) == (size_t)(nl - r) && memcmp(r, url, nl - r) == 0) {
                nl++;
                sendall(cli, nl, rn - (nl - r));
                sscanf(nl, "HTTP/%*s %99[^\r\n]", resp);
                log_linea(ip, linea, resp, rn - (nl - r), "cache");
                listo = 1;
            }
        }
    }
    int i, k = 0, s = -1, ok = -1;
    for (i = 0; !listo && i < nservidores && ok != 0; i++) {
        k = turno;
        turno = (turno + 1) % nservidores;
        s = conectar(&lista[k]);
        if (s == -1) continue;
        ok = -1;
        if (sendall(s, q, qn) == 0) ok = leer_mensaje(s, &r, &rn, &rcap, &rcab, 1, strcmp(metodo, "HEAD") == 0);
        close(s);
        if (ok == -1 && rn > 0) break;
    }
    if (!listo && s == -1) {
        char *e = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        sendall(cli, e, strlen(e));
        log_linea(ip, linea, "503", 0, "ninguno");
    } else if (!listo && r) {
        sendall(cli, r, rn);
        sscanf(r, "HTTP/%*s %99[^\r\n]", resp);
        log_linea(ip, linea, resp, rn - rcab, lista[k].host);
        if (get && ok == 0) {
            FILE *f = fopen(ruta, "wb");
            if (f) { fprintf(f, "%s\n", url); fwrite(r, 1, rn, f); fclose(f); }
        }
    }
    pthread_mutex_unlock(&candado);
    shutdown(cli, SHUT_WR);
    close(cli);
    free(q); free(r); free(linea); free(url); free(metodo);
    return NULL;
}

int main(int argc, char *argv[])
{
    if (argc != 3) { fprintf(stderr, "usage: faro <servers file> <ttl>\n"); exit(1); }
    FILE *f = fopen(argv[1], "r");
    if (!f) { perror(argv[1]); exit(1); }
    if (fscanf(f, "%9s", puerto) != 1 || atoi(puerto) == 0) { fprintf(stderr, "first line has to be the port\n"); exit(1); }
    while (nservidores < 10 && fscanf(f, "%99s %9s", lista[nservidores].host, lista[nservidores].port) == 2) nservidores++;
    fclose(f);
    ttl = atol(argv[2]);
    signal(SIGPIPE, SIG_IGN);
    mkdir("cache", 0777);

    struct addrinfo *res;
    if (resolver(NULL, puerto, AI_PASSIVE, &res) < 0) exit(1);
    int s = socket(res->ai_family, res->ai_socktype, res->ai_protocol);
    if (bind(s, res->ai_addr, res->ai_addrlen) == -1) { perror("bind"); exit(1); }
    if (listen(s, BACKLOG) == -1) { perror("listen"); exit(1); }
    freeaddrinfo(res);
    printf("faro: waiting for connections on %s...\n", puerto);
    fflush(stdout);
    while (1) {
        int *c = malloc(sizeof(int));
        *c = accept(s, NULL, NULL);
        if (*c == -1) { perror("accept"); free(c); continue; }
        pthread_t h;
        pthread_create(&h, NULL, atender, c);
        pthread_detach(h);
    }
}
