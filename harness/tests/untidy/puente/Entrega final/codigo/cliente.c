/* lo que hace cada hilo con su cliente */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include "pibl.h"

typedef struct { int fd; entrada_t *e; long long n; int fuera; long long total; } salida_t;

static int a_salida(void *c, const char *d, size_t n)
{
    salida_t *s = c;
    s->n += n;
    if (s->e && s->e->fd >= 0 && write(s->e->fd, d, n) != (ssize_t)n) cache_cerrar(s->e, 0);
    /* el ultimo pedazo: primero queda en la cache y despues sale, si no el siguiente GET no la encuentra */
    if (s->e && s->n == s->total) cache_cerrar(s->e, 1);
    if (!s->fuera && enviar_todo(s->fd, d, n) < 0) s->fuera = 1;
    /* si el cliente se fue y no hay nada que guardar, no vale la pena seguir */
    return s->fuera && !(s->e && s->e->fd >= 0) ? -1 : 0;
}

static int a_mem(void *c, const char *d, size_t n) { mem_mas(c, d, n); return 0; }

static void error_http(int fd, int cod, const char *txt, const char *cli, const char *linea)
{
    char b[256];
    int n = snprintf(b, sizeof b, "HTTP/1.1 %d %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", cod, txt);
    enviar_todo(fd, b, n);
    registro(cli, linea, cod, 0, "pibl");
}

/* 1 = sigue la conexion, 0 = cerrar */
static int un_pedido(lector_t *lc, const char *cli)
{
    int fd = lc->fd, seguir = 1, estado = 0, i, sfd = -1;
    char *cab = malloc(MAX_CABEZA + 64), *rcab = malloc(MAX_CABEZA + 64);
    char v[128], metodo[16] = "", *linea = NULL, *clave = NULL, *meta = NULL;
    mem_t cuerpo = {0}, guardado = {0};
    lector_t *ls = NULL;
    int n = leer_cabeza(lc, cab);
    if (n <= 0) {
        if (n == -2) error_http(fd, 431, "Request Header Fields Too Large", cli, "-");
        seguir = 0; goto fin;
    }
    linea = strndup(cab, strcspn(cab, "\r\n"));
    meta = malloc(strlen(linea) + 1);
    int menor = 1;
    if (sscanf(linea, "%15s %s HTTP/1.%d", metodo, meta, &menor) != 3) { error_http(fd, 400, "Bad Request", cli, linea); seguir = 0; goto fin; }
    if (menor == 0) seguir = 0;
    if (campo(cab, "Connection", v, sizeof v)) {
        if (strcasestr(v, "close")) seguir = 0;
        else if (strcasestr(v, "keep-alive")) seguir = 1;
    }
    if (campo(cab, "Expect", v, sizeof v) && strcasestr(v, "100-continue")) {
        enviar_todo(fd, "HTTP/1.1 100 Continue\r\n\r\n", 25);
        quitar_campo(cab, "Expect");
    }
    int r = 0;
    if (es_chunked(cab)) r = copiar_chunked(lc, a_mem, &cuerpo);
    else if (campo(cab, "Content-Length", v, sizeof v)) r = copiar_n(lc, atoll(v), a_mem, &cuerpo);
    if (r < 0) { seguir = 0; goto fin; }

    int get = !strcmp(metodo, "GET") && cuerpo.n == 0;
    if (get) {
        char host[256] = "";
        campo(cab, "Host", host, sizeof host);
        clave = malloc(strlen(meta) + strlen(host) + 2);
        sprintf(clave, "%s %s", meta, host);
        if (!campo(cab, "Range", v, sizeof v) && !campo(cab, "Authorization", v, sizeof v) && cache_buscar(clave, &guardado)) {
            char *b = strstr(guardado.p, "\r\n\r\n");
            size_t nc = b + 2 - guardado.p, nb = guardado.n - nc - 2;
            mem_t s = {0};
            mem_mas(&s, guardado.p, nc);
            char x[64];
            guardado.p[nc] = 0;
            if (!es_chunked(guardado.p) && !campo(guardado.p, "Content-Length", v, sizeof v))
                mem_mas(&s, x, sprintf(x, "Content-Length: %zu\r\n", nb));
            mem_mas(&s, x, sprintf(x, "Connection: %s\r\n\r\n", seguir ? "keep-alive" : "close"));
            mem_mas(&s, b + 4, nb);
            if (enviar_todo(fd, s.p, s.n) < 0) seguir = 0;
            free(s.p);
            sscanf(guardado.p, "HTTP/%*s %d", &estado);
            registro(cli, linea, estado, nb, "cache");
            goto fin;
        }
    }

    /* a los servidores: siempre "Connection: close", una conexion por pedido */
    quitar_campo(cab, "Connection");
    quitar_campo(cab, "Keep-Alive");
    quitar_campo(cab, "Proxy-Connection");
    n = strlen(cab);
    strcpy(cab + n - 2, "Connection: close\r\n\r\n");
    ls = malloc(sizeof *ls);
    int cual = 0;
    for (i = 0; i < cfg.nserv; i++) {
        cual = siguiente();
        sfd = conectar(cual);
        if (sfd < 0) continue;
        ls->fd = sfd; ls->ini = ls->fin = 0;
        int ok = enviar_todo(sfd, cab, strlen(cab)) == 0 && (cuerpo.n == 0 || enviar_todo(sfd, cuerpo.p, cuerpo.n) == 0);
        n = -1;
        if (ok) do {
            n = leer_cabeza(ls, rcab);
            if (n > 0 && sscanf(rcab, "HTTP/%*s %d", &estado) != 1) n = -1;
        } while (n > 0 && estado < 200);
        if (n > 0) break;
        close(sfd); sfd = -1;
    }
    if (sfd < 0) { error_http(fd, 502, "Bad Gateway", cli, linea); seguir = 0; goto fin; }

    entrada_t e = { .fd = -1 };
    salida_t sal = { fd, NULL, 0, 0, -1 };
    quitar_campo(rcab, "Connection");
    quitar_campo(rcab, "Keep-Alive");
    int sin_cuerpo = !strcmp(metodo, "HEAD") || estado == 204 || estado == 304;
    int ch = es_chunked(rcab), cl = campo(rcab, "Content-Length", v, sizeof v) != NULL;
    if (!sin_cuerpo && !ch && !cl) seguir = 0;
    if (get && estado == 200 && cache_abrir(&e, clave)) {
        sal.e = &e;
        if (write(e.fd, rcab, strlen(rcab)) < 0) cache_cerrar(&e, 0);
    }
    n = strlen(rcab);
    strcpy(rcab + n - 2, seguir ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n");
    if (enviar_todo(fd, rcab, strlen(rcab)) < 0) sal.fuera = 1;
    r = 0;
    if (sin_cuerpo) ;
    else if (ch) r = copiar_chunked(ls, a_salida, &sal);
    else if (cl) r = copiar_n(ls, sal.total = atoll(v), a_salida, &sal);
    else r = copiar_eof(ls, a_salida, &sal);
    cache_cerrar(&e, r == 0);
    if (r < 0 || sal.fuera) seguir = 0;
    char orig[160];
    snprintf(orig, sizeof orig, "%s:%s", cfg.serv[cual].host, cfg.serv[cual].puerto);
    registro(cli, linea, estado, sal.n, orig);
fin:
    if (sfd >= 0) close(sfd);
    free(ls); free(cab); free(rcab); free(linea); free(clave); free(meta); free(cuerpo.p); free(guardado.p);
    return seguir;
}

void *hilo_cliente(void *arg)
{
    lector_t *l = malloc(sizeof *l);
    struct sockaddr_in d;
    socklen_t t = sizeof d;
    char cli[32] = "?";
    l->fd = (int)(long)arg; l->ini = l->fin = 0;
    if (getpeername(l->fd, (struct sockaddr *)&d, &t) == 0) inet_ntop(AF_INET, &d.sin_addr, cli, sizeof cli);
    while (un_pedido(l, cli)) ;
    close(l->fd);
    free(l);
    return NULL;
}
