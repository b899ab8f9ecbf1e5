#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <errno.h>
#include <unistd.h>
#include <ctype.h>
#include <poll.h>
#include <fcntl.h>
#include <netdb.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include "pibl.h"

void buf_add(Buf *b, const void *d, size_t n) {
    if (b->n + n + 1 > b->cap) {
        b->cap = (b->n + n + 1) * 2;
        b->p = realloc(b->p, b->cap);
        if (!b->p) abort();
    }
    memcpy(b->p + b->n, d, n);
    b->n += n;
    b->p[b->n] = 0;
}
void buf_str(Buf *b, const char *s) { buf_add(b, s, strlen(s)); }
void buf_free(Buf *b) { free(b->p); b->p = NULL; b->n = b->cap = 0; }

/* llena la memoria del lector; <=0 es error */
static int llenar(Lector *l) {
    for (;;) {
        ssize_t r = recv(l->fd, l->mem, sizeof l->mem, 0);
        if (r > 0) { l->ini = 0; l->fin = r; return OK; }
        if (r == 0) return E_FIN;
        if (errno == EINTR) continue;
        if (errno == EAGAIN || errno == EWOULDBLOCK) return E_TIEMPO;
        return E_FIN;
    }
}

static int leer_linea(Lector *l, Buf *b, size_t max) {
    for (;;) {
        if (l->ini == l->fin) { int r = llenar(l); if (r) return r; }
        char *p = memchr(l->mem + l->ini, '\n', l->fin - l->ini);
        size_t n = p ? (size_t)(p - (l->mem + l->ini)) + 1 : l->fin - l->ini;
        buf_add(b, l->mem + l->ini, n);
        l->ini += n;
        if (b->n > max) return E_GRANDE;
        if (p) return OK;
    }
}

int leer_cabecera(Lector *l, Cabecera *h) {
    Buf b = {0};
    memset(h, 0, sizeof *h);
    size_t antes = 0;
    for (;;) {
        int r = leer_linea(l, &b, MAX_CABECERA);
        if (r) { int algo = b.n > 0; buf_free(&b); return r == E_FIN && algo ? E_MALO : r; }
        size_t n = b.n - antes;
        if (n <= 2 && (b.p[antes] == '\r' || b.p[antes] == '\n')) {
            if (antes == 0) { b.n = 0; continue; }      /* lineas vacias antes de la peticion */
            break;
        }
        antes = b.n;
    }
    h->bruto = b.p;
    int nl = 0;
    for (size_t i = 0; i < b.n; i++) nl += b.p[i] == '\n';
    h->c = calloc(nl + 1, sizeof(Campo));
    char *p = b.p;
    for (int i = 0; ; i++) {
        char *e = strchr(p, '\n');
        if (!e) return E_MALO;
        *e = 0;
        if (e > p && e[-1] == '\r') e[-1] = 0;
        if (!*p) return i ? OK : E_MALO;
        if (i == 0) h->linea = p;
        else {
            char *d = strchr(p, ':');
            if (!d || d == p || d[-1] == ' ') return E_MALO;
            *d++ = 0;
            while (*d == ' ' || *d == '\t') d++;
            char *f = d + strlen(d);
            while (f > d && (f[-1] == ' ' || f[-1] == '\t')) *--f = 0;
            h->c[h->nc].nombre = p;
            h->c[h->nc++].valor = d;
        }
        p = e + 1;
    }
}

void liberar_cabecera(Cabecera *h) { free(h->bruto); free(h->c); memset(h, 0, sizeof *h); }

const char *campo(const Cabecera *h, const char *nombre) {
    for (int i = 0; i < h->nc; i++)
        if (!strcasecmp(h->c[i].nombre, nombre)) return h->c[i].valor;
    return NULL;
}

/* la palabra esta en alguno de los campos con ese nombre (listas con coma) */
int tiene(const Cabecera *h, const char *nombre, const char *palabra) {
    size_t n = strlen(palabra);
    for (int i = 0; i < h->nc; i++) {
        if (strcasecmp(h->c[i].nombre, nombre)) continue;
        const char *v = h->c[i].valor;
        while (*v) {
            while (*v == ' ' || *v == ',' || *v == '\t') v++;
            if (!strncasecmp(v, palabra, n) && !isalnum((unsigned char)v[n]) && v[n] != '-') return 1;
            while (*v && *v != ',') v++;
        }
    }
    return 0;
}

int es_salto(const Cabecera *h, const char *nombre) {
    static const char *S[] = { "connection", "keep-alive", "proxy-connection", "te", "trailer",
                               "transfer-encoding", "upgrade", NULL };
    for (int i = 0; S[i]; i++) if (!strcasecmp(S[i], nombre)) return 1;
    if (!strcasecmp(nombre, "host") || !strcasecmp(nombre, "content-length")) return 0;
    return tiene(h, "Connection", nombre);
}

int leer_exacto(Lector *l, Buf *b, size_t n) {
    while (n) {
        if (l->ini == l->fin) { int r = llenar(l); if (r) return r; }
        size_t k = l->fin - l->ini;
        if (k > n) k = n;
        buf_add(b, l->mem + l->ini, k);
        l->ini += k;
        n -= k;
    }
    return OK;
}

int leer_chunked(Lector *l, Buf *b) {
    for (;;) {
        Buf t = {0};
        int r = leer_linea(l, &t, 4096);
        if (r) { buf_free(&t); return r; }
        char *fin;
        unsigned long n = strtoul(t.p, &fin, 16);
        int malo = fin == t.p || n > (1UL << 31);
        buf_free(&t);
        if (malo) return E_MALO;
        if (n == 0) break;
        if ((r = leer_exacto(l, b, n))) return r;
        r = leer_linea(l, &t, 16);
        malo = !r && t.n > 2;
        buf_free(&t);
        if (r || malo) return r ? r : E_MALO;
    }
    for (;;) {                                  /* trailers */
        Buf t = {0};
        int r = leer_linea(l, &t, MAX_CABECERA);
        size_t n = t.n;
        buf_free(&t);
        if (r) return r;
        if (n <= 2) return OK;
    }
}

int leer_fin(Lector *l, Buf *b) {
    for (;;) {
        buf_add(b, l->mem + l->ini, l->fin - l->ini);
        l->ini = l->fin = 0;
        int r = llenar(l);
        if (r == E_FIN) return OK;
        if (r) return r;
    }
}

int escribir(int fd, const char *p, size_t n) {
    while (n) {
        ssize_t r = send(fd, p, n, MSG_NOSIGNAL);
        if (r < 0 && errno == EINTR) continue;
        if (r <= 0) return -1;
        p += r;
        n -= r;
    }
    return 0;
}

int conectar(const char *host, const char *puerto, int seg) {
    struct addrinfo pista = { .ai_socktype = SOCK_STREAM, .ai_family = AF_INET }, *res;
    if (getaddrinfo(host, puerto, &pista, &res)) return -1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) { freeaddrinfo(res); return -1; }
    int r = connect(fd, res->ai_addr, res->ai_addrlen);
    freeaddrinfo(res);
    if (r < 0 && errno == EINPROGRESS) {
        struct pollfd p = { fd, POLLOUT, 0 };
        int e = 0;
        socklen_t le = sizeof e;
        if (poll(&p, 1, seg * 1000) == 1 && !getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &le) && !e) r = 0;
    }
    if (r < 0) { close(fd); return -1; }
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
    int uno = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &uno, sizeof uno);
    return fd;
}
