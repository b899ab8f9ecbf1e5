/* PIBL - grupo 7 - ST0255
 * un hilo por cliente (pthread) */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <errno.h>
#include <unistd.h>
#include <signal.h>
#include <pthread.h>
#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <netinet/tcp.h>
#include "pibl.h"

#define MAX_SERV 64
static struct { char host[128], puerto[16], nombre[160]; } serv[MAX_SERV];
static int nserv;
static unsigned turno;
static int puerto = 8080;
static char registro[256] = "registro.log";

static void agregar(const char *s) {
    const char *d = strrchr(s, ':');
    if (nserv == MAX_SERV || !*s) return;
    snprintf(serv[nserv].host, sizeof serv[0].host, "%.*s", d ? (int)(d - s) : (int)strlen(s), s);
    snprintf(serv[nserv].puerto, sizeof serv[0].puerto, "%s", d ? d + 1 : "80");
    snprintf(serv[nserv].nombre, sizeof serv[0].nombre, "%s:%s", serv[nserv].host, serv[nserv].puerto);
    nserv++;
}

static void leer_env(const char *nombre, int con_servidores) {
    char l[4096];
    FILE *f = fopen(nombre, "r");
    if (!f) { perror(nombre); exit(1); }
    while (fgets(l, sizeof l, f)) {
        l[strcspn(l, "\r\n")] = 0;
        char *v = strchr(l, '=');
        if (*l == '#' || !v) continue;
        *v++ = 0;
        if (!strcmp(l, "PUERTO") && atoi(v)) puerto = atoi(v);
        else if (!strcmp(l, "REGISTRO")) snprintf(registro, sizeof registro, "%s", v);
        else if (!strcmp(l, "SERVIDORES") && con_servidores)
            for (char *g, *s = strtok_r(v, ", ", &g); s; s = strtok_r(NULL, ", ", &g)) agregar(s);
    }
    fclose(f);
}

typedef struct { int fd; char ip[64]; } Cliente;

static void plazo(int fd, int seg) {
    struct timeval t = { seg, 0 };
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t);
}

/* Envia la peticion a un servidor y lee su respuesta completa.
 * estado: texto "200 OK".  sin_cuerpo: la respuesta no lleva cuerpo.
 * 0 bien; -1 no conecta o cerro sin contestar antes de tener nada (*enviado dice cual); si no, codigo http */
static int consultar(int k, const char *metodo, const Buf *pet, Buf *cab, Buf *cuerpo,
                     char *estado, size_t ne, int *sin_cuerpo, int *guardable, int *enviado) {
    *enviado = 0;
    int fd = conectar(serv[k].host, serv[k].puerto, 3);
    if (fd < 0) return -1;
    *enviado = 1;
    plazo(fd, 12);
    Lector *l = malloc(sizeof *l);
    l->fd = fd; l->ini = l->fin = 0;
    Cabecera h = {0};
    int r, codigo = 0, sale;
    escribir(fd, pet->p, pet->n);          /* si falla igual puede haber respuesta */
    for (;;) {
        r = leer_cabecera(l, &h);
        if (r) { sale = r == E_TIEMPO ? 504 : r == E_FIN ? -1 : 502; goto fin; }
        char *e = strchr(h.linea, ' ');
        codigo = e ? atoi(e + 1) : 0;
        if (codigo < 100) { sale = 502; goto fin; }
        if (codigo >= 200) { snprintf(estado, ne, "%s", e + 1); break; }
        liberar_cabecera(&h);
    }
    *sin_cuerpo = !strcmp(metodo, "HEAD") || codigo == 204 || codigo == 304;
    if (!*sin_cuerpo) {
        const char *cl = campo(&h, "Content-Length");
        if (tiene(&h, "Transfer-Encoding", "chunked")) r = leer_chunked(l, cuerpo);
        else if (cl) r = leer_exacto(l, cuerpo, strtoul(cl, NULL, 10));
        else r = leer_fin(l, cuerpo);
        if (r) { buf_free(cuerpo); sale = r == E_TIEMPO ? 504 : 502; goto fin; }
    }
    for (int i = 0; i < h.nc; i++) {
        if (es_salto(&h, h.c[i].nombre)) continue;
        if (!*sin_cuerpo && !strcasecmp(h.c[i].nombre, "content-length")) continue;
        buf_str(cab, h.c[i].nombre); buf_str(cab, ": ");
        buf_str(cab, h.c[i].valor);  buf_str(cab, "\r\n");
    }
    *guardable = codigo == 200 && !tiene(&h, "Cache-Control", "no-store") && !tiene(&h, "Cache-Control", "private")
                 && !tiene(&h, "Vary", "*");
    sale = 0;
fin:
    liberar_cabecera(&h);
    free(l);
    close(fd);
    return sale;
}

static const char *texto(int c) {
    return c == 400 ? "400 Bad Request" : c == 431 ? "431 Request Header Fields Too Large" :
           c == 503 ? "503 Service Unavailable" : c == 504 ? "504 Gateway Timeout" : "502 Bad Gateway";
}

/* 1: la conexion sigue abierta */
static int responder(int fd, const char *metodo, const char *destino, const char *estado, const Buf *cab,
                     const Buf *cuerpo, int sin_cuerpo, int cerrar, const char *de, const char *ip) {
    Buf s = {0};
    char n[64];
    buf_str(&s, "HTTP/1.1 "); buf_str(&s, estado); buf_str(&s, "\r\n");
    if (cab && cab->n) buf_add(&s, cab->p, cab->n);
    if (!sin_cuerpo) { sprintf(n, "Content-Length: %zu\r\n", cuerpo->n); buf_str(&s, n); }
    buf_str(&s, cerrar ? "Connection: close\r\n\r\n" : "Connection: keep-alive\r\n\r\n");
    registrar(metodo, destino, estado, cuerpo->n, de, ip);
    if (!sin_cuerpo && cuerpo->n) buf_add(&s, cuerpo->p, cuerpo->n);
    int r = escribir(fd, s.p, s.n);
    buf_free(&s);
    return !r && !cerrar;
}

static int error_http(int fd, const char *metodo, const char *destino, int codigo, int cerrar, const char *ip) {
    Buf c = {0}, cab = {0};
    buf_str(&c, "<html><body>"); buf_str(&c, texto(codigo)); buf_str(&c, "</body></html>\n");
    buf_str(&cab, "Content-Type: text/html\r\n");
    int r = responder(fd, metodo, destino, texto(codigo), &cab, &c, !strcmp(metodo, "HEAD"), cerrar, "pibl", ip);
    buf_free(&c); buf_free(&cab);
    return r;
}

static int una_peticion(Lector *l, const char *ip) {
    Cabecera h;
    int r = leer_cabecera(l, &h), sigue = 0;
    Buf cuerpo = {0}, pet = {0}, rcab = {0}, rcuerpo = {0};
    if (r) {
        if (r == E_MALO || r == E_GRANDE) error_http(l->fd, "-", "-", r == E_MALO ? 400 : 431, 1, ip);
        goto fin;
    }
    char *g, *metodo = strtok_r(h.linea, " ", &g), *destino = strtok_r(NULL, " ", &g), *ver = strtok_r(NULL, " ", &g);
    if (!ver || strncmp(ver, "HTTP/1.", 7)) { error_http(l->fd, "-", "-", 400, 1, ip); goto fin; }
    int cerrar = tiene(&h, "Connection", "close") || (!strcmp(ver, "HTTP/1.0") && !tiene(&h, "Connection", "keep-alive"));
    const char *cl = campo(&h, "Content-Length");
    int trozos = tiene(&h, "Transfer-Encoding", "chunked"), con = trozos || cl;
    if (tiene(&h, "Expect", "100-continue") && con) escribir(l->fd, "HTTP/1.1 100 Continue\r\n\r\n", 25);
    r = trozos ? leer_chunked(l, &cuerpo) : cl ? leer_exacto(l, &cuerpo, strtoul(cl, NULL, 10)) : OK;
    if (r) { error_http(l->fd, metodo, destino, 400, 1, ip); goto fin; }

    char host[128];
    const char *hh = campo(&h, "Host");
    snprintf(host, sizeof host, "%s", hh ? hh : "");
    host[strcspn(host, ":")] = 0;
    int clave = campo(&h, "Authorization") != NULL;
    long edad;
    if (!strcmp(metodo, "GET") && !clave && cache_buscar(host, destino, &rcab, &rcuerpo, &edad)) {
        char a[40];
        sprintf(a, "Age: %ld\r\n", edad);
        buf_str(&rcab, a);
        sigue = responder(l->fd, metodo, destino, "200 OK", &rcab, &rcuerpo, 0, cerrar, "cache", ip);
        goto fin;
    }
    buf_str(&pet, metodo); buf_str(&pet, " "); buf_str(&pet, destino); buf_str(&pet, " HTTP/1.1\r\n");
    for (int i = 0; i < h.nc; i++) {
        if (es_salto(&h, h.c[i].nombre) || !strcasecmp(h.c[i].nombre, "content-length") ||
            !strcasecmp(h.c[i].nombre, "expect")) continue;
        buf_str(&pet, h.c[i].nombre); buf_str(&pet, ": ");
        buf_str(&pet, h.c[i].valor);  buf_str(&pet, "\r\n");
    }
    if (con) { char n[64]; sprintf(n, "Content-Length: %zu\r\n", cuerpo.n); buf_str(&pet, n); }
    buf_str(&pet, "Connection: close\r\n\r\n");
    buf_add(&pet, cuerpo.p ? cuerpo.p : "", cuerpo.n);

    int repetible = !strcmp(metodo, "GET") || !strcmp(metodo, "HEAD"), codigo = 503;
    for (int i = 0; i < nserv; i++) {
        int k = __sync_fetch_and_add(&turno, 1) % nserv, sin = 0, guardable = 0, enviado;
        char estado[256];
        int e = consultar(k, metodo, &pet, &rcab, &rcuerpo, estado, sizeof estado, &sin, &guardable, &enviado);
        if (e == 0) {
            if (guardable && !clave && !sin && !strcmp(metodo, "GET") && !campo(&h, "Range"))
                cache_guardar(host, destino, &rcab, &rcuerpo);
            sigue = responder(l->fd, metodo, destino, estado, &rcab, &rcuerpo, sin, cerrar, serv[k].nombre, ip);
            goto fin;
        }
        if (e > 0) { codigo = e; break; }
        if (enviado) { codigo = 502; if (!repetible) break; }
    }
    sigue = error_http(l->fd, metodo, destino, codigo, cerrar, ip);
fin:
    liberar_cabecera(&h);
    buf_free(&cuerpo); buf_free(&pet); buf_free(&rcab); buf_free(&rcuerpo);
    return sigue;
}

static void *atender(void *a) {
    Cliente *c = a;
    Lector *l = malloc(sizeof *l);
    l->fd = c->fd; l->ini = l->fin = 0;
    plazo(c->fd, 45);
    int uno = 1;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &uno, sizeof uno);
    while (una_peticion(l, c->ip)) ;
    shutdown(c->fd, SHUT_WR);
    close(c->fd);
    free(l);
    free(c);
    return NULL;
}

int main(int argc, char **argv) {
    signal(SIGPIPE, SIG_IGN);
    const char *env = argc > 1 ? argv[1] : "pibl.env";
    for (int i = 2; i < argc; i++) agregar(argv[i]);
    leer_env(env, argc <= 2);
    if (!nserv) { fprintf(stderr, "uso: PIBL_TTL=seg %s archivo.env [host:puerto ...]\n", argv[0]); return 1; }
    double ttl = getenv("PIBL_TTL") ? atof(getenv("PIBL_TTL")) : 60;
    cache_iniciar(ttl);
    registro_abrir(registro);
    int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), uno = 1;
    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &uno, sizeof uno);
    struct sockaddr_in d = { .sin_family = AF_INET, .sin_port = htons(puerto), .sin_addr.s_addr = INADDR_ANY };
    if (bind(s, (struct sockaddr *)&d, sizeof d) || listen(s, 1024)) { perror("puerto"); return 1; }
    fprintf(stderr, "PIBL en el puerto %d, ttl %.1f s, %d servidores\n", puerto, ttl, nserv);
    pthread_attr_t at;
    pthread_attr_init(&at);
    pthread_attr_setdetachstate(&at, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&at, 256 * 1024);
    for (;;) {
        struct sockaddr_in o;
        socklen_t n = sizeof o;
        int fd = accept4(s, (struct sockaddr *)&o, &n, SOCK_CLOEXEC);
        if (fd < 0) { if (errno == EMFILE) usleep(20000); continue; }
        Cliente *c = malloc(sizeof *c);
        c->fd = fd;
        inet_ntop(AF_INET, &o.sin_addr, c->ip, sizeof c->ip);
        pthread_t t;
        if (pthread_create(&t, &at, atender, c)) { close(fd); free(c); }
    }
}
