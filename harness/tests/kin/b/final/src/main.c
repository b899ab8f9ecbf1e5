#include "pibl.h"
#include <string.h>
#include <strings.h>
#include <stdlib.h>
#include <errno.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>
#include <netdb.h>
#include <ctype.h>
#include <poll.h>
#include <fcntl.h>
#include <pthread.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

static Config cfg;
static FILE *archivo_log;
static pthread_mutex_t m_log = PTHREAD_MUTEX_INITIALIZER, m_turno = PTHREAD_MUTEX_INITIALIZER;
static int turno;

static void registrar(const char *quien, const char *linea, int estado, size_t n, const char *de) {
    char hora[32];
    time_t t = time(NULL);
    struct tm tm;
    localtime_r(&t, &tm);
    strftime(hora, sizeof hora, "%Y-%m-%d %H:%M:%S", &tm);
    pthread_mutex_lock(&m_log);
    FILE *a[2] = {stdout, archivo_log};
    for (int i = 0; i < 2; i++) {
        fprintf(a[i], "[%s] %s \"%s\" -> %d %zu bytes (%s)\n", hora, quien, linea, estado, n, de);
        fflush(a[i]);
    }
    pthread_mutex_unlock(&m_log);
}
static int conectar(int i) {
    struct addrinfo h = {0}, *r, *p;
    int fd = -1;
    h.ai_socktype = SOCK_STREAM;
    if (getaddrinfo(cfg.host[i], cfg.port[i], &h, &r)) return -1;
    for (p = r; p; p = p->ai_next) {
        fd = socket(p->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0) continue;
        fcntl(fd, F_SETFL, O_NONBLOCK);
        int e = connect(fd, p->ai_addr, p->ai_addrlen), err = 0;
        socklen_t le = sizeof err;
        if (e && errno == EINPROGRESS) {
            struct pollfd pf = {fd, POLLOUT, 0};
            e = poll(&pf, 1, 3000) == 1 && !getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &le) && !err ? 0 : -1;
        }
        if (!e) break;
        close(fd);
        fd = -1;
    }
    freeaddrinfo(r);
    if (fd >= 0) {
        struct timeval tv = {10, 0};
        int uno = 1;
        fcntl(fd, F_SETFL, 0);
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &uno, sizeof uno);
    }
    return fd;
}
/* 1 bien, 0 se corto, -2 tiempo */
static int preguntar(int fd, Buf *pet, const char *metodo, Mensaje *res) {
    Lector *l = calloc(1, sizeof *l);
    char v[256];
    int r;
    l->fd = fd;
    r = enviar_todo(fd, pet->p, pet->n) ? 0 : 1;
    do {
        res->cab.n = 0;
        if (r > 0) r = leer_cabeza(l, &res->cab);
        if (r > 0 && sscanf(res->cab.p, "HTTP/%*s %d", &res->estado) != 1) r = 0;
    } while (r > 0 && res->estado < 200);
    if (r > 0 && strcmp(metodo, "HEAD") && res->estado != 204 && res->estado != 304) {
        if (campo(res->cab.p, "Transfer-Encoding", v, sizeof v) && contiene(v, "chunked")) r = leer_chunks(l, &res->cuerpo);
        else if (campo(res->cab.p, "Content-Length", v, sizeof v)) r = leer_n(l, &res->cuerpo, strtoull(v, NULL, 10));
        else r = leer_hasta_eof(l, &res->cuerpo);
    }
    free(l);
    return r > 0 ? 1 : (r == -2 ? -2 : 0);
}
static void error_http(Mensaje *m, int estado, const char *t) {
    char b[200];
    m->cab.n = m->cuerpo.n = 0;
    snprintf(b, sizeof b, "HTTP/1.1 %d %s\r\nContent-Type: text/plain\r\n\r\n", estado, t);
    buf_str(&m->cab, b);
    snprintf(b, sizeof b, "%d %s\n", estado, t);
    buf_str(&m->cuerpo, b);
    m->estado = estado;
}
static int responder(int fd, const char *metodo, Mensaje *m, int cerrar) {
    Buf o = {0};
    char b[64], cl[64];
    int sin = m->estado == 204 || m->estado == 304, head = !strcmp(metodo, "HEAD");
    buf_str(&o, "HTTP/1.1");
    const char *esp = strchr(m->cab.p, ' ');
    buf_add(&o, esp, strchr(esp, '\n') - esp + 1);
    copiar_campos(m->cab.p, &o);
    if (head || m->estado == 304) {
        if (campo(m->cab.p, "Content-Length", cl, sizeof cl)) { snprintf(b, sizeof b, "Content-Length: %.40s\r\n", cl); buf_str(&o, b); }
    } else if (!sin) {
        snprintf(b, sizeof b, "Content-Length: %zu\r\n", m->cuerpo.n);
        buf_str(&o, b);
    }
    buf_str(&o, cerrar ? "Connection: close\r\n\r\n" : "Connection: keep-alive\r\n\r\n");
    if (!head && !sin) buf_add(&o, m->cuerpo.p ? m->cuerpo.p : "", m->cuerpo.n);
    int r = enviar_todo(fd, o.p, o.n);
    buf_free(&o);
    return r;
}
static void del_backend(const char *metodo, Buf *pet, Mensaje *res, char *de) {
    int base, ultimo = 502;
    pthread_mutex_lock(&m_turno);
    base = turno;
    turno = (turno + 1) % cfg.n;
    pthread_mutex_unlock(&m_turno);
    for (int k = 0; k < cfg.n; k++) {
        int i = (base + k) % cfg.n, fd = conectar(i);
        sprintf(de, "backend %d", i);
        if (fd < 0) continue;
        res->cab.n = res->cuerpo.n = 0;
        int r = preguntar(fd, pet, metodo, res);
        close(fd);
        if (r > 0) return;
        ultimo = r == -2 ? 504 : 502;
        if (r == -2 || (strcmp(metodo, "GET") && strcmp(metodo, "HEAD"))) break;   /* un POST no se repite */
    }
    error_http(res, ultimo, ultimo == 504 ? "Gateway Timeout" : "Bad Gateway");
}
static int una_peticion(Lector *l, const char *quien) {
    Buf cab = {0}, cuerpo = {0}, pet = {0}, llave = {0};
    Mensaje res = {0};
    char metodo[32], version[16], v[1024], host[512], de[40] = "local", b[64];
    char *destino = NULL, *linea = NULL;
    int cerrar = 1, r = leer_cabeza(l, &cab);
    if (r == 0 || r == -1 || r == -2) { buf_free(&cab); return 0; }
    destino = calloc(1, cab.n + 1);
    if (r < 0 || cab.n > MAX_CABECERA || sscanf(cab.p, "%31s %s %15s", metodo, destino, version) != 3 || strncmp(version, "HTTP/1.", 7)) {
        error_http(&res, r == -3 ? 431 : 400, r == -3 ? "Request Header Fields Too Large" : "Bad Request");
        strcpy(metodo, "GET");
        linea = strdup("(mala)");
        goto listo;
    }
    linea = strndup(cab.p, strcspn(cab.p, "\r\n"));
    if (!campo(cab.p, "Connection", v, sizeof v)) v[0] = 0;
    cerrar = contiene(v, "close") || (!strcmp(version, "HTTP/1.0") && !contiene(v, "keep-alive"));
    if (campo(cab.p, "Expect", v, sizeof v)) enviar_todo(l->fd, "HTTP/1.1 100 Continue\r\n\r\n", 25);
    int con_cuerpo = 1;
    if (campo(cab.p, "Transfer-Encoding", v, sizeof v)) r = leer_chunks(l, &cuerpo);
    else if (campo(cab.p, "Content-Length", v, sizeof v)) {
        if (!isdigit((unsigned char)v[0])) r = -4;
        else r = leer_n(l, &cuerpo, strtoull(v, NULL, 10));
    } else con_cuerpo = 0;
    if (r == -4) { error_http(&res, 400, "Bad Request"); cerrar = 1; goto listo; }
    if (r <= 0) { error_http(&res, 408, "Request Timeout"); cerrar = 1; goto listo; }

    campo(cab.p, "Host", host, sizeof host);
    for (char *c = host; *c; c++) *c = tolower((unsigned char)*c);
    int usa_cache = !strcmp(metodo, "GET") && !con_cuerpo && !campo(cab.p, "Authorization", v, sizeof v) &&
        !campo(cab.p, "Range", v, sizeof v) && !campo(cab.p, "If-None-Match", v, sizeof v) && !campo(cab.p, "If-Modified-Since", v, sizeof v);
    buf_str(&llave, host);
    buf_str(&llave, " ");
    buf_str(&llave, destino);
    if (usa_cache && cache_buscar(llave.p, &res.cab, &res.cuerpo)) {
        sscanf(res.cab.p, "HTTP/%*s %d", &res.estado);
        strcpy(de, "cache");
        goto listo;
    }
    buf_str(&pet, metodo); buf_str(&pet, " "); buf_str(&pet, destino); buf_str(&pet, " HTTP/1.1\r\n");
    copiar_campos(cab.p, &pet);
    if (con_cuerpo) { snprintf(b, sizeof b, "Content-Length: %zu\r\n", cuerpo.n); buf_str(&pet, b); }
    buf_str(&pet, "Connection: close\r\n\r\n");
    if (cuerpo.n) buf_add(&pet, cuerpo.p, cuerpo.n);
    del_backend(metodo, &pet, &res, de);
    if (usa_cache && res.estado == 200) {
        campo(res.cab.p, "Cache-Control", v, sizeof v);
        int no = contiene(v, "no-store") || contiene(v, "private") || contiene(v, "no-cache") || strstr(v, "max-age=0") ||
            campo(res.cab.p, "Vary", v, sizeof v) || campo(res.cab.p, "Set-Cookie", v, sizeof v);
        if (!no) cache_guardar(llave.p, &res.cab, &res.cuerpo);
    }
listo:
    registrar(quien, linea, res.estado, res.cuerpo.n, de);
    if (responder(l->fd, metodo, &res, cerrar)) cerrar = 1;
    buf_free(&cab); buf_free(&cuerpo); buf_free(&pet); buf_free(&llave); buf_free(&res.cab); buf_free(&res.cuerpo);
    free(destino); free(linea);
    return !cerrar;
}
static void *atender(void *arg) {
    Lector *l = arg;
    struct timeval tv = {20, 0};
    struct sockaddr_in a;
    socklen_t la = sizeof a;
    char quien[32] = "?";
    int uno = 1;
    if (!getpeername(l->fd, (struct sockaddr *)&a, &la)) {
        unsigned char *q = (unsigned char *)&a.sin_addr;
        sprintf(quien, "%d.%d.%d.%d", q[0], q[1], q[2], q[3]);
    }
    setsockopt(l->fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
    setsockopt(l->fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv);
    setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &uno, sizeof uno);
    while (una_peticion(l, quien)) ;
    shutdown(l->fd, SHUT_WR);
    close(l->fd);
    free(l);
    return NULL;
}
int main(int argc, char **argv) {
    const char *conf = "pibl.conf", *dir = "cache", *log = "pibl.log";
    long ttl = 60;
    int o, uno = 1;
    while ((o = getopt(argc, argv, "c:t:l:d:h")) != -1) switch (o) {
        case 'c': conf = optarg; break;
        case 't': { char *f; ttl = strtol(optarg, &f, 10); if (*f || ttl < 0) { fprintf(stderr, "TTL malo\n"); return 2; } } break;
        case 'l': log = optarg; break;
        case 'd': dir = optarg; break;
        default: fprintf(stderr, "uso: %s [-c pibl.conf] [-t segundos] [-l archivo] [-d carpeta]\n", argv[0]); return 2;
    }
    if (leer_config(conf, &cfg)) return 1;
    signal(SIGPIPE, SIG_IGN);
    archivo_log = fopen(log, "a");
    if (!archivo_log) { perror(log); return 1; }
    cache_init(dir, ttl);
    int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in d = {0};
    d.sin_family = AF_INET;
    d.sin_port = htons(cfg.puerto);
    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &uno, sizeof uno);
    if (bind(s, (struct sockaddr *)&d, sizeof d) || listen(s, 512)) { perror("bind"); return 1; }
    printf("PIBL en el puerto %d, %d backends, TTL %ld s\n", cfg.puerto, cfg.n, ttl);
    fflush(stdout);
    pthread_attr_t at;
    pthread_attr_init(&at);
    pthread_attr_setdetachstate(&at, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&at, 256 * 1024);
    for (;;) {
        int c = accept(s, NULL, NULL);
        if (c < 0) { if (errno == EMFILE) usleep(10000); continue; }
        Lector *l = calloc(1, sizeof *l);
        pthread_t h;
        l->fd = c;
        if (pthread_create(&h, &at, atender, l)) { close(c); free(l); }
    }
}
