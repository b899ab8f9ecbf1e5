#include "comun.h"
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

static pthread_mutex_t mturno = PTHREAD_MUTEX_INITIALIZER;
static int turno;

static Servidor *siguiente(void)
{
    pthread_mutex_lock(&mturno);
    Servidor *s = &cfg.serv[turno];
    turno = (turno + 1) % cfg.nserv;
    pthread_mutex_unlock(&mturno);
    return s;
}

static void espera(int fd, long ms)
{
    struct timeval t = { ms / 1000, (ms % 1000) * 1000 };
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t);
}

static int conectar(const Servidor *s)
{
    struct addrinfo pista = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM }, *r;
    if (getaddrinfo(s->host, s->puerto, &pista, &r)) return -1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), e = 0;
    socklen_t le = sizeof e;
    if (fd >= 0) {
        if (connect(fd, r->ai_addr, r->ai_addrlen) && errno != EINPROGRESS) e = errno;
        struct pollfd p = { fd, POLLOUT, 0 };
        if (!e && poll(&p, 1, 2500) <= 0) e = ETIMEDOUT;
        if (!e) getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &le);
        if (e) { close(fd); fd = -1; }
        else { fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK); espera(fd, cfg.espera_ms); }
    }
    freeaddrinfo(r);
    return fd;
}

/* 0 bien; si no, 502 o 504 */
static int conversar(int fd, const char *met, const Buf *pide, Buf *cab, Buf *cuerpo, int *estado)
{
    Buf ent = {0};
    int r, sale = 502;
    long fin;
    enviar_todo(fd, pide->p, pide->n);     /* si falla, puede que igual haya respuesta */
otra:
    while ((fin = fin_cabecera(&ent)) < 0) {
        r = leer_mas(fd, &ent);
        if (r <= 0 || ent.n > MAX_CABECERA * 2) { sale = r == -2 ? 504 : 502; if (fin_cabecera(&ent) < 0) goto listo; }
    }
    if (sscanf(ent.p, "HTTP/1.%*d %d", estado) != 1 || *estado < 100) goto listo;
    if (*estado < 200) {                    /* 100 Continue y amigos */
        memmove(ent.p, ent.p + fin, ent.n - fin + 1);
        ent.n -= fin;
        goto otra;
    }
    buf_mas(cab, ent.p, fin);
    r = 0;
    if (!strcmp(met, "HEAD") || *estado == 204 || *estado == 304)
        ;
    else if (campo_tiene(cab->p, "Transfer-Encoding", "chunked"))
        r = cuerpo_trozos(fd, &ent, fin, cuerpo);
    else {
        char v[64];
        if (campo(cab->p, "Content-Length", v, sizeof v))
            r = cuerpo_fijo(fd, &ent, fin, strtoul(v, NULL, 10), cuerpo);
        else {
            while ((r = leer_mas(fd, &ent)) > 0) ;
            if (r == 0) buf_mas(cuerpo, ent.p + fin, ent.n - fin);
        }
    }
    sale = r == 0 ? 0 : (r == -2 ? 504 : 502);
listo:
    buf_libre(&ent);
    if (sale) { cab->n = 0; cuerpo->n = 0; }
    return sale;
}

static long vida(const char *cab)
{
    char v[1024], *p;
    long ms = cfg.ttl_ms;
    if (campo(cab, "Vary", v, sizeof v)) return 0;
    if (campo_tiene(cab, "Cache-Control", "no-store") || campo_tiene(cab, "Cache-Control", "private") ||
        campo_tiene(cab, "Cache-Control", "no-cache")) return 0;
    if (campo(cab, "Cache-Control", v, sizeof v) && (p = strcasestr(v, "max-age="))) {
        long s = strtol(p + 8, NULL, 10) * 1000;
        if (s < ms) ms = s;
    }
    return ms;
}

void atender(Conexion *c, int hilo)
{
    static const char *sin_largo[] = { "Content-Length", "Expect", NULL };
    Buf cuerpo = {0}, pide = {0}, cab = {0}, res = {0}, sale = {0};
    char met[32] = "-", ver[16] = "", v[2048], srv[160] = "-", llave[MAX_CABECERA + 300] = "";
    char *url = NULL, *cabp;
    const char *como = "MISS", *u = "-";
    int error = 0, estado = 0, tiene = 0, sirve = 0;
    long fin = fin_cabecera(&c->ent);
    espera(c->fd, 15000);

    cabp = strndup(c->ent.p, fin);
    char *e1 = strchr(cabp, ' '), *e2 = e1 ? strchr(e1 + 1, ' ') : NULL, *fl = strstr(cabp, "\r\n");
    if (fin > MAX_CABECERA) error = 431;
    else if (!e1 || !e2 || e2 > fl || e1 - cabp > 30 || strncmp(e2 + 1, "HTTP/1.", 7)) error = 400;
    if (!error) {
        snprintf(met, sizeof met, "%.*s", (int)(e1 - cabp), cabp);
        url = strndup(e1 + 1, e2 - e1 - 1);
        snprintf(ver, sizeof ver, "%.*s", 8, e2 + 1);
        u = url;
        if (!strncasecmp(url, "http://", 7)) { u = strchr(url + 7, '/'); if (!u) u = "/"; }
        if (campo(cabp, "Transfer-Encoding", v, sizeof v)) {
            if (!campo_tiene(cabp, "Transfer-Encoding", "chunked")) error = 501;
            tiene = 2;
        } else if (campo(cabp, "Content-Length", v, sizeof v)) {
            if (!*v || v[strspn(v, "0123456789")]) error = 400;
            tiene = 1;
        }
    }
    if (!error && tiene) {
        int r;
        size_t largo = strtoul(v, NULL, 10);
        if (campo_tiene(cabp, "Expect", "100-continue") && !strcmp(ver, "HTTP/1.1") && c->ent.n == (size_t)fin)
            enviar_todo(c->fd, "HTTP/1.1 100 Continue\r\n\r\n", 25);
        r = tiene == 2 ? cuerpo_trozos(c->fd, &c->ent, fin, &cuerpo)
                       : cuerpo_fijo(c->fd, &c->ent, fin, largo, &cuerpo);
        if (r) error = r == -2 ? 408 : 400;
    }
    if (!error) {
        char host[256];
        campo(cabp, "Host", host, sizeof host);
        for (char *q = host; *q; q++) if (*q >= 'A' && *q <= 'Z') *q += 32;
        snprintf(llave, sizeof llave, "%s%s", host, u);
        sirve = !strcmp(met, "GET") && !campo(cabp, "Authorization", v, sizeof v) &&
                !campo(cabp, "Range", v, sizeof v) && !campo_tiene(cabp, "Cache-Control", "no-store");
        if (sirve && !campo_tiene(cabp, "Cache-Control", "no-cache") && cache_leer(llave, &cab, &res)) {
            como = "HIT";
            estado = atoi(cab.p + 9);
            printf("[hilo %d] estaba en la cache\n", hilo);
        } else {
            buf_txt(&pide, "%s %s HTTP/1.1\r\n", met, u);
            if (!*host) buf_txt(&pide, "Host: localhost\r\n");
            copiar_campos(&pide, cabp, sin_largo);
            if (tiene) buf_txt(&pide, "Content-Length: %zu\r\n", cuerpo.n);
            buf_txt(&pide, "Via: 1.1 pibl\r\nConnection: close\r\n\r\n");
            if (cuerpo.n) buf_mas(&pide, cuerpo.p, cuerpo.n);
            error = 502;
            int idem = !strcmp(met, "GET") || !strcmp(met, "HEAD");
            for (int i = 0; i < cfg.nserv && error; i++) {
                Servidor *s = siguiente();
                int b = conectar(s);
                printf("[hilo %d] servidor %s:%s %s\n", hilo, s->host, s->puerto, b < 0 ? "NO CONTESTA" : "ok");
                if (b < 0) continue;
                snprintf(srv, sizeof srv, "%s:%s", s->host, s->puerto);
                error = conversar(b, met, &pide, &cab, &res, &estado);
                close(b);
                if (error == 504 || (error && !idem)) break;
            }
            if (!error && sirve && estado == 200 && vida(cab.p) > 0 && res.n <= 64u << 20)
                cache_guardar(llave, vida(cab.p), &cab, &res);
            if (!error && estado < 400 && strcmp(met, "GET") && strcmp(met, "HEAD") && strcmp(met, "OPTIONS"))
                cache_borrar(llave);
        }
    }
    if (error) {
        como = "ERROR";
        estado = error;
        cab.n = res.n = 0;
        const char *t = error == 400 ? "Bad Request" : error == 408 ? "Request Timeout" :
                        error == 431 ? "Request Header Fields Too Large" : error == 501 ? "Not Implemented" :
                        error == 504 ? "Gateway Timeout" : "Bad Gateway";
        buf_txt(&cab, "HTTP/1.1 %d %s\r\nContent-Type: text/plain\r\n\r\n", error, t);
        buf_txt(&res, "%d %s (pibl)\n", error, t);
    }
    /* armar la respuesta */
    int sin_cuerpo = !strcmp(met, "HEAD") || estado == 204 || estado == 304;
    char *l1 = strstr(cab.p, "\r\n");
    buf_txt(&sale, "HTTP/1.1%.*s\r\n", (int)(l1 - cab.p - 8), cab.p + 8);
    copiar_campos(&sale, cab.p, sin_cuerpo ? NULL : sin_largo);
    if (!sin_cuerpo) buf_txt(&sale, "Content-Length: %zu\r\n", res.n);
    else if (error) res.n = 0;
    buf_txt(&sale, "Via: 1.1 pibl\r\nX-Cache: %s\r\nConnection: close\r\n\r\n", como);
    if (res.n) buf_mas(&sale, res.p, res.n);
    registrar(c->ip, met, u, srv, estado, res.n, como, ahora_ms() - c->desde);
    if (enviar_todo(c->fd, sale.p, sale.n)) printf("[hilo %d] el cliente se fue\n", hilo);

    /* cerrar con calma, que no se pierda el final por un RST */
    shutdown(c->fd, SHUT_WR);
    struct pollfd pf = { c->fd, POLLIN, 0 };
    for (int i = 0; i < 20 && poll(&pf, 1, 100) > 0 && recv(c->fd, v, sizeof v, 0) > 0; i++) ;
    close(c->fd);
    free(cabp); free(url);
    buf_libre(&cuerpo); buf_libre(&pide); buf_libre(&cab); buf_libre(&res); buf_libre(&sale);
}
