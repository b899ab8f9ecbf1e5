/* Proxy inverso con un solo hilo y epoll.
 * Cada conexion atiende UNA peticion; el backend se escoge al aceptar... no, al tener la peticion completa.
 * Al backend se le pide Connection: close y se pasa todo hasta EOF. */
#include "comun.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <arpa/inet.h>

static int ep, turno_global;
static conexion *lista, *por_borrar;

static void vigilar(ficha *f, unsigned ev, int nuevo) {
    struct epoll_event e = { .events = ev, .data.ptr = f };
    epoll_ctl(ep, nuevo ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, f->fd, &e);
}
static void borrar(conexion *c) {
    if (c->fase == TERMINA) return;
    c->fase = TERMINA;
    if (c->cli.fd >= 0) { shutdown(c->cli.fd, SHUT_WR); close(c->cli.fd); }
    if (c->bak.fd >= 0) close(c->bak.fd);
    cache_fin(c);
    if (c->ant) c->ant->sig = c->sig; else lista = c->sig;
    if (c->sig) c->sig->ant = c->ant;
    c->sig = por_borrar;
    por_borrar = c;
}
static void respuesta_corta(conexion *c, int estado, const char *t) {
    c->b_n = snprintf(c->buf, BUFSZ, "HTTP/1.1 %d %s\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s\n", estado, t, strlen(t) + 1, t);
    c->b_off = 0;
    c->guardable = 0;
    c->estado = estado;
    c->eof_backend = 1;
    c->fase = RELE;
    c->bytes = strlen(t) + 1;
    log_linea(c->linea, estado, c->bytes, "proxy");
    if (c->bak.fd >= 0) { close(c->bak.fd); c->bak.fd = -1; }
    vigilar(&c->cli, EPOLLOUT, 0);
}
static void conectar_siguiente(conexion *c) {
    while (c->intentos < CFG.n) {
        int i = (c->turno + c->intentos++) % CFG.n;
        struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(CFG.port[i]) };
        inet_pton(AF_INET, CFG.ip[i], &a.sin_addr);
        c->bak.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        if (c->bak.fd < 0) break;
        if (connect(c->bak.fd, (struct sockaddr *)&a, sizeof a) == 0 || errno == EINPROGRESS) {
            c->fase = CONECTANDO;
            c->out_off = 0;
            vigilar(&c->bak, EPOLLOUT, 1);
            vigilar(&c->cli, 0, 0);
            return;
        }
        close(c->bak.fd);
        c->bak.fd = -1;
    }
    respuesta_corta(c, 502, "Bad Gateway");
}
/* arma la peticion que va al backend */
static void preparar(conexion *c) {
    char *h = c->req, *fin = c->req + c->head_n;
    c->out = malloc(c->req_n + 64);
    c->out_n = 0;
    while (h < fin - 2) {
        char *e = memchr(h, '\n', fin - h) + 1;
        if (strncasecmp(h, "Connection:", 11) && strncasecmp(h, "Keep-Alive:", 11) && strncasecmp(h, "Proxy-Connection:", 17) && strncasecmp(h, "Expect:", 7)) {
            memcpy(c->out + c->out_n, h, e - h);
            c->out_n += e - h;
        }
        h = e;
    }
    memcpy(c->out + c->out_n, "Connection: close\r\n\r\n", 21);
    c->out_n += 21;
    memcpy(c->out + c->out_n, c->req + c->head_n, c->req_n - c->head_n);
    c->out_n += c->req_n - c->head_n;
}
static void desde_cache(conexion *c) {
    char l[256];
    size_t pos = 0;
    if (fgets(l, sizeof l, c->cache_in)) sscanf(l, "%*s %d", &c->estado);
    fseek(c->cache_in, 0, SEEK_END);
    pos = ftell(c->cache_in);
    rewind(c->cache_in);
    log_linea(c->linea, c->estado, pos, "cache");
    c->fase = RELE;
    vigilar(&c->cli, EPOLLOUT, 0);
}
static void peticion_lista(conexion *c) {
    char v[512];
    if (!hdr(c->req, "Host", c->host, sizeof c->host)) c->host[0] = 0;
    c->guardable = !strcmp(c->metodo, "GET") && c->req_n == c->head_n && !hdr(c->req, "Authorization", v, 512) && !hdr(c->req, "Range", v, 512) &&
                   !hdr(c->req, "If-None-Match", v, 512) && !hdr(c->req, "If-Modified-Since", v, 512);
    if (c->guardable && cache_abrir(c)) { c->guardable = 0; desde_cache(c); return; }
    preparar(c);
    c->turno = turno_global;
    turno_global = (turno_global + 1) % CFG.n;
    conectar_siguiente(c);
}
static void leer_cliente(conexion *c) {
    char v[64];
    for (;;) {
        if (c->req_n + 8192 > c->req_cap) { c->req_cap = c->req_cap * 2 + 16384; c->req = realloc(c->req, c->req_cap); }
        ssize_t n = recv(c->cli.fd, c->req + c->req_n, 8000, 0);
        if (n == 0 || (n < 0 && errno != EAGAIN)) { borrar(c); return; }
        if (n < 0) return;
        c->req_n += n;
        c->req[c->req_n] = 0;
        if (!c->head_n) {
            char *f = memmem(c->req, c->req_n, "\r\n\r\n", 4);
            if (!f) { if (c->req_n > 128 * 1024) { strcpy(c->linea, "(larga)"); respuesta_corta(c, 431, "Demasiado grande"); return; } continue; }
            c->head_n = f + 4 - c->req;
            snprintf(c->linea, sizeof c->linea, "%.*s", (int)strcspn(c->req, "\r\n"), c->req);
            char *g = strchr(c->req, ' '), *k = g ? strchr(g + 1, ' ') : NULL;
            if (!g || !k || g - c->req > 15 || strncmp(k + 1, "HTTP/1.", 7)) { respuesta_corta(c, 400, "Bad Request"); return; }
            snprintf(c->metodo, sizeof c->metodo, "%.*s", (int)(g - c->req), c->req);
            c->url = strndup(g + 1, k - g - 1);
            if (hdr(c->req, "Content-Length", v, sizeof v)) c->body_need = strtoull(v, NULL, 10);
            else if (hdr(c->req, "Transfer-Encoding", v, sizeof v)) c->chunked = 1;
            if (c->body_need > MAXREQ) { respuesta_corta(c, 413, "Muy grande"); return; }
            if (hdr(c->req, "Expect", v, sizeof v) && send(c->cli.fd, "HTTP/1.1 100 Continue\r\n\r\n", 25, MSG_NOSIGNAL) < 0) { borrar(c); return; }
        }
        if (c->chunked) {       /* se pasa crudo; el fin es el chunk 0 */
            if (c->req_n - c->head_n < 5 || memcmp(c->req + c->req_n - 5, "0\r\n\r\n", 5)) continue;
        } else if (c->req_n - c->head_n < c->body_need) continue;
        else if (c->req_n - c->head_n > c->body_need) c->req_n = c->head_n + c->body_need;   /* sin pipelining */
        peticion_lista(c);
        return;
    }
}
/* cabeza de la respuesta: se junta, se le pone Connection: close y se deja en buf */
static int procesar_cabeza(conexion *c) {
    char *f;
    char v[256], *o, *h;
otra:
    f = memmem(c->resp_head, c->resp_head_n, "\r\n\r\n", 4);
    if (!f) return c->resp_head_n < BUFSZ / 2 ? 0 : -1;
    size_t hn = f + 4 - c->resp_head;
    c->estado = atoi(c->resp_head + 9);
    if (c->estado / 100 == 1) { c->resp_head_n -= hn; memmove(c->resp_head, f + 4, c->resp_head_n); goto otra; }
    char *copia = strndup(c->resp_head, hn);
    c->sin_cuerpo = !strcmp(c->metodo, "HEAD") || c->estado == 204 || c->estado == 304;
    if (hdr(copia, "Cache-Control", v, sizeof v) && (strcasestr(v, "no-store") || strcasestr(v, "private") || strcasestr(v, "no-cache"))) c->guardable = 0;
    if (hdr(copia, "Vary", v, sizeof v) || hdr(copia, "Set-Cookie", v, sizeof v)) c->guardable = 0;
    free(copia);
    o = c->buf;
    for (h = c->resp_head; h < f + 2;) {
        char *e = (char *)memchr(h, '\n', f + 2 - h) + 1;
        if (strncasecmp(h, "Connection:", 11) && strncasecmp(h, "Keep-Alive:", 11)) { memcpy(o, h, e - h); o += e - h; }
        h = e;
    }
    memcpy(o, "Connection: close\r\n\r\n", 21);
    o += 21;
    size_t resto = c->resp_head_n - hn;
    memcpy(o, f + 4, resto);
    c->b_n = o + resto - c->buf;
    c->b_off = 0;
    c->bytes += resto;
    c->head_visto = 1;
    cache_escribir(c, c->buf, c->b_n);
    return 1;
}
static void leer_backend(conexion *c) {
    if (c->b_off < c->b_n) return;
    ssize_t n = recv(c->bak.fd, c->buf, BUFSZ / 2 - 256, 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) {
        close(c->bak.fd);
        c->bak.fd = -1;
        if (!c->head_visto) {
            if (!strcmp(c->metodo, "GET")) conectar_siguiente(c); else respuesta_corta(c, 502, "Bad Gateway");
            return;
        }
        c->eof_backend = 1;
        c->b_n = c->b_off = 0;
        log_linea(c->linea, c->estado, c->bytes, "backend");
        cache_fin(c);
        vigilar(&c->cli, EPOLLOUT, 0);
        return;
    }
    if (!c->head_visto) {
        c->resp_head = realloc(c->resp_head, c->resp_head_n + n);
        memcpy(c->resp_head + c->resp_head_n, c->buf, n);
        c->resp_head_n += n;
        c->b_n = c->b_off = 0;
        int r = procesar_cabeza(c);
        if (r < 0) respuesta_corta(c, 502, "Bad Gateway");
        if (r <= 0) return;
    } else {
        c->b_n = n;
        c->b_off = 0;
        c->bytes += n;
        cache_escribir(c, c->buf, n);
    }
    vigilar(&c->cli, EPOLLOUT, 0);
    vigilar(&c->bak, 0, 0);
}
static void escribir_cliente(conexion *c) {
    for (;;) {
        if (c->b_off == c->b_n) {
            if (c->cache_in) {
                c->b_n = fread(c->buf, 1, BUFSZ, c->cache_in);
                c->b_off = 0;
                if (c->b_n == 0) { c->cache_in = NULL; borrar(c); return; }
            } else if (c->eof_backend) { borrar(c); return; }
            else { vigilar(&c->cli, 0, 0); if (c->bak.fd >= 0) vigilar(&c->bak, EPOLLIN, 0); return; }
        }
        ssize_t n = send(c->cli.fd, c->buf + c->b_off, c->b_n - c->b_off, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN) return;
        if (n <= 0) { if (c->cache_out) { cache_fin(c); unlink(c->ruta_cache); } log_linea(c->linea, c->estado, c->bytes, "cliente se fue"); borrar(c); return; }
        c->b_off += n;
        c->ultimo = time(NULL);
    }
}
static void evento(ficha *f, unsigned ev) {
    conexion *c = f->con;
    if (f->fd < 0) return;
    if (c->fase == TERMINA) return;
    c->ultimo = time(NULL);
    if (!f->es_backend) {
        if (c->fase == LEE_PETICION) leer_cliente(c);
        else if (ev & (EPOLLERR | EPOLLHUP)) { if (c->cache_out) { cache_fin(c); unlink(c->ruta_cache); } log_linea(c->linea, c->estado, c->bytes, "cliente se fue"); borrar(c); }
        else if (ev & EPOLLOUT) escribir_cliente(c);
        return;
    }
    if (c->fase == CONECTANDO) {
        int e = 0;
        socklen_t l = sizeof e;
        getsockopt(f->fd, SOL_SOCKET, SO_ERROR, &e, &l);
        if (e) { close(f->fd); f->fd = -1; conectar_siguiente(c); return; }
        c->fase = ENVIA_PETICION;
    }
    if (c->fase == ENVIA_PETICION) {
        while (c->out_off < c->out_n) {
            ssize_t n = send(f->fd, c->out + c->out_off, c->out_n - c->out_off, MSG_NOSIGNAL);
            if (n < 0 && errno == EAGAIN) return;
            if (n <= 0) { respuesta_corta(c, 502, "Bad Gateway"); return; }
            c->out_off += n;
        }
        c->fase = RELE;
        vigilar(f, EPOLLIN, 0);
    } else if (c->fase == RELE) leer_backend(c);
}
static void revisar_tiempos(void) {
    time_t t = time(NULL);
    for (conexion *c = lista, *s; c; c = s) {
        s = c->sig;
        if (t - c->ultimo < 15) continue;
        if ((c->fase == CONECTANDO || c->fase == ENVIA_PETICION || c->fase == RELE) && !c->head_visto && !c->eof_backend && c->bak.fd >= 0) respuesta_corta(c, 504, "Gateway Timeout");
        else borrar(c);
    }
}
int main(int argc, char **argv) {
    if (argc < 2) { printf("uso: %s TTL_EN_SEGUNDOS [archivo.ini] [puerto]\n", argv[0]); return 1; }
    CFG.ttl = atoi(argv[1]);
    if (leer_cfg(argc > 2 ? argv[2] : "config.ini")) return 1;
    if (argc > 3) CFG.puerto = atoi(argv[3]);
    signal(SIGPIPE, SIG_IGN);
    log_abrir("proxy.log");
    int s = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0), si = 1;
    struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_port = htons(CFG.puerto), .sin6_addr = IN6ADDR_LOOPBACK_INIT };
    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &si, sizeof si);
    if (bind(s, (void *)&a, sizeof a) || listen(s, 256)) { perror("bind"); return 1; }
    printf("epoll proxy [::1]:%d ttl=%d\n", CFG.puerto, CFG.ttl);
    ep = epoll_create1(0);
    ficha escucha = { .fd = s };
    vigilar(&escucha, EPOLLIN, 1);
    for (;;) {
        struct epoll_event ev[64];
        int n = epoll_wait(ep, ev, 64, 1000);
        for (int i = 0; i < n; i++) {
            if (ev[i].data.ptr != &escucha) { evento(ev[i].data.ptr, ev[i].events); continue; }
            int f;
            while ((f = accept4(s, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
                conexion *c = calloc(1, sizeof *c);
                c->cli = (ficha){ f, 0, c };
                c->bak = (ficha){ -1, 1, c };
                c->ultimo = time(NULL);
                c->sig = lista;
                if (lista) lista->ant = c;
                lista = c;
                vigilar(&c->cli, EPOLLIN, 1);
            }
        }
        revisar_tiempos();
        while (por_borrar) {
            conexion *c = por_borrar;
            por_borrar = c->sig;
            free(c->req); free(c->out); free(c->resp_head); free(c->url); free(c);
        }
    }
}
