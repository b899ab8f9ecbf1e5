#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include "pibl.h"

void mem_mas(mem_t *m, const void *d, size_t n)
{
    if (m->n + n + 1 > m->cap) {
        m->cap = (m->n + n + 1) * 2;
        m->p = realloc(m->p, m->cap);
    }
    memcpy(m->p + m->n, d, n);
    m->n += n;
    m->p[m->n] = 0;
}

int enviar_todo(int fd, const void *d, size_t n)
{
    const char *p = d;
    while (n > 0) {
        ssize_t k = send(fd, p, n, MSG_NOSIGNAL);
        if (k <= 0) return -1;
        p += k; n -= k;
    }
    return 0;
}

static int llenar(lector_t *l)
{
    if (l->ini < l->fin) return 1;
    ssize_t n = recv(l->fd, l->buf, TAM_LECTOR, 0);
    if (n < 0) return -1;
    if (n == 0) return 0;
    l->ini = 0; l->fin = n;
    return 1;
}

/* lee hasta la linea en blanco; devuelve tamano, 0 si cerraron antes de empezar, -1 error, -2 muy grande */
int leer_cabeza(lector_t *l, char *out)
{
    int n = 0;
    for (;;) {
        int r = llenar(l);
        if (r <= 0) return n == 0 && r == 0 ? 0 : -1;
        char c = l->buf[l->ini++];
        if (n == 0 && (c == '\r' || c == '\n')) continue;   /* lineas vacias antes del pedido */
        out[n++] = c;
        if (n >= 4 && !memcmp(out + n - 4, "\r\n\r\n", 4)) break;
        if (n >= MAX_CABEZA - 1) return -2;
    }
    out[n] = 0;
    return n;
}

static const char *buscar(const char *cab, const char *nombre)
{
    size_t ln = strlen(nombre);
    const char *p = strstr(cab, "\r\n");
    while (p && p[2] && p[2] != '\r') {
        p += 2;
        if (!strncasecmp(p, nombre, ln) && p[ln] == ':') return p;
        p = strstr(p, "\r\n");
    }
    return NULL;
}

char *campo(const char *cab, const char *nombre, char *dst, size_t tam)
{
    const char *p = buscar(cab, nombre);
    if (!p) return NULL;
    p += strlen(nombre) + 1;
    p += strspn(p, " \t");
    size_t n = strcspn(p, "\r\n");
    while (n && (p[n-1] == ' ' || p[n-1] == '\t')) n--;
    if (n >= tam) n = tam - 1;
    memcpy(dst, p, n);
    dst[n] = 0;
    return dst;
}

int es_chunked(const char *cab)
{
    char v[128];
    return campo(cab, "Transfer-Encoding", v, sizeof v) && strcasestr(v, "chunked");
}

void quitar_campo(char *cab, const char *nombre)
{
    char *p;
    while ((p = (char *)buscar(cab, nombre))) {
        char *q = strstr(p, "\r\n") + 2;
        memmove(p, q, strlen(q) + 1);
    }
}

int copiar_n(lector_t *l, long long n, destino_t f, void *ctx)
{
    while (n > 0) {
        if (llenar(l) <= 0) return -1;
        size_t k = l->fin - l->ini;
        if ((long long)k > n) k = n;
        if (f(ctx, l->buf + l->ini, k) < 0) return -2;
        l->ini += k; n -= k;
    }
    return 0;
}

static int leer_linea(lector_t *l, char *lin, int max)
{
    int n = 0;
    while (n < max - 1) {
        if (llenar(l) <= 0) return -1;
        lin[n++] = l->buf[l->ini++];
        if (lin[n-1] == '\n') { lin[n] = 0; return n; }
    }
    return -1;
}

int copiar_chunked(lector_t *l, destino_t f, void *ctx)
{
    char lin[1024];
    for (;;) {
        int n = leer_linea(l, lin, sizeof lin);
        if (n < 0) return -1;
        char *e;
        long long t = strtoll(lin, &e, 16);
        if (e == lin || t < 0) return -1;
        if (f(ctx, lin, n) < 0) return -2;
        if (t == 0) break;
        int r = copiar_n(l, t + 2, f, ctx);
        if (r < 0) return r;
    }
    for (;;) {   /* trailers */
        int n = leer_linea(l, lin, sizeof lin);
        if (n < 0) return -1;
        if (f(ctx, lin, n) < 0) return -2;
        if (n <= 2) return 0;
    }
}

int copiar_eof(lector_t *l, destino_t f, void *ctx)
{
    int r;
    while ((r = llenar(l)) > 0) {
        if (f(ctx, l->buf + l->ini, l->fin - l->ini) < 0) return -2;
        l->ini = l->fin;
    }
    return r;
}
