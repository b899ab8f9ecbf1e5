// Proxy con pool de hilos - Telematica
// ./proxy config.txt ttl
// config.txt: primera linea el puerto, luego un servidor por linea
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <signal.h>
#include <errno.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include "proxy.h"

backend_t lista[32];
int total_backends = 0, mi_puerto = 8080, ttl_cache = 60;

int cola[COLA], ini = 0, fin = 0, cuantos = 0;
pthread_mutex_t mcola = PTHREAD_MUTEX_INITIALIZER;
pthread_cond_t hay = PTHREAD_COND_INITIALIZER, cupo = PTHREAD_COND_INITIALIZER;
unsigned int turno = 0;
pthread_mutex_t mturno = PTHREAD_MUTEX_INITIALIZER;

// buffer para leer las respuestas (grande, por eso no va en la pila)
static char buffer[TAM];

static int mandar(int s, const char *b, long n) {
    while (n > 0) {
        long k = send(s, b, n, MSG_NOSIGNAL);
        if (k <= 0) return -1;
        b += k;
        n -= k;
    }
    return 0;
}

static void error_http(int c, const char *st, const char *req) {
    char b[300];
    int k = snprintf(b, sizeof b, "HTTP/1.1 %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", st);
    log_linea(req, st, 0, "proxy");
    mandar(c, b, k);
}

// busca un header, devuelve puntero al valor o NULL
static char *campo(char *head, const char *nombre) {
    char k[64];
    snprintf(k, sizeof k, "\n%s:", nombre);
    char *p = strcasestr(head, k);
    if (!p) return NULL;
    p += strlen(k);
    while (*p == ' ') p++;
    return p;
}

static int conectar(backend_t *b) {
    int s = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in a;
    struct timeval tv = {6, 0};
    memset(&a, 0, sizeof a);
    a.sin_family = AF_INET;
    a.sin_port = htons(b->puerto);
    inet_pton(AF_INET, b->ip, &a.sin_addr);
    setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
    setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv);
    if (connect(s, (struct sockaddr *)&a, sizeof a) < 0) { close(s); return -1; }
    return s;
}

static int siguiente(void) {
    pthread_mutex_lock(&mturno);
    turno++;
    if ((int)turno >= total_backends) turno = 1;
    int r = turno;
    pthread_mutex_unlock(&mturno);
    return total_backends > 1 ? r : 0;
}

typedef struct { char *d; long n, cap; } Bolsa;
static void echar(Bolsa *b, const char *d, long n) {
    if (b->n + n + 1 > b->cap) {
        b->cap = (b->n + n + 1) * 2;
        b->d = realloc(b->d, b->cap);
    }
    memcpy(b->d + b->n, d, n);
    b->n += n;
    b->d[b->n] = 0;
}

// copia los campos menos los de la conexion
static void copiar_campos(Bolsa *o, char *head, char *fin_head) {
    char *p = strstr(head, "\r\n") + 2;
    while (p < fin_head) {
        char *e = strstr(p, "\r\n");
        if (e == p) break;
        if (strncasecmp(p, "Connection:", 11) && strncasecmp(p, "Keep-Alive:", 11) && strncasecmp(p, "Expect:", 7))
            echar(o, p, e - p + 2);
        p = e + 2;
    }
}

static void atender(int c) {
    char pet[TAM], metodo[16], *url, linea[9000], quien[100], st[64];
    Bolsa req = {0}, out = {0}, res = {0};
    char *datos;
    long n, k;
    int s = -1, i;

    n = recv(c, pet, TAM - 1, 0);
    if (n <= 0) return;
    pet[n] = 0;
    snprintf(linea, sizeof linea, "%.*s", (int)strcspn(pet, "\r\n"), pet);
    char *fh = strstr(pet, "\r\n\r\n");
    if (fh == NULL) {
        error_http(c, "400 Bad Request", linea);
        return;
    }
    url = malloc(n + 1);
    if (sscanf(pet, "%15s %s", metodo, url) != 2) { error_http(c, "400 Bad Request", linea); goto salir; }

    // ---- cache ----
    if (strcmp(metodo, "GET") == 0 && (n = cache_leer(url, &datos)) > 0) {
        mandar(c, datos, n);
        free(datos);
        goto salir;
    }
    n = strlen(pet) > 0 ? n : 0;

    // ---- armar la peticion ----
    char *cl = campo(pet, "Content-Length");
    long cuerpo = (cl && cl < fh) ? atol(cl) : 0;
    echar(&req, linea, strlen(linea));
    echar(&req, "\r\n", 2);
    copiar_campos(&req, pet, fh + 2);
    echar(&req, "Connection: keep-alive\r\n\r\n", 26);
    if (campo(pet, "Expect")) mandar(c, "HTTP/1.1 100 Continue\r\n\r\n", 25);
    if (cuerpo > 0) {
        // lo que llego pegado al head
        long ya = cl ? 0 : 0;
        char *b = fh + 4;
        ya = strlen(b);
        if (ya > cuerpo) ya = cuerpo;
        echar(&req, b, ya);
        while (ya < cuerpo) {
            k = recv(c, pet, TAM - 1, 0);
            if (k <= 0) goto salir;
            echar(&req, pet, k);
            ya += k;
        }
    }

    // ---- enviar al servidor ----
    for (i = 0; i < total_backends; i++) {
        int q = siguiente();
        s = conectar(&lista[q]);
        if (s >= 0) { snprintf(quien, sizeof quien, "%s:%d", lista[q].ip, lista[q].puerto); break; }
    }
    if (s < 0) { error_http(c, "502 Bad Gateway", linea); goto salir; }
    mandar(s, req.d, req.n);

    // ---- leer respuesta ----
    char *fr = NULL;
    long falta = -1, hl = 0;
    int trozos = 0;
    while (1) {
        k = recv(s, buffer, TAM, 0);
        if (k <= 0) break;
        usleep(500);   // si no se pone esto a veces llega incompleto (??)
        echar(&res, buffer, k);
        if (!fr && (fr = memmem(res.d, res.n, "\r\n\r\n", 4))) {
            hl = fr - res.d + 4;
            char *p = campo(res.d, "Content-Length");
            if (p && p < res.d + hl) falta = atol(p);
            p = campo(res.d, "Transfer-Encoding");
            if (p && p < res.d + hl) trozos = 1;
            if (!strcmp(metodo, "HEAD")) falta = 0;
        }
        if (fr && !trozos && falta >= 0 && res.n - hl >= falta) break;
        if (fr && trozos && res.n >= 5 && !memcmp(res.d + res.n - 5, "0\r\n\r\n", 5)) break;
    }
    if (!hl) { error_http(c, k < 0 ? "504 Gateway Timeout" : "502 Bad Gateway", linea); goto salir; }

    snprintf(st, sizeof st, "%.*s", (int)strcspn(res.d, "\r\n"), res.d);
    echar(&out, st, strlen(st));
    echar(&out, "\r\n", 2);
    copiar_campos(&out, res.d, res.d + hl - 2);
    echar(&out, "Connection: close\r\n\r\n", 21);
    echar(&out, res.d + hl, res.n - hl);
    int code = atoi(res.d + 9);
    if (!strcmp(metodo, "GET") && (code == 200 || code == 301 || code == 404) && (falta < 0 || res.n - hl == falta)) {
        char *cc = campo(res.d, "Cache-Control");
        if (!(cc && cc < res.d + hl && (!strncmp(cc, "no-store", 8) || !strncmp(cc, "private", 7))))
            cache_guardar(url, out.d, out.n);
    }
    log_linea(linea, st, res.n - hl, quien);
    mandar(c, out.d, out.n);
salir:
    if (s >= 0) close(s);
    free(url); free(req.d); free(out.d); free(res.d);
}

static void *obrero(void *x) {
    (void)x;
    for (;;) {
        pthread_mutex_lock(&mcola);
        while (cuantos == 0) pthread_cond_wait(&hay, &mcola);
        int c = cola[ini];
        ini = (ini + 1) % COLA;
        cuantos--;
        pthread_cond_signal(&cupo);
        pthread_mutex_unlock(&mcola);
        struct timeval tv = {10, 0};
        setsockopt(c, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
        atender(c);
        shutdown(c, SHUT_WR);
        close(c);
    }
    return NULL;
}

int main(int argc, char **argv) {
    if (argc != 3) { fprintf(stderr, "uso: %s config.txt ttl\n", argv[0]); return 1; }
    FILE *f = fopen(argv[1], "r");
    char l[200];
    int i, uno = 1;
    if (!f) { perror(argv[1]); return 1; }
    if (!fgets(l, sizeof l, f) || (mi_puerto = atoi(l)) <= 0) { fprintf(stderr, "puerto malo en la primera linea\n"); return 1; }
    while (fgets(l, sizeof l, f) && total_backends < 32) {
        backend_t *b = &lista[total_backends];
        if (l[0] == '#' || l[0] == '\n') continue;
        if (sscanf(l, "%63[^:]:%d", b->ip, &b->puerto) != 2) { fprintf(stderr, "linea mala: %s", l); return 1; }
        total_backends++;
    }
    fclose(f);
    if (!total_backends) { fprintf(stderr, "sin servidores\n"); return 1; }
    ttl_cache = atoi(argv[2]);
    signal(SIGPIPE, SIG_IGN);
    cache_init();
    int s = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &uno, sizeof uno);
    struct sockaddr_in a = {0};
    a.sin_family = AF_INET;
    a.sin_port = htons(mi_puerto);
    if (bind(s, (struct sockaddr *)&a, sizeof a) < 0) { perror("bind"); return 1; }
    listen(s, 128);
    pthread_t t;
    for (i = 0; i < N_HILOS; i++) pthread_create(&t, NULL, obrero, NULL);
    printf("proxy escuchando %d con %d servidores\n", mi_puerto, total_backends);
    fflush(stdout);
    for (;;) {
        int c = accept(s, NULL, NULL);
        if (c < 0) continue;
        pthread_mutex_lock(&mcola);
        while (cuantos == COLA) pthread_cond_wait(&cupo, &mcola);
        cola[fin] = c;
        fin = (fin + 1) % COLA;
        cuantos++;
        pthread_cond_signal(&hay);
        pthread_mutex_unlock(&mcola);
    }
}
