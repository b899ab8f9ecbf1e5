#include "pibl.h"
#include <string.h>
#include <strings.h>
#include <stdlib.h>
#include <errno.h>
#include <unistd.h>
#include <sys/socket.h>

void buf_add(Buf *b, const void *d, size_t n) {
    if (b->n + n + 1 > b->cap) {
        b->cap = (b->n + n + 1) * 2;
        b->p = realloc(b->p, b->cap);
        if (!b->p) { perror("realloc"); abort(); }
    }
    memcpy(b->p + b->n, d, n);
    b->n += n;
    b->p[b->n] = 0;
}
void buf_str(Buf *b, const char *s) { buf_add(b, s, strlen(s)); }
void buf_free(Buf *b) { free(b->p); b->p = NULL; b->n = b->cap = 0; }

/* 1 = hay datos, 0 = EOF, -1 = error, -2 = se acabo el tiempo */
static int llenar(Lector *l) {
    if (l->ini < l->fin) return 1;
    for (;;) {
        ssize_t r = recv(l->fd, l->datos, sizeof l->datos, 0);
        if (r > 0) { l->ini = 0; l->fin = (size_t)r; return 1; }
        if (r == 0) return 0;
        if (errno == EINTR) continue;
        return (errno == EAGAIN || errno == EWOULDBLOCK) ? -2 : -1;
    }
}
static int leer_linea(Lector *l, Buf *out) {
    for (;;) {
        int r = llenar(l);
        if (r <= 0) return r;
        char *nl = memchr(l->datos + l->ini, '\n', l->fin - l->ini);
        size_t n = nl ? (size_t)(nl - (l->datos + l->ini)) + 1 : l->fin - l->ini;
        buf_add(out, l->datos + l->ini, n);
        l->ini += n;
        if (out->n > MAX_CABECERA) return -3;
        if (nl) return 1;
    }
}
int leer_cabeza(Lector *l, Buf *out) {
    for (;;) {
        size_t antes = out->n;
        int r = leer_linea(l, out);
        if (r <= 0) return r;
        if (memchr(out->p + antes, 0, out->n - antes)) return -4;
        if (!strcmp(out->p + antes, "\r\n") || !strcmp(out->p + antes, "\n")) {
            if (antes == 0) { out->n = 0; out->p[0] = 0; continue; }
            return 1;
        }
    }
}
int leer_n(Lector *l, Buf *out, size_t n) {
    while (n) {
        int r = llenar(l);
        if (r <= 0) return r;
        size_t k = l->fin - l->ini < n ? l->fin - l->ini : n;
        buf_add(out, l->datos + l->ini, k);
        l->ini += k;
        n -= k;
    }
    return 1;
}
int leer_chunks(Lector *l, Buf *out) {
    for (;;) {
        Buf t = {0};
        int r = leer_linea(l, &t);
        if (r <= 0) { buf_free(&t); return r; }
        char *fin;
        unsigned long n = strtoul(t.p, &fin, 16);
        int malo = fin == t.p || n > (1UL << 30);
        buf_free(&t);
        if (malo) return -4;
        if (n == 0) break;
        if ((r = leer_n(l, out, n)) <= 0) return r;
        if ((r = leer_linea(l, &t)) <= 0) { buf_free(&t); return r; }
        buf_free(&t);
    }
    for (;;) {                       /* trailers */
        Buf t = {0};
        int r = leer_linea(l, &t);
        int vacia = r > 0 && (t.p[0] == '\r' || t.p[0] == '\n');
        buf_free(&t);
        if (r <= 0) return r;
        if (vacia) return 1;
    }
}
int leer_hasta_eof(Lector *l, Buf *out) {
    for (;;) {
        int r = llenar(l);
        if (r == 0) return 1;
        if (r < 0) return r;
        buf_add(out, l->datos + l->ini, l->fin - l->ini);
        l->ini = l->fin;
    }
}
/* une todos los campos con ese nombre con coma */
int campo(const char *cab, const char *nombre, char *out, size_t max) {
    size_t ln = strlen(nombre), o = 0;
    int hay = 0;
    out[0] = 0;
    const char *p = strchr(cab, '\n');
    while (p && *++p) {
        const char *fin = strchr(p, '\n');
        if (!fin) break;
        if (!strncasecmp(p, nombre, ln) && p[ln] == ':') {
            const char *v = p + ln + 1, *e = fin;
            while (*v == ' ' || *v == '\t') v++;
            while (e > v && (e[-1] == '\r' || e[-1] == ' ')) e--;
            if (hay && o + 1 < max) out[o++] = ',';
            while (v < e && o + 1 < max) out[o++] = *v++;
            out[o] = 0;
            hay = 1;
        }
        p = fin;
    }
    return hay;
}
int contiene(const char *lista, const char *palabra) {
    size_t n = strlen(palabra);
    for (const char *p = lista; *p; p++)
        if ((p == lista || p[-1] == ',' || p[-1] == ' ') && !strncasecmp(p, palabra, n) &&
            (p[n] == 0 || p[n] == ',' || p[n] == ' ' || p[n] == ';' || p[n] == '=')) return 1;
    return 0;
}
/* copia los campos de extremo a extremo, en su orden */
void copiar_campos(const char *cab, Buf *out) {
    static const char *salto[] = {"Connection", "Keep-Alive", "Proxy-Connection", "TE", "Trailer",
        "Transfer-Encoding", "Upgrade", "Content-Length", "Expect", NULL};
    char con[512];
    campo(cab, "Connection", con, sizeof con);
    const char *p = strchr(cab, '\n');
    while (p && *++p) {
        const char *fin = strchr(p, '\n'), *dp = memchr(p, ':', fin ? (size_t)(fin - p) : 0);
        if (!fin || *p == '\r' || *p == '\n') break;
        int quitar = dp == NULL;
        if (dp && dp - p < 100) {
            char nom[101];
            memcpy(nom, p, dp - p);
            nom[dp - p] = 0;
            for (int i = 0; salto[i]; i++) if (!strcasecmp(nom, salto[i])) quitar = 1;
            if (strcasecmp(nom, "close") && *nom && contiene(con, nom)) quitar = 1;
        }
        if (!quitar) buf_add(out, p, fin - p + 1);
        p = fin;
    }
}
int enviar_todo(int fd, const void *d, size_t n) {
    const char *p = d;
    while (n) {
        ssize_t r = send(fd, p, n, MSG_NOSIGNAL);
        if (r < 0 && errno == EINTR) continue;
        if (r <= 0) return -1;
        p += r;
        n -= r;
    }
    return 0;
}
