/*
 * proxy.c  Proxy inverso + balanceador. Un proceso hijo por cada cliente (fork).
 * gcc -o proxy proxy.c
 * ./proxy <ttl en segundos> [archivo de configuracion]
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <stdarg.h>
#include <unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <time.h>
#include <netdb.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>

#define TAM 4096
#define MAXB 32
#define ESPERA 5

struct backend { char host[100]; char puerto[10]; } backends[MAXB];
int nback = 0;
int puerto = 8000;
char archivo_log[200] = "pibl.log";
int ttl;
int logfd;
unsigned int *turno;            /* memoria compartida entre los hijos */

struct mem { char *p; long n, cap; };

void meter(struct mem *m, const char *d, long n)
{
    if (m->n + n + 1 > m->cap) {
        m->cap = 2 * (m->n + n + 1);
        m->p = realloc(m->p, m->cap);
    }
    memcpy(m->p + m->n, d, n);
    m->n += n;
    m->p[m->n] = 0;
}

void leer_config(char *nombre)
{
    char l[300], a[200], b[50];
    FILE *f = fopen(nombre, "r");
    if (!f) { perror(nombre); exit(1); }
    while (fgets(l, sizeof l, f)) {
        if (l[0] == ';') continue;
        if (sscanf(l, "puerto = %d", &puerto) == 1) continue;
        if (sscanf(l, "log = %199s", archivo_log) == 1) continue;
        if (sscanf(l, "backend = %99s %9s", a, b) == 2 && nback < MAXB) {
            strcpy(backends[nback].host, a);
            strcpy(backends[nback].puerto, b);
            nback++;
        }
    }
    fclose(f);
}

/* una sola escritura por linea, asi no se mezclan los hijos */
void anotar(char *peticion, char *respuesta, long bytes, char *quien)
{
    struct mem m = {0};
    char fecha[40], resto[400];
    time_t t = time(NULL);
    strftime(fecha, sizeof fecha, "%d/%m/%Y %H:%M:%S", localtime(&t));
    meter(&m, fecha, strlen(fecha));
    meter(&m, " \"", 2);
    meter(&m, peticion, strlen(peticion));
    snprintf(resto, sizeof resto, "\" -> \"%.200s\" %ld bytes (%s)\n", respuesta, bytes, quien);
    meter(&m, resto, strlen(resto));
    if (write(logfd, m.p, m.n) < 0) perror("log");
    if (write(1, m.p, m.n) < 0) perror("stdout");
    free(m.p);
}

/* ---------- cache: un archivo por recurso ---------- */
void nombre_cache(char *ruta, char *destino)
{
    unsigned long h1 = 5381, h2 = 0;
    for (char *p = destino; *p; p++) {
        h1 = h1 * 33 + (unsigned char)*p;
        h2 = h2 * 65599 + (unsigned char)*p;
    }
    sprintf(ruta, "cache/%016lx%016lx", h1, h2);
}

int del_cache(char *destino, struct mem *r)
{
    char ruta[100], b[65536];
    long n;
    time_t guardado;
    nombre_cache(ruta, destino);
    int fd = open(ruta, O_RDONLY);
    if (fd < 0) return 0;
    if (read(fd, &guardado, sizeof guardado) != sizeof guardado || time(NULL) - guardado >= ttl) {
        close(fd);
        return 0;
    }
    while ((n = read(fd, b, sizeof b)) > 0) meter(r, b, n);
    close(fd);
    return r->n > 0;
}

void al_cache(char *destino, struct mem *r)
{
    char ruta[100];
    time_t t = time(NULL);
    nombre_cache(ruta, destino);
    int fd = open(ruta, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (fd < 0) { perror(ruta); return; }
    write(fd, &t, sizeof t);
    for (long i = 0; i < r->n; i += TAM)
        write(fd, r->p + i, r->n - i < TAM ? r->n - i : TAM);
    close(fd);
}

/* ---------- http ---------- */
char *buscar_campo(char *cab, const char *nombre)
{
    size_t n = strlen(nombre);
    char *p = strstr(cab, "\r\n");
    while (p && p[2] && strncmp(p, "\r\n\r\n", 4)) {
        p += 2;
        if (!strncasecmp(p, nombre, n) && p[n] == ':') {
            p += n + 1;
            while (*p == ' ') p++;
            return p;
        }
        p = strstr(p, "\r\n");
    }
    return NULL;
}

int dice(char *cab, const char *nombre, const char *palabra)
{
    char *v = buscar_campo(cab, nombre), *f, *e;
    if (!v) return 0;
    f = strstr(v, "\r\n");
    e = strcasestr(v, palabra);
    return e && e < f;
}

int de_salto(char *l)
{
    static const char *s[] = { "connection:", "keep-alive:", "proxy-connection:", "te:", "trailer:",
                               "transfer-encoding:", "upgrade:", "content-length:", "expect:", NULL };
    for (int i = 0; s[i]; i++)
        if (!strncasecmp(l, s[i], strlen(s[i]))) return 1;
    return 0;
}

void copiar_campos(struct mem *m, char *cab)
{
    char *p = strstr(cab, "\r\n") + 2;
    while (strncmp(p, "\r\n", 2)) {
        char *f = strstr(p, "\r\n") + 2;
        if (!de_salto(p)) meter(m, p, f - p);
        p = f;
    }
}

int leer_mas(int fd, struct mem *m)
{
    char b[65536];
    int n = recv(fd, b, sizeof b, 0);
    if (n > 0) meter(m, b, n);
    return n;
}

/* quita el marco de los trozos; 1 completo, 0 falta, -1 malo. *usado = donde va */
int desarmar(struct mem *m, long *pos, struct mem *cuerpo)
{
    for (;;) {
        char *l = m->p + *pos, *f = memmem(l, m->n - *pos, "\r\n", 2), *e;
        if (!f) return 0;
        long n = strtol(l, &e, 16);
        if (e == l || n < 0) return -1;
        if (n == 0) return memmem(l, m->n - *pos, "\r\n\r\n", 4) != NULL;
        if (m->n - (f + 2 - m->p) < n + 2) return 0;
        meter(cuerpo, f + 2, n);
        *pos = f + 2 + n + 2 - m->p;
    }
}

int conectar(struct backend *b)
{
    struct addrinfo h, *r;
    struct timeval tv = { ESPERA, 0 };
    memset(&h, 0, sizeof h);
    h.ai_family = AF_INET;
    h.ai_socktype = SOCK_STREAM;
    if (getaddrinfo(b->host, b->puerto, &h, &r)) return -1;
    int s = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
    setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv);
    int e = connect(s, r->ai_addr, r->ai_addrlen);
    freeaddrinfo(r);
    if (e) { close(s); return -1; }
    return s;
}

int mandar(int fd, char *p, long n)
{
    while (n > 0) {
        long k = send(fd, p, n, MSG_NOSIGNAL);
        if (k <= 0) return -1;
        p += k;
        n -= k;
    }
    return 0;
}

/* 0 bien; 1 no conecta; 2 no contesta; 3 respuesta mala. cab y cuerpo separados */
int preguntar(struct backend *b, char *metodo, struct mem *pet, struct mem *cab, struct mem *cuerpo)
{
    int s = conectar(b), n = 1, error = 0;
    char *fin, *v;
    struct mem m = {0};
    if (s < 0) return 1;
    mandar(s, pet->p, pet->n);
    meter(&m, "", 0);
otra:
    while (!(fin = strstr(m.p, "\r\n\r\n"))) {
        n = leer_mas(s, &m);
        if (n <= 0) { close(s); free(m.p); return 2; }
    }
    if (!strncmp(m.p + 8, " 1", 2)) {               /* 100 Continue */
        long k = fin + 4 - m.p;
        memmove(m.p, m.p + k, m.n - k + 1);
        m.n -= k;
        goto otra;
    }
    long cuanto = fin + 4 - m.p;
    meter(cab, m.p, cuanto);
    if (!strcmp(metodo, "HEAD")) goto listo;
    if (dice(cab->p, "Transfer-Encoding", "chunked")) {
        long pos = cuanto;
        int e;
        while ((e = desarmar(&m, &pos, cuerpo)) == 0)
            if (leer_mas(s, &m) <= 0) { e = -1; break; }
        if (e < 0) error = 3;
    } else if ((v = buscar_campo(cab->p, "Content-Length"))) {
        long falta = atol(v);
        while (m.n - cuanto < falta && (n = leer_mas(s, &m)) > 0) ;
        if (m.n - cuanto < falta && strncmp(cab->p + 9, "304", 3)) error = 3;
        else meter(cuerpo, m.p + cuanto, m.n - cuanto < falta ? m.n - cuanto : falta);
    } else {
        while (leer_mas(s, &m) > 0) ;
        meter(cuerpo, m.p + cuanto, m.n - cuanto);
    }
listo:
    close(s);
    free(m.p);
    return error;
}

void contestar_error(int c, char *linea, int codigo, char *texto)
{
    char b[600], r[100];
    sprintf(r, "%d %s", codigo, texto);
    int n = snprintf(b, sizeof b, "HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
                     r, strlen(r), strncmp(linea, "HEAD ", 5) ? r : "");
    anotar(linea, r, strlen(r), "pibl");
    mandar(c, b, n);
}

void atender(int c)
{
    char cab[TAM], metodo[40], *fin = NULL, *v;
    long n = 0, k;
    struct mem todo = {0}, cuerpo = {0}, pet = {0}, rcab = {0}, rcuerpo = {0}, resp = {0};
    /* cabecera */
    cab[0] = 0;
    while (n < TAM - 1 && !fin) {
        k = recv(c, cab + n, TAM - 1 - n, 0);
        if (k <= 0) return;
        n += k;
        cab[n] = 0;
        fin = strstr(cab, "\r\n\r\n");
    }
    if (!fin) { contestar_error(c, "-", 400, "Bad Request"); return; }
    long lc = fin + 4 - cab;
    meter(&todo, cab + lc, n - lc);
    cab[lc] = 0;
    char *linea = strndup(cab, strstr(cab, "\r\n") - cab), *destino, *ver;
    char *copia = strdup(linea);
    destino = strchr(copia, ' ');
    if (!destino || !(ver = strchr(destino + 1, ' '))) { contestar_error(c, linea, 400, "Bad Request"); return; }
    *destino++ = 0;
    *ver++ = 0;
    snprintf(metodo, sizeof metodo, "%s", copia);

    /* cuerpo de la peticion */
    int trozos = dice(cab, "Transfer-Encoding", "chunked");
    v = buscar_campo(cab, "Content-Length");
    if ((trozos || v) && dice(cab, "Expect", "100-continue")) mandar(c, "HTTP/1.1 100 Continue\r\n\r\n", 25);
    if (trozos) {
        long pos = 0;
        int e;
        while ((e = desarmar(&todo, &pos, &cuerpo)) == 0)
            if (leer_mas(c, &todo) <= 0) return;
        if (e < 0) { contestar_error(c, linea, 400, "Bad Request"); return; }
    } else if (v) {
        long falta = atol(v);
        while (todo.n < falta) if (leer_mas(c, &todo) <= 0) return;
        meter(&cuerpo, todo.p, falta);
    }
    int con_clave = buscar_campo(cab, "Authorization") != NULL, es_get = !strcmp(metodo, "GET");

    if (es_get && !con_clave && del_cache(destino, &resp)) {
        char est[210] = "";
        sscanf(resp.p, "HTTP/1.%*c %200[^\r]", est);
        anotar(linea, est, resp.n, "cache");
        mandar(c, resp.p, resp.n);
        return;
    }
    meter(&pet, metodo, strlen(metodo));
    meter(&pet, " ", 1);
    meter(&pet, destino, strlen(destino));
    meter(&pet, " HTTP/1.1\r\n", 11);
    copiar_campos(&pet, cab);
    if (trozos || v) {
        char t[60];
        meter(&pet, t, sprintf(t, "Content-Length: %ld\r\n", cuerpo.n));
    }
    meter(&pet, "\r\n", 2);
    if (cuerpo.n) meter(&pet, cuerpo.p, cuerpo.n);

    int e = 1, peor = 1;
    char quien[120] = "";
    for (int i = 0; i < nback; i++) {
        struct backend *b = &backends[__sync_fetch_and_add(turno, 1) % nback];
        rcab.n = rcuerpo.n = 0;
        e = preguntar(b, metodo, &pet, &rcab, &rcuerpo);
        snprintf(quien, sizeof quien, "%s:%s", b->host, b->puerto);
        if (e == 0 || e == 3) break;
        if (e > peor) peor = e;
    }
    if (e) {
        if (e == 3) contestar_error(c, linea, 502, "Bad Gateway");
        else if (peor == 2) contestar_error(c, linea, 504, "Gateway Timeout");
        else contestar_error(c, linea, 503, "Service Unavailable");
        return;
    }
    /* respuesta al cliente */
    char est[210] = "", t[60];
    sscanf(rcab.p, "HTTP/1.%*c %200[^\r]", est);
    int codigo = atoi(est);
    meter(&resp, "HTTP/1.1 ", 9);
    meter(&resp, est, strlen(est));
    meter(&resp, "\r\n", 2);
    copiar_campos(&resp, rcab.p);
    if (!strcmp(metodo, "HEAD")) {
        if ((v = buscar_campo(rcab.p, "Content-Length"))) meter(&resp, t, sprintf(t, "Content-Length: %ld\r\n", atol(v)));
    } else if (codigo != 204 && codigo != 304) {
        meter(&resp, t, sprintf(t, "Content-Length: %ld\r\n", rcuerpo.n));
    }
    meter(&resp, "Connection: close\r\n\r\n", 21);
    if (strcmp(metodo, "HEAD") && codigo != 204 && codigo != 304 && rcuerpo.n) meter(&resp, rcuerpo.p, rcuerpo.n);
    if (es_get && codigo == 200 && !con_clave && !buscar_campo(cab, "Range") &&
        !dice(rcab.p, "Cache-Control", "no-store") && !dice(rcab.p, "Cache-Control", "private"))
        al_cache(destino, &resp);
    anotar(linea, est, rcuerpo.n, quien);
    mandar(c, resp.p, resp.n);
}

int main(int argc, char **argv)
{
    if (argc < 2) { fprintf(stderr, "uso: %s ttl [pibl.conf]\n", argv[0]); return 1; }
    ttl = atoi(argv[1]);
    leer_config(argc > 2 ? argv[2] : "pibl.conf");
    if (!nback) { fprintf(stderr, "sin backends\n"); return 1; }
    mkdir("cache", 0777);
    logfd = open(archivo_log, O_WRONLY | O_CREAT | O_APPEND, 0644);
    turno = mmap(NULL, sizeof *turno, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    *turno = 0;
    signal(SIGCHLD, SIG_IGN);
    int s = socket(AF_INET, SOCK_STREAM, 0), si = 1;
    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &si, sizeof si);
    struct sockaddr_in d;
    memset(&d, 0, sizeof d);
    d.sin_family = AF_INET;
    d.sin_port = htons(puerto);
    d.sin_addr.s_addr = htonl(INADDR_ANY);
    if (bind(s, (struct sockaddr *)&d, sizeof d) < 0) { perror("bind"); return 1; }
    listen(s, 512);
    printf("proxy en el puerto %d, %d backends, ttl %d\n", puerto, nback, ttl);
    fflush(stdout);
    while (1) {
        int c = accept(s, NULL, NULL);
        if (c < 0) continue;
        pid_t p = fork();
        if (p == 0) {
            close(s);
            alarm(120);
            atender(c);
            shutdown(c, SHUT_WR);
            close(c);
            _exit(0);
        }
        if (p < 0) perror("fork");
        close(c);
    }
}
