/*
 * PIBL.  Un solo proceso, un solo hilo, poll().
 * Telematica - Proyecto 1 - David & Laura
 *
 *   gcc -O2 -o pibl pibl.c
 *   ./pibl -t 60 -c pibl.conf
 *
 * Idea: cada cliente es una struct conn con un estado. El select tenia el limite de 1024 y por eso poll.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <time.h>
#include <ctype.h>
#include <sys/stat.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <arpa/inet.h>

enum { LEYENDO, CONECTANDO, MANDANDO, ESPERANDO, RESPONDIENDO, DRENANDO };

typedef struct { char *b; size_t n, cap; } buf_t;

typedef struct conn {
    int fc, fb;             /* cliente, backend */
    int est;
    buf_t pet;              /* lo que llego del cliente */
    buf_t a_back;           /* lo que va al backend */
    buf_t r;                /* lo que llego del backend */
    buf_t sal;              /* lo que va al cliente */
    size_t off;
    size_t lcab, rcab;      /* largo de cabezas (con \r\n\r\n), 0 = no ha llegado */
    size_t pos;             /* hasta donde he revisado los chunks */
    int back, intentos, mando100;
    int idem;               /* GET o HEAD: se puede repetir */
    char metodo[24], linea[400], ip[50], de[80];
    char *llave;            /* NULL = no se cachea */
    double plazo;
    struct conn *sig;
} conn;

static struct { struct sockaddr_in dir; char nombre[80]; } backs[32];
static int nbacks, puerto = 8080, rr;
static double ttl = 60;
static FILE *flog;
static conn *lista;

static double ahora(void) { struct timespec t; clock_gettime(CLOCK_REALTIME, &t); return t.tv_sec + t.tv_nsec / 1e9; }

static void meter(buf_t *x, const void *d, size_t n) {
    if (x->n + n + 1 > x->cap) {
        x->cap = (x->n + n + 1) * 2;
        x->b = realloc(x->b, x->cap);
        if (!x->b) { perror("realloc"); exit(1); }
    }
    memcpy(x->b + x->n, d, n);
    x->n += n;
    x->b[x->n] = 0;
}
static void soltar(buf_t *x) { free(x->b); memset(x, 0, sizeof *x); }

static void registrar(conn *c, const char *resp, const char *de, size_t n) {
    char h[40]; time_t t = time(NULL);
    strftime(h, sizeof h, "%d/%b/%Y:%H:%M:%S", localtime(&t));
    char l[1200];
    snprintf(l, sizeof l, "%s - [%s] \"%s\" >> \"%s\" %zu %s\n", c->ip, h, c->linea, resp, n, de);
    fputs(l, stdout); fflush(stdout);
    if (flog) { fputs(l, flog); fflush(flog); }
}

/* busca cabecera en [cab, cab+n). copia el valor */
static int campo(const char *cab, size_t n, const char *nom, char *out, size_t tam) {
    const char *p = memmem(cab, n, "\r\n", 2), *fin = cab + n;
    size_t ln = strlen(nom);
    while (p && p + 2 < fin) {
        p += 2;
        const char *e = memmem(p, fin - p, "\r\n", 2);
        if (!e || e == p) return 0;
        if ((size_t)(e - p) > ln && p[ln] == ':' && !strncasecmp(p, nom, ln)) {
            const char *v = p + ln + 1;
            while (v < e && (*v == ' ' || *v == '\t')) v++;
            size_t k = e - v; if (k >= tam) k = tam - 1;
            memcpy(out, v, k); out[k] = 0;
            return 1;
        }
        p = e;
    }
    return 0;
}

/* chunked: 1 = completo (fin en *pos), 0 = falta, -1 = mal. *pos apunta al comienzo de un chunk */
static int chunks(const char *b, size_t n, size_t *pos) {
    for (;;) {
        const char *p = b + *pos;
        const char *e = memmem(p, n - *pos, "\r\n", 2);
        if (!e) return n - *pos > 4000 ? -1 : 0;
        if (!isxdigit((unsigned char)*p)) return -1;
        size_t k = strtoul(p, NULL, 16);
        size_t ini = e + 2 - b;
        if (k == 0) {
            /* trailers hasta linea vacia */
            const char *q = b + ini;
            for (;;) {
                const char *f = memmem(q, b + n - q, "\r\n", 2);
                if (!f) return 0;
                if (f == q) { *pos = f + 2 - b; return 1; }
                q = f + 2;
            }
        }
        if (k > (size_t)1 << 40) return -1;
        if (n < ini + k + 2) return 0;
        *pos = ini + k + 2;
    }
}

/* pasa la cabeza cambiando solo Connection */
static void copiar_cab(buf_t *d, const char *cab, size_t n, int es_pet) {
    const char *p = cab, *fin = cab + n - 2;
    while (p < fin) {
        const char *e = memmem(p, fin + 2 - p, "\r\n", 2);
        if (!e) break;
        if (strncasecmp(p, "Connection:", 11) && strncasecmp(p, "Keep-Alive:", 11) &&
            !(es_pet && (!strncasecmp(p, "Expect:", 7) || !strncasecmp(p, "Proxy-Connection:", 17))))
            meter(d, p, e + 2 - p);
        p = e + 2;
    }
    meter(d, "Connection: close\r\n\r\n", 21);
}

/* ---------------- cache ---------------- */
static void ruta_cache(const char *llave, char *out) {
    unsigned long h = 5381, g = 0;                 /* djb2 y otro por si acaso */
    for (const unsigned char *p = (const void *)llave; *p; p++) { h = h * 33 + *p; g = g * 131 + *p; }
    sprintf(out, "cache/%016lx%08lx", h, g & 0xffffffff);
}

static int de_cache(const char *llave, buf_t *out) {
    char n[80];
    ruta_cache(llave, n);
    FILE *f = fopen(n, "rb");
    if (!f) return 0;
    double t; size_t lk, ld; int ok = 0;
    if (fscanf(f, "PIBL %lf %zu %zu", &t, &lk, &ld) == 3 && fgetc(f) == '\n' && lk == strlen(llave)) {
        char *k = malloc(lk + ld + 1);
        if (k && fread(k, 1, lk + ld, f) == lk + ld && !memcmp(k, llave, lk)) {
            double edad = ahora() - t;
            if (edad < ttl && edad >= 0) { meter(out, k + lk, ld); ok = 1; }
        }
        free(k);
    }
    fclose(f);
    return ok;
}

static void a_cache(const char *llave, const char *d, size_t n) {
    char nom[80];
    ruta_cache(llave, nom);
    FILE *f = fopen("cache/nuevo.tmp", "wb");      /* uno solo: no hay hilos */
    if (!f) { perror("cache"); return; }
    fprintf(f, "PIBL %f %zu %zu\n", ahora(), strlen(llave), n);
    fwrite(llave, 1, strlen(llave), f);
    fwrite(d, 1, n, f);
    int mal = ferror(f);
    if (fclose(f) || mal || rename("cache/nuevo.tmp", nom)) { perror("cache"); unlink("cache/nuevo.tmp"); }
}

/* ---------------- estados ---------------- */
static void responder(conn *c) { c->est = RESPONDIENDO; c->off = 0; c->plazo = ahora() + 60; if (c->fb >= 0) { close(c->fb); c->fb = -1; } }

static void error_http(conn *c, int cod, const char *txt, const char *de) {
    char cu[200], b[500], r[100];
    int n = sprintf(cu, "<h1>%d</h1> %s\n", cod, txt);
    int k = sprintf(b, "HTTP/1.1 %d %s\r\nContent-Type: text/html\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", cod, txt, n,
                    strcmp(c->metodo, "HEAD") ? cu : "");
    soltar(&c->sal);
    meter(&c->sal, b, k);
    sprintf(r, "%d %s", cod, txt);
    registrar(c, r, de, k);
    responder(c);
}

static void conectar(conn *c);
static void otro(conn *c) {
    if (c->fb >= 0) { close(c->fb); c->fb = -1; }
    c->intentos++;
    c->back = (c->back + 1) % nbacks;
    if (c->intentos >= nbacks) error_http(c, 502, "Bad Gateway", "-");
    else conectar(c);
}

static void conectar(conn *c) {
    strcpy(c->de, backs[c->back].nombre);
    c->fb = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    c->est = CONECTANDO;
    c->plazo = ahora() + 3;
    c->off = 0;
    soltar(&c->r); c->rcab = 0; c->pos = 0;
    if (c->fb < 0) { error_http(c, 502, "Bad Gateway", "-"); return; }
    if (connect(c->fb, (void *)&backs[c->back].dir, sizeof backs[0].dir) < 0 && errno != EINPROGRESS) otro(c);
}

static void falla_back(conn *c) {        /* se cayo despues de conectar */
    if (c->idem) otro(c);
    else error_http(c, 502, "Bad Gateway", c->de);
}

static void resp_completa(conn *c) {
    char est[200], cc[300], x[100];
    size_t k = (char *)memmem(c->r.b, c->r.n, "\r\n", 2) - c->r.b;
    snprintf(est, sizeof est, "%.*s", (int)(k > 190 ? 190 : k), c->r.b);
    copiar_cab(&c->sal, c->r.b, c->rcab, 0);
    meter(&c->sal, c->r.b + c->rcab, c->r.n - c->rcab);
    int cod = atoi(c->r.b + 9);
    cc[0] = 0;
    campo(c->r.b, c->rcab, "Cache-Control", cc, sizeof cc);
    if (c->llave && cod == 200 && !strcasestr(cc, "no-store") && !strcasestr(cc, "private") && !strcasestr(cc, "no-cache")
        && !campo(c->r.b, c->rcab, "Set-Cookie", x, sizeof x))
        a_cache(c->llave, c->sal.b, c->sal.n);
    registrar(c, est, c->de, c->r.n - c->rcab);
    responder(c);
}

/* llego algo del backend (o cerro). mirar si ya esta toda la respuesta */
static void revisar_resp(conn *c, int cerro) {
    char v[200];
    for (;;) {
        if (!c->rcab) {
            char *f = c->r.n ? memmem(c->r.b, c->r.n, "\r\n\r\n", 4) : NULL;
            if (!f) { if (cerro || c->r.n > 200000) falla_back(c); return; }
            c->rcab = f + 4 - c->r.b;
            if (c->rcab < 16 || strncmp(c->r.b, "HTTP/1.", 7)) { error_http(c, 502, "Bad Gateway", c->de); return; }
            if (c->r.b[9] == '1') {      /* 100 continue y similares se botan */
                memmove(c->r.b, c->r.b + c->rcab, c->r.n - c->rcab + 1);
                c->r.n -= c->rcab; c->rcab = 0;
                continue;
            }
            c->pos = c->rcab;
        }
        break;
    }
    int cod = atoi(c->r.b + 9);
    if (!strcmp(c->metodo, "HEAD") || cod == 204 || cod == 304) { c->r.n = c->rcab; resp_completa(c); return; }
    if (campo(c->r.b, c->rcab, "Transfer-Encoding", v, sizeof v) && strcasestr(v, "chunked")) {
        int k = chunks(c->r.b, c->r.n, &c->pos);
        if (k == 1) { c->r.n = c->pos; resp_completa(c); }
        else if (k < 0 || cerro) error_http(c, 502, "Bad Gateway", c->de);
        return;
    }
    if (campo(c->r.b, c->rcab, "Content-Length", v, sizeof v)) {
        size_t l = strtoul(v, NULL, 10);
        if (c->r.n - c->rcab >= l) { c->r.n = c->rcab + l; resp_completa(c); }
        else if (cerro) error_http(c, 502, "Bad Gateway", c->de);
        return;
    }
    if (cerro) resp_completa(c);
}

/* llego algo del cliente */
static void revisar_pet(conn *c) {
    char v[300], ruta[8192 * 4], ver[20];
    size_t fin;
    if (!c->lcab) {
        while (c->pet.n >= 2 && c->pet.b[0] == '\r' && c->pet.b[1] == '\n') { memmove(c->pet.b, c->pet.b + 2, c->pet.n - 1); c->pet.n -= 2; }
        if (!c->pet.n) return;
        char *f = memmem(c->pet.b, c->pet.n, "\r\n\r\n", 4);
        if (!f) { if (c->pet.n > 32000) error_http(c, 431, "Request Header Fields Too Large", "-"); return; }
        c->lcab = f + 4 - c->pet.b;
        c->pos = c->lcab;
        char *e = memmem(c->pet.b, c->pet.n, "\r\n", 2);
        snprintf(c->linea, sizeof c->linea, "%.*s", (int)(e - c->pet.b > 390 ? 390 : e - c->pet.b), c->pet.b);
        if (c->lcab > 32000) { error_http(c, 431, "Request Header Fields Too Large", "-"); return; }
        if (sscanf(c->pet.b, "%20s %32000s %15s", c->metodo, ruta, ver) != 3 || strncmp(ver, "HTTP/1.", 7)) {
            error_http(c, 400, "Bad Request", "-"); return;
        }
    }
    if (campo(c->pet.b, c->lcab, "Transfer-Encoding", v, sizeof v) && strcasestr(v, "chunked")) {
        int k = chunks(c->pet.b, c->pet.n, &c->pos);
        if (k < 0) { error_http(c, 400, "Bad Request", "-"); return; }
        fin = k ? c->pos : 0;
    } else if (campo(c->pet.b, c->lcab, "Content-Length", v, sizeof v)) {
        fin = c->lcab + strtoul(v, NULL, 10);
        if (c->pet.n < fin) fin = 0;
    } else fin = c->lcab;
    if (!fin) {
        if (!c->mando100 && campo(c->pet.b, c->lcab, "Expect", v, sizeof v)) {
            send(c->fc, "HTTP/1.1 100 Continue\r\n\r\n", 25, MSG_NOSIGNAL);
            c->mando100 = 1;
        }
        return;
    }
    /* peticion completa */
    c->idem = !strcmp(c->metodo, "GET") || !strcmp(c->metodo, "HEAD");
    if (!strcmp(c->metodo, "GET") && fin == c->lcab && !campo(c->pet.b, c->lcab, "Authorization", v, sizeof v)
        && !campo(c->pet.b, c->lcab, "Range", v, sizeof v)) {
        char host[300] = "";
        campo(c->pet.b, c->lcab, "Host", host, sizeof host);
        sscanf(c->pet.b, "%*s %32000s %15s", ruta, ver);
        /* la version va en la llave: un cliente 1.0 no entiende chunked */
        if (asprintf(&c->llave, "%s %s %s", ver, host, ruta) < 0) c->llave = NULL;
        if (c->llave && de_cache(c->llave, &c->sal)) {
            char est[200];
            size_t k = (char *)memmem(c->sal.b, c->sal.n, "\r\n", 2) - c->sal.b;
            snprintf(est, sizeof est, "%.*s", (int)(k > 190 ? 190 : k), c->sal.b);
            registrar(c, est, "(cache)", c->sal.n);
            responder(c);
            return;
        }
    }
    copiar_cab(&c->a_back, c->pet.b, c->lcab, 1);
    meter(&c->a_back, c->pet.b + c->lcab, fin - c->lcab);
    c->back = rr;
    rr = (rr + 1) % nbacks;
    c->intentos = 0;
    conectar(c);
}

static void cerrar(conn *c) {
    if (c->fb >= 0) close(c->fb);
    close(c->fc);
    soltar(&c->pet); soltar(&c->a_back); soltar(&c->r); soltar(&c->sal);
    free(c->llave);
    conn **p = &lista;
    while (*p != c) p = &(*p)->sig;
    *p = c->sig;
    free(c);
}

static void config(const char *n) {
    FILE *f = fopen(n, "r");
    char l[200], a[100]; int p;
    if (!f) { perror(n); exit(1); }
    while (fgets(l, sizeof l, f)) {
        if (sscanf(l, " port %d", &p) == 1) puerto = p;
        else if (sscanf(l, " server %99[0-9.]:%d", a, &p) == 2 && nbacks < 32) {
            memset(&backs[nbacks].dir, 0, sizeof backs[0].dir);
            backs[nbacks].dir.sin_family = AF_INET;
            backs[nbacks].dir.sin_port = htons(p);
            if (!inet_aton(a, &backs[nbacks].dir.sin_addr)) continue;
            snprintf(backs[nbacks].nombre, 80, "%.60s:%d", a, p);
            nbacks++;
        }
    }
    fclose(f);
}

int main(int argc, char **argv) {
    const char *cf = "pibl.conf", *lf = "pibl.log";
    int o;
    while ((o = getopt(argc, argv, "t:c:l:h")) != -1) {
        if (o == 't') ttl = atof(optarg);
        else if (o == 'c') cf = optarg;
        else if (o == 'l') lf = optarg;
        else { printf("uso: %s [-t ttl] [-c conf] [-l log]\n", argv[0]); return 1; }
    }
    config(cf);
    if (!nbacks) { printf("no hay 'server' en %s\n", cf); return 1; }
    signal(SIGPIPE, SIG_IGN);
    mkdir("cache", 0755);
    flog = fopen(lf, "a");
    int s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), uno = 1;
    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &uno, sizeof uno);
    struct sockaddr_in d = { .sin_family = AF_INET, .sin_port = htons(puerto) };
    if (bind(s, (void *)&d, sizeof d) || listen(s, 511)) { perror("bind/listen"); return 1; }
    printf("escuchando %d, %d servidores, ttl %.1f\n", puerto, nbacks, ttl); fflush(stdout);

    static struct pollfd pf[4096];
    static conn *quien[4096];
    static char tmp[262144];
    for (;;) {
        int n = 1;
        pf[0].fd = s; pf[0].events = POLLIN;
        for (conn *c = lista; c && n < 4090; c = c->sig) {
            quien[n] = c;
            pf[n].fd = c->fc; pf[n].events = 0;
            switch (c->est) {
            case LEYENDO: pf[n].events = POLLIN; break;
            case CONECTANDO: case MANDANDO: pf[n].fd = c->fb; pf[n].events = POLLOUT; break;
            case ESPERANDO: pf[n].fd = c->fb; pf[n].events = POLLIN; break;
            case RESPONDIENDO: pf[n].events = POLLOUT; break;
            case DRENANDO: pf[n].events = POLLIN; break;
            }
            n++;
        }
        if (poll(pf, n, 500) < 0) continue;
        double t = ahora();
        for (int i = 1; i < n; i++) {
            conn *c = quien[i];
            ssize_t k;
            if (!pf[i].revents) {
                if (t < c->plazo) continue;
                if (c->est == CONECTANDO) otro(c);
                else if (c->est == MANDANDO || c->est == ESPERANDO) error_http(c, 504, "Gateway Timeout", c->de);
                else cerrar(c);
                continue;
            }
            switch (c->est) {
            case LEYENDO:
                k = recv(c->fc, tmp, sizeof tmp, 0);
                if (k <= 0) { if (k < 0 && errno == EAGAIN) break; cerrar(c); break; }
                meter(&c->pet, tmp, k);
                c->plazo = t + 30;
                revisar_pet(c);
                break;
            case CONECTANDO: {
                int e = 0; socklen_t le = sizeof e;
                getsockopt(c->fb, SOL_SOCKET, SO_ERROR, &e, &le);
                if (e) { otro(c); break; }
                c->est = MANDANDO; c->plazo = t + 10;
            }   /* sigue */
            /* fall through */
            case MANDANDO:
                k = send(c->fb, c->a_back.b + c->off, c->a_back.n - c->off, MSG_NOSIGNAL);
                if (k < 0) { if (errno != EAGAIN) falla_back(c); break; }
                c->off += k;
                if (c->off == c->a_back.n) c->est = ESPERANDO;
                c->plazo = t + 10;
                break;
            case ESPERANDO:
                k = recv(c->fb, tmp, sizeof tmp, 0);
                if (k < 0 && errno == EAGAIN) break;
                if (k > 0) { meter(&c->r, tmp, k); c->plazo = t + 10; revisar_resp(c, 0); }
                else if (k == 0) revisar_resp(c, 1);
                else falla_back(c);
                break;
            case RESPONDIENDO:
                k = send(c->fc, c->sal.b + c->off, c->sal.n - c->off, MSG_NOSIGNAL);
                if (k < 0) { if (errno != EAGAIN) cerrar(c); break; }
                c->off += k; c->plazo = t + 60;
                if (c->off == c->sal.n) {
                    /* cerrar a medias para que no le llegue un RST al cliente */
                    shutdown(c->fc, SHUT_WR); c->est = DRENANDO; c->plazo = t + 2;
                }
                break;
            case DRENANDO:
                k = recv(c->fc, tmp, sizeof tmp, 0);
                if (k <= 0) cerrar(c);
                break;
            }
        }
        if (pf[0].revents) {
            struct sockaddr_in a; socklen_t la = sizeof a;
            int f;
            while ((f = accept4(s, (void *)&a, &la, SOCK_NONBLOCK)) >= 0) {
                conn *c = calloc(1, sizeof *c);
                c->fc = f; c->fb = -1; c->est = LEYENDO; c->plazo = t + 30;
                sprintf(c->ip, "%s:%d", inet_ntoa(a.sin_addr), ntohs(a.sin_port));
                strcpy(c->linea, "-");
                c->sig = lista; lista = c;
                la = sizeof a;
            }
        }
    }
}
