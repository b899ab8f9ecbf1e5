/* PIBL con poll(): un proceso, un hilo, sin bloqueos. */
#define _GNU_SOURCE
#include "tabla.h"
#include <strings.h>
#include <unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <arpa/inet.h>

#define MAXC 50

enum { LIBRE, PIDE, CONECTA, ENVIA, ESPERA, RESPONDE };
struct cx {
    int estado, cfd, bfd;
    char *in; size_t in_n, in_cap;      /* peticion */
    char *env; size_t env_n, env_o;     /* hacia el backend */
    char *re; size_t re_n, re_cap;      /* respuesta cruda */
    char *sal; size_t sal_n, sal_o;     /* hacia el cliente */
    int base, intento, guardar;
    time_t t;
    char metodo[16], linea[300], archivo[1000];
};
static struct cx tab[MAXC];
static struct { char ip[40]; int puerto; } back[10];
static int nback, puerto = 8080, turno;
static double ttl = 60;

static void al_salir(int s) { (void)s; log_volcar(); _exit(0); }

static void leer_config(const char *nombre)
{
    FILE *f = fopen(nombre, "r");
    char k[64], v[128];
    if (!f) { fprintf(stderr, "falta %s\n", nombre); exit(1); }
    while (fscanf(f, "%63s %127s", k, v) == 2) {
        if (!strcmp(k, "PUERTO")) puerto = atoi(v);
        else if (!strcmp(k, "SERVIDOR") && nback < 10) {
            char *d = strchr(v, ':');
            if (!d) { fprintf(stderr, "servidor malo: %s\n", v); exit(1); }
            *d = 0;
            snprintf(back[nback].ip, 40, "%.39s", v);
            back[nback++].puerto = atoi(d + 1);
        } else { fprintf(stderr, "no entiendo %s\n", k); exit(1); }
    }
    fclose(f);
    if (!nback) { fprintf(stderr, "sin servidores\n"); exit(1); }
}
static char *campo(const char *h, const char *n, char *out, size_t max)
{
    size_t l = strlen(n);
    for (const char *p = strstr(h, "\r\n"); p && p[2] != '\r'; p = strstr(p + 2, "\r\n"))
        if (!strncasecmp(p + 2, n, l) && p[2 + l] == ':') {
            p += 3 + l;
            while (*p == ' ') p++;
            size_t k = strcspn(p, "\r\n");
            if (k >= max) k = max - 1;
            memcpy(out, p, k);
            out[k] = 0;
            return out;
        }
    return NULL;
}
static void cerrar(struct cx *c)
{
    if (c->cfd >= 0) close(c->cfd);
    if (c->bfd >= 0) close(c->bfd);
    free(c->in); free(c->env); free(c->re); free(c->sal);
    memset(c, 0, sizeof *c);
    c->cfd = c->bfd = -1;
}
static void error_http(struct cx *c, int cod, const char *t)
{
    if (c->bfd >= 0) close(c->bfd);
    c->bfd = -1;
    free(c->sal);
    c->sal = NULL;
    c->sal_n = asprintf(&c->sal, "HTTP/1.1 %d %s\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s", cod, t, strlen(t), t);
    c->sal_o = 0;
    c->estado = RESPONDE;
    log_agregar(c->linea, cod, strlen(t), "proxy");
}
static void probar_backend(struct cx *c)
{
    while (c->intento < nback) {
        int i = (c->base + c->intento++) % nback;
        struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(back[i].puerto), .sin_addr.s_addr = inet_addr(back[i].ip) };
        c->bfd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        c->env_o = c->re_n = 0;
        c->estado = CONECTA;
        if (!connect(c->bfd, (void *)&a, sizeof a) || errno == EINPROGRESS) return;
        close(c->bfd);
        c->bfd = -1;
    }
    error_http(c, 502, "No hay servidores");
}
/* >0 completo (largo del cuerpo crudo), 0 falta */
static long completo(const char *p, size_t n, const char *head, int es_resp, const char *metodo, int eof)
{
    char v[64];
    if (es_resp && (!strcmp(metodo, "HEAD") || atoi(head + 9) == 204 || atoi(head + 9) == 304)) return 1;
    if (campo(head, "Transfer-Encoding", v, sizeof v) && strcasestr(v, "chunked")) {
        size_t pos = 0;
        for (;;) {
            const char *nl = pos < n ? memchr(p + pos, '\n', n - pos) : NULL;
            if (!nl) return 0;
            size_t k = strtoul(p + pos, NULL, 16);
            pos = nl - p + 1 + k + 2;
            if (pos > n) return 0;
            if (!k) return 1;
        }
    }
    if (campo(head, "Content-Length", v, sizeof v)) return n >= strtoul(v, NULL, 10);
    return es_resp ? eof : 1;
}
static size_t filtrar(const char *h, size_t hn, char *o)
{
    size_t n = 0;
    for (const char *p = h; p < h + hn - 2;) {
        const char *e = (const char *)memchr(p, '\n', h + hn - p) + 1;
        if (strncasecmp(p, "Connection:", 11) && strncasecmp(p, "Keep-Alive:", 11) && strncasecmp(p, "Expect:", 7)) { memcpy(o + n, p, e - p); n += e - p; }
        p = e;
    }
    memcpy(o + n, "Connection: close\r\n\r\n", 21);
    return n + 21;
}
static void peticion_completa(struct cx *c, char *head, size_t hn)
{
    char v[300], url[600], host[300] = "";
    sscanf(head, "%15s %s", c->metodo, url);
    campo(head, "Host", host, sizeof host);
    c->guardar = !strcmp(c->metodo, "GET") && c->in_n == hn && !campo(head, "Authorization", v, 300) && !campo(head, "Range", v, 300) &&
                 !campo(head, "If-None-Match", v, 300) && !campo(head, "If-Modified-Since", v, 300);
    nombre_recurso(host, url, c->archivo, sizeof c->archivo);
    if (c->guardar && (c->sal = recurso_leer(c->archivo, (long *)&c->sal_n))) {
        c->guardar = 0;
        c->estado = RESPONDE;
        log_agregar(c->linea, atoi(c->sal + 9), c->sal_n, "cache");
        return;
    }
    c->env = malloc(c->in_n + 64);
    c->env_n = filtrar(c->in, hn, c->env);
    memcpy(c->env + c->env_n, c->in + hn, c->in_n - hn);
    c->env_n += c->in_n - hn;
    c->base = turno;
    turno = (turno + 1) % nback;
    probar_backend(c);
}
static void leer_cliente(struct cx *c)
{
    if (c->in_n + 16385 > c->in_cap) { c->in_cap = c->in_cap * 2 + 32768; c->in = realloc(c->in, c->in_cap); }
    ssize_t n = recv(c->cfd, c->in + c->in_n, 16384, 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) { cerrar(c); return; }
    c->in_n += n;
    char *f = memmem(c->in, c->in_n, "\r\n\r\n", 4), v[64];
    if (!f) return;
    size_t hn = f + 4 - c->in;
    char *head = strndup(c->in, hn);
    snprintf(c->linea, sizeof c->linea, "%.*s", (int)strcspn(head, "\r\n"), head);
    if (!strstr(c->linea, " ")) error_http(c, 400, "Peticion mala");
    else if (completo(c->in + hn, c->in_n - hn, head, 0, "", 0)) peticion_completa(c, head, hn);
    else if (campo(head, "Expect", v, sizeof v) && c->in_n == hn) { if (write(c->cfd, "HTTP/1.1 100 Continue\r\n\r\n", 25) < 0) {} }
    free(head);
}
static void armar_respuesta(struct cx *c, char *head, size_t hn, int entera)
{
    char v[300];
    int cod = atoi(head + 9);
    c->sal = malloc(c->re_n + 64);
    c->sal_n = filtrar(c->re, hn, c->sal);
    memcpy(c->sal + c->sal_n, c->re + hn, c->re_n - hn);
    c->sal_n += c->re_n - hn;
    c->sal_o = 0;
    close(c->bfd);
    c->bfd = -1;
    c->estado = RESPONDE;
    log_agregar(c->linea, cod, c->re_n - hn, "servidor");
    if (c->guardar && entera && cod == 200 && !campo(head, "Vary", v, 300) && !campo(head, "Set-Cookie", v, 300) &&
        !(campo(head, "Cache-Control", v, 300) && (strcasestr(v, "no-store") || strcasestr(v, "private") || strcasestr(v, "no-cache"))))
        recurso_guardar(c->archivo, c->sal, c->sal_n, ttl);
}
static void leer_servidor(struct cx *c)
{
    if (c->re_n + 65537 > c->re_cap) { c->re_cap = c->re_cap * 2 + 131072; c->re = realloc(c->re, c->re_cap); }
    ssize_t n = recv(c->bfd, c->re + c->re_n, 65536, 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n > 0) c->re_n += n;
    char *f = c->re_n ? memmem(c->re, c->re_n, "\r\n\r\n", 4) : NULL;
    if (f && !strncmp(c->re + 8, " 1", 2)) { c->re_n -= f + 4 - c->re; memmove(c->re, f + 4, c->re_n); return; }
    if (f) {
        size_t hn = f + 4 - c->re;
        char *head = strndup(c->re, hn);
        if (completo(c->re + hn, c->re_n - hn, head, 1, c->metodo, n <= 0)) armar_respuesta(c, head, hn, n >= 0);
        else if (n <= 0) error_http(c, 502, "El servidor corto la respuesta");
        free(head);
    } else if (n <= 0) {
        close(c->bfd);
        c->bfd = -1;
        if (!strcmp(c->metodo, "GET")) probar_backend(c); else error_http(c, 502, "El servidor no contesto");
    }
}
int main(int argc, char **argv)
{
    leer_config("pibl.config");
    if (argc == 3 && !strcmp(argv[1], "--ttl")) ttl = atof(argv[2]);
    else if (argc != 1) { fprintf(stderr, "uso: pibl [--ttl segundos]\n"); return 1; }
    signal(SIGINT, al_salir);
    signal(SIGTERM, al_salir);
    int s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), si = 1;
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(puerto) };
    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &si, sizeof si);
    if (bind(s, (void *)&a, sizeof a) || listen(s, 128)) { perror("pibl"); return 1; }
    for (int i = 0; i < MAXC; i++) tab[i].cfd = tab[i].bfd = -1;
    printf("PIBL poll en %d, TTL %g s\n", puerto, ttl);
    fflush(stdout);
    for (;;) {
        struct pollfd p[2 * MAXC + 1];
        struct cx *de[2 * MAXC + 1];
        int n = 1, libres = 0;
        for (int i = 0; i < MAXC; i++) {
            struct cx *c = &tab[i];
            if (c->estado == LIBRE) { libres++; continue; }
            int b = c->estado == CONECTA || c->estado == ENVIA || c->estado == ESPERA;
            p[n] = (struct pollfd){ b ? c->bfd : c->cfd, c->estado == PIDE || c->estado == ESPERA ? POLLIN : POLLOUT, 0 };
            de[n++] = c;
        }
        p[0] = (struct pollfd){ libres ? s : -1, POLLIN, 0 };
        poll(p, n, 1000);
        time_t t = time(NULL);
        for (int k = 1; k < n; k++) {
            struct cx *c = de[k];
            if (!p[k].revents) {
                if (t - c->t > 15) { if (c->bfd >= 0) error_http(c, 504, "El servidor no responde"); else if (t - c->t > 30) cerrar(c); }
                continue;
            }
            c->t = t;
            switch (c->estado) {
            case PIDE: leer_cliente(c); break;
            case CONECTA: {
                int e = 0;
                socklen_t l = sizeof e;
                getsockopt(c->bfd, SOL_SOCKET, SO_ERROR, &e, &l);
                if (e) { close(c->bfd); c->bfd = -1; probar_backend(c); break; }
                c->estado = ENVIA;
            } /* sigue */ __attribute__((fallthrough));
            case ENVIA: {
                ssize_t r = send(c->bfd, c->env + c->env_o, c->env_n - c->env_o, MSG_NOSIGNAL);
                if (r > 0) c->env_o += r;
                else if (r < 0 && errno != EAGAIN) error_http(c, 502, "Se cayo el servidor");
                if (c->estado == ENVIA && c->env_o == c->env_n) c->estado = ESPERA;
                break;
            }
            case ESPERA: leer_servidor(c); break;
            case RESPONDE: {
                size_t q = c->sal_n - c->sal_o;
                ssize_t r = write(c->cfd, c->sal + c->sal_o, q > 65536 ? 65536 : q);
                if (r > 0) c->sal_o += r;
                if (c->sal_o == c->sal_n) { shutdown(c->cfd, SHUT_WR); cerrar(c); }
            }
            }
        }
        if (p[0].revents)
            for (int i = 0; i < MAXC; i++) if (tab[i].estado == LIBRE) {
                int f = accept4(s, NULL, NULL, SOCK_NONBLOCK);
                if (f < 0) break;
                tab[i].cfd = f;
                tab[i].estado = PIDE;
                tab[i].t = t;
            }
    }
}
