/*
 * Proyecto 1 Telematica - Balanceador / proxy inverso con cache
 * Un hijo (fork) por cada conexion. Toda respuesta pasa primero por el disco.
 * uso: ./balanceador VIDA_EN_MILISEGUNDOS [archivo.csv]
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <stdarg.h>
#include <ctype.h>
#include <errno.h>
#include <unistd.h>
#include <fcntl.h>
#include <signal.h>
#include <time.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#define TROZO 65536
#define MAXCAMPOS 200
#define MAXCABEZA (128 * 1024)
#define CARPETA "memoria_cache"
#define ENCABEZADO 160            /* primeros bytes de cada archivo del cache */
#define ESPERA_CLIENTE 15

typedef struct { char *p; size_t n, cap; } Cadena;
typedef struct { int fd; size_t ini, fin; char buf[TROZO]; } Lector;
typedef struct { char *nombre, *valor; } Campo;
typedef struct { char *linea; Campo c[MAXCAMPOS]; int n; } Cabeza;
typedef struct { char host[200]; char puerto[16]; } Maquina;

static Maquina granja[64];
static int cuantas = 0, espera = 10;
static long long vida_ms;
static int fd_bitacora = -1;
static char quien[64], primera[9000] = "-";
static long long t_inicio;
static char parcial[120];        /* temporal por borrar si no se guardo */

static long long ahora(void) {
    struct timespec t; clock_gettime(CLOCK_REALTIME, &t);
    return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}
static void pegar(Cadena *c, const void *d, size_t n) {
    if (c->n + n + 1 > c->cap) {
        c->cap = (c->n + n + 1) * 2;
        c->p = realloc(c->p, c->cap);
        if (!c->p) _exit(9);
    }
    memcpy(c->p + c->n, d, n); c->n += n; c->p[c->n] = 0;
}
static void pegarf(Cadena *c, const char *f, ...) {
    char *s; va_list a; va_start(a, f); int n = vasprintf(&s, f, a); va_end(a);
    if (n >= 0) { pegar(c, s, n); free(s); }
}
/* una sola linea por peticion, al final, con un solo write (O_APPEND) */
static void anotar(int codigo, long long bytes, const char *de_donde) {
    char f[40]; time_t t = time(NULL); struct tm tm; localtime_r(&t, &tm);
    strftime(f, sizeof f, "%Y/%m/%d %H:%M:%S", &tm);
    Cadena l = {0};
    pegarf(&l, "%s | %s | peticion: %s | respuesta: %d, %lld bytes | %s | %lld ms\n", f, quien, primera,
           codigo, bytes, de_donde, ahora() - t_inicio);
    if (write(fd_bitacora, l.p, l.n) < 0) perror("bitacora");
    if (write(1, l.p, l.n) < 0) { /* nadie mira */ }
    free(l.p);
}
static int mandar(int fd, const void *d, size_t n) {
    const char *p = d;
    while (n) {
        ssize_t k = send(fd, p, n, MSG_NOSIGNAL);
        if (k < 0 && errno == EINTR) continue;
        if (k <= 0) return -1;
        p += k; n -= k;
    }
    return 0;
}
/* -1 error, 0 fin, -2 se acabo el tiempo */
static int rellenar(Lector *L) {
    ssize_t k;
    do k = recv(L->fd, L->buf, TROZO, 0); while (k < 0 && errno == EINTR);
    if (k < 0) return (errno == EAGAIN || errno == EWOULDBLOCK) ? -2 : -1;
    L->ini = 0; L->fin = k;
    return k > 0;
}
static int linea(Lector *L, Cadena *c) {
    c->n = 0;
    for (;;) {
        if (L->ini == L->fin) { int r = rellenar(L); if (r <= 0) return r; }
        char *q = memchr(L->buf + L->ini, '\n', L->fin - L->ini);
        size_t n = q ? (size_t)(q - (L->buf + L->ini)) + 1 : L->fin - L->ini;
        pegar(c, L->buf + L->ini, n); L->ini += n;
        if (c->n > MAXCABEZA) return -3;
        if (q) {
            c->p[--c->n] = 0;
            if (c->n && c->p[c->n - 1] == '\r') c->p[--c->n] = 0;
            return 1;
        }
    }
}
/* linea inicial + campos. 1 bien, 0 fin sin nada, <0 problema (-3 muy grande, -4 mal formada) */
static int leer_cabeza(Lector *L, Cabeza *h) {
    Cadena c = {0}; size_t total = 0; int r, vacias = 0;
    h->n = 0;
    do { r = linea(L, &c); if (r <= 0) return r == 0 && c.n ? -4 : r; } while (c.n == 0 && vacias++ < 3);
    if (strlen(c.p) != c.n) return -4;
    h->linea = strdup(c.p);
    for (;;) {
        r = linea(L, &c);
        if (r <= 0) return r == 0 ? -4 : r;
        if (c.n == 0) { free(c.p); return 1; }
        total += c.n;
        if (total > MAXCABEZA || h->n == MAXCAMPOS) return -3;
        char *d = strchr(c.p, ':');
        if (!d || d == c.p || strlen(c.p) != c.n || isspace((unsigned char)d[-1]) || isspace((unsigned char)c.p[0])) return -4;
        *d++ = 0;
        while (*d == ' ' || *d == '\t') d++;
        char *f = d + strlen(d);
        while (f > d && (f[-1] == ' ' || f[-1] == '\t')) *--f = 0;
        h->c[h->n].nombre = strdup(c.p); h->c[h->n++].valor = strdup(d);
    }
}
static const char *campo(Cabeza *h, const char *n) {
    for (int i = 0; i < h->n; i++) if (!strcasecmp(h->c[i].nombre, n)) return h->c[i].valor;
    return NULL;
}
static int dice(Cabeza *h, const char *n, const char *palabra) {
    size_t k = strlen(palabra);
    for (int i = 0; i < h->n; i++) if (!strcasecmp(h->c[i].nombre, n))
        for (char *s = h->c[i].valor; (s = strcasestr(s, palabra)); s++) {
            int a = s == h->c[i].valor || strchr(" ,\t", s[-1]) != NULL;
            if (a && (!s[k] || strchr(" ,;=\t", s[k]))) return 1;
        }
    return 0;
}
static int salto_a_salto(Cabeza *h, const char *n) {
    const char *v[] = {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", 0};
    for (int i = 0; v[i]; i++) if (!strcasecmp(n, v[i])) return 1;
    return dice(h, "connection", n) && strcasecmp(n, "content-length") && strcasecmp(n, "host");
}
static int numero(const char *s, long long *v) {
    if (!*s) return -1;
    for (const char *q = s; *q; q++) if (!isdigit((unsigned char)*q)) return -1;
    if (strlen(s) > 17) return -1;
    *v = atoll(s); return 0;
}
/* longitud declarada: -1 no hay, -2 mala */
static long long largo(Cabeza *h) {
    long long r = -1, v;
    for (int i = 0; i < h->n; i++) if (!strcasecmp(h->c[i].nombre, "content-length")) {
        if (numero(h->c[i].valor, &v) < 0 || (r >= 0 && r != v)) return -2;
        r = v;
    }
    return r;
}
/* el destino de los cuerpos: memoria (peticion) o archivo (respuesta) */
typedef struct { Cadena *mem; int fd; long long n; unsigned long long suma; } Balde;
#define FNV0 1469598103934665603ULL
static unsigned long long fnv(unsigned long long h, const void *d, size_t n) {
    const unsigned char *p = d;
    while (n--) { h ^= *p++; h *= 1099511628211ULL; }
    return h;
}
static int escribir(int fd, const char *p, size_t n) {
    while (n) { ssize_t k = write(fd, p, n); if (k <= 0) return -1; p += k; n -= k; }
    return 0;
}
static int echar(Balde *b, const char *p, size_t n) {
    b->n += n;
    if (b->mem) { pegar(b->mem, p, n); return 0; }
    b->suma = fnv(b->suma, p, n);
    return escribir(b->fd, p, n);
}
/* copia n bytes (o hasta el fin si n<0). 1 bien */
static int pasar(Lector *L, long long n, Balde *b) {
    while (n != 0) {
        if (L->ini == L->fin) { int r = rellenar(L); if (r <= 0) return r == 0 && n < 0 ? 1 : (r == 0 ? -1 : r); }
        size_t k = L->fin - L->ini;
        if (n > 0 && (long long)k > n) k = n;
        if (echar(b, L->buf + L->ini, k) < 0) return -1;
        L->ini += k; if (n > 0) n -= k;
    }
    return 1;
}
static int pasar_trozos(Lector *L, Balde *b) {
    Cadena c = {0}; int r;
    for (;;) {
        if ((r = linea(L, &c)) <= 0) return r ? r : -1;
        char *f; if (!isxdigit((unsigned char)c.p[0])) return -4;
        unsigned long long n = strtoull(c.p, &f, 16);
        if ((*f && !strchr("; \t", *f)) || n > (1ULL << 40)) return -4;
        if (n == 0) break;
        if ((r = pasar(L, n, b)) <= 0) return r;
        if ((r = linea(L, &c)) <= 0 || c.n) return r < 0 ? r : -4;
    }
    do { if ((r = linea(L, &c)) <= 0) return r ? r : -1; } while (c.n);   /* trailers, no los usamos */
    return 1;
}
static void despedir(int fd) {          /* cierre suave para no perder el final por un RST */
    char b[4096]; struct timeval t = {2, 0}; long long lim = ahora() + 4000;
    if (parcial[0]) unlink(parcial);
    shutdown(fd, SHUT_WR);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
    while (ahora() < lim && recv(fd, b, sizeof b, 0) > 0) ;
    close(fd); exit(0);
}
static void fallar(int fd, int cod, const char *txt, int es_head) {
    Cadena r = {0};
    pegarf(&r, "HTTP/1.1 %d %s\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s%s", cod,
           txt, strlen(txt) + 1, es_head ? "" : txt, es_head ? "" : "\n");
    mandar(fd, r.p, r.n);
    anotar(cod, es_head ? 0 : (long long)strlen(txt) + 1, "lo dijo el balanceador");
    despedir(fd);
}
/* manda la cabeza y el cuerpo que estan en el archivo a. Cuerpo: desde ENCABEZADO */
static void servir(int fd, int a, const char *cab, long long n, int cod, const char *de) {
    char b[TROZO]; long long falta = n;
    int mal = mandar(fd, cab, strlen(cab)) < 0;
    lseek(a, ENCABEZADO, SEEK_SET);
    while (!mal && falta > 0) {
        ssize_t k = read(a, b, falta > TROZO ? TROZO : falta);
        if (k <= 0 || mandar(fd, b, k) < 0) { mal = 1; break; }
        falta -= k;
    }
    anotar(cod, n - falta, mal ? "el cliente se fue" : de);
    despedir(fd);
}
/* archivo: "PIBLv3 guardado vence nllave ncabeza ncuerpo suma\n" + relleno | cuerpo | llave | cabeza */
static void del_cache(int fd, const char *archivo, const char *llave) {
    int a = open(archivo, O_RDONLY); if (a < 0) return;
    char e[ENCABEZADO + 1] = {0}; long long g, v, nl, nc, nb; unsigned long long s, h = FNV0; struct stat st;
    if (read(a, e, ENCABEZADO) != ENCABEZADO || fstat(a, &st) < 0 ||
        sscanf(e, "PIBLv3 %lld %lld %lld %lld %lld %llx", &g, &v, &nl, &nc, &nb, &s) != 6 || nl < 0 || nc < 0 || nb < 0 ||
        nl > 1 << 20 || nc > 1 << 20 || st.st_size != ENCABEZADO + nl + nc + nb) { close(a); return; }
    long long t = ahora();
    if (t >= v || t < g || t - g >= vida_ms) { close(a); return; }
    char b[TROZO]; ssize_t k;
    while ((k = read(a, b, TROZO)) > 0) h = fnv(h, b, k);       /* por si lo danaron */
    char *m = calloc(1, nl + nc + 1);
    if (h != s || pread(a, m, nl + nc, ENCABEZADO + nb) != nl + nc || nl != (long long)strlen(llave) || memcmp(m, llave, nl)) {
        free(m); close(a); return;
    }
    Cadena c = {0};
    pegarf(&c, "%sAge: %lld\r\nConnection: close\r\n\r\n", m + nl, (t - g) / 1000);
    servir(fd, a, c.p, nb, atoi(m + nl + 9), "CACHE");
}
static int conectar(Maquina *m) {
    struct addrinfo q = {0}, *r, *i; int fd = -1; struct timeval t = {espera, 0}, corto = {3, 0};
    q.ai_socktype = SOCK_STREAM;
    if (getaddrinfo(m->host, m->puerto, &q, &r)) return -1;
    for (i = r; i; i = i->ai_next) {
        if ((fd = socket(i->ai_family, SOCK_STREAM, 0)) < 0) continue;
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &corto, sizeof corto);
        if (connect(fd, i->ai_addr, i->ai_addrlen) == 0) { setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t); break; }
        close(fd); fd = -1;
    }
    freeaddrinfo(r);
    return fd;
}
static void atender(int fd, unsigned turno) {
    static Lector L, B; static Cabeza p, r; Cadena cuerpo = {0}, ped = {0}; int k;
    struct timeval t = {ESPERA_CLIENTE, 0}, ts = {60, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &ts, sizeof ts);
    L.fd = fd;
    k = leer_cabeza(&L, &p);
    t_inicio = ahora();
    if (k == 0 || k == -1) exit(0);
    if (k == -2) fallar(fd, 408, "Request Timeout", 0);
    if (k == -3) fallar(fd, 431, "Request Header Fields Too Large", 0);
    if (k == -4) fallar(fd, 400, "Bad Request", 0);
    snprintf(primera, sizeof primera, "%s", p.linea);
    for (char *s = primera; *s; s++) if ((unsigned char)*s < 32) *s = '?';
    char *met = p.linea, *url = strchr(met, ' '), *ver = url ? strchr(url + 1, ' ') : NULL;
    if (!ver || strncmp(ver + 1, "HTTP/1.", 7) || strlen(ver) != 9 || url == met || ver == url + 1) fallar(fd, 400, "Bad Request", 0);
    *url++ = 0; *ver++ = 0;
    int es_get = !strcmp(met, "GET"), es_head = !strcmp(met, "HEAD");
    if (!strcmp(met, "CONNECT")) fallar(fd, 501, "Not Implemented", 0);
    if (!campo(&p, "host") && ver[7] == '1') fallar(fd, 400, "Bad Request (Host)", es_head);
    char *host = campo(&p, "host") ? strdup(campo(&p, "host")) : strdup("");
    if (!strncasecmp(url, "http://", 7)) {            /* forma absoluta */
        char *b = url + 7 + strcspn(url + 7, "/?");
        host = strndup(url + 7, b - url - 7);
        if (*b == '/') url = b; else { char *z; if (asprintf(&z, "/%s", b) < 0) exit(9); url = z; }
    }
    long long n = largo(&p); int trozos = dice(&p, "transfer-encoding", "chunked");
    if (n == -2 || (campo(&p, "transfer-encoding") && !trozos)) fallar(fd, 400, "Bad Request", es_head);
    if (dice(&p, "expect", "100-continue") && (n > 0 || trozos)) mandar(fd, "HTTP/1.1 100 Continue\r\n\r\n", 25);
    Balde mb = {&cuerpo, -1, 0, 0};
    k = trozos ? pasar_trozos(&L, &mb) : n > 0 ? pasar(&L, n, &mb) : 1;
    if (k == -2) fallar(fd, 408, "Request Timeout", es_head);
    if (k <= 0) fallar(fd, 400, "Bad Request (cuerpo)", es_head);

    char *llave, archivo[120], tmp[120];
    for (char *s = host; *s; s++) *s = tolower((unsigned char)*s);
    if (asprintf(&llave, "%s %s", host, url) < 0) exit(9);
    snprintf(archivo, sizeof archivo, CARPETA "/%016llx.obj", fnv(FNV0, llave, strlen(llave)));
    snprintf(tmp, sizeof tmp, CARPETA "/_%d.parcial", getpid());
    int privada = campo(&p, "authorization") || dice(&p, "cache-control", "no-store");
    if (es_get && !privada && !mb.n && !dice(&p, "cache-control", "no-cache") && !dice(&p, "cache-control", "max-age=0")) del_cache(fd, archivo, llave);

    pegarf(&ped, "%s %s HTTP/1.1\r\n", met, url);
    if (!campo(&p, "host") || strcasecmp(host, campo(&p, "host"))) pegarf(&ped, "Host: %s\r\n", host);
    for (int i = 0; i < p.n; i++) {
        char *nm = p.c[i].nombre;
        if (salto_a_salto(&p, nm) || !strcasecmp(nm, "expect") || !strcasecmp(nm, "content-length")) continue;
        if (!strcasecmp(nm, "host") && strcasecmp(host, p.c[i].valor)) continue;
        pegarf(&ped, "%s: %s\r\n", nm, p.c[i].valor);
    }
    if (n >= 0 || trozos) pegarf(&ped, "Content-Length: %lld\r\n", mb.n);
    pegarf(&ped, "Via: 1.1 pibl\r\nConnection: close\r\n\r\n");

    int b = -1, hablo = 0, cual = 0;
    for (int i = 0; i < cuantas; i++) {
        cual = (turno + i) % cuantas;
        if ((b = conectar(&granja[cual])) < 0) continue;
        B.fd = b; B.ini = B.fin = 0;
        if (mandar(b, ped.p, ped.n) == 0) mandar(b, cuerpo.p, cuerpo.n);  /* si falla, puede haber respuesta igual */
        do k = leer_cabeza(&B, &r); while (k == 1 && !strncmp(r.linea + 8, " 1", 2));
        if (k == 1 && !strncmp(r.linea, "HTTP/1.", 7) && strlen(r.linea) >= 12) { hablo = 1; break; }
        if (k == -2) fallar(fd, 504, "Gateway Timeout", es_head);
        close(b);
        if (!es_get && !es_head) fallar(fd, 502, "Bad Gateway", es_head);
    }
    if (!hablo) fallar(fd, 502, "Bad Gateway", es_head);

    int cod = atoi(r.linea + 9), sin = es_head || cod == 204 || cod == 304;
    long long rn = largo(&r); int rt = dice(&r, "transfer-encoding", "chunked");
    int a = open(tmp, O_RDWR | O_CREAT | O_TRUNC, 0644);
    if (a < 0) fallar(fd, 500, "Internal Server Error", es_head);
    snprintf(parcial, sizeof parcial, "%s", tmp);
    lseek(a, ENCABEZADO, SEEK_SET);
    Balde fb = {NULL, a, 0, FNV0};
    k = sin ? 1 : rt ? pasar_trozos(&B, &fb) : pasar(&B, rn >= 0 ? rn : -1, &fb);
    if (k == -2) fallar(fd, 504, "Gateway Timeout", es_head);
    if (k <= 0 || rn == -2) fallar(fd, 502, "Bad Gateway", es_head);
    close(b);

    Cadena cab = {0}; pegarf(&cab, "HTTP/1.1%s\r\n", r.linea + 8);
    for (int i = 0; i < r.n; i++) {
        if (salto_a_salto(&r, r.c[i].nombre) || (rt && !strcasecmp(r.c[i].nombre, "content-length"))) continue;
        pegarf(&cab, "%s: %s\r\n", r.c[i].nombre, r.c[i].valor);
    }
    if (!sin && (rn < 0 || rt)) pegarf(&cab, "Content-Length: %lld\r\n", fb.n);
    long long vida = vida_ms, ma = -1; const char *cc = campo(&r, "cache-control"), *q;
    if (cc && ((q = strcasestr(cc, "s-maxage=")) || (q = strcasestr(cc, "max-age=")))) ma = atoll(strchr(q, '=') + 1) * 1000;
    if (ma >= 0 && ma < vida) vida = ma;
    if (es_get && cod == 200 && !privada && !mb.n && vida > 0 && !campo(&r, "vary") && !dice(&r, "cache-control", "no-store") &&
        !dice(&r, "cache-control", "private") && !dice(&r, "cache-control", "no-cache")) {
        char e[ENCABEZADO + 1] = {0}; long long g = ahora();
        unsigned long long s = fnv(fnv(fb.suma, llave, strlen(llave)), cab.p, cab.n);
        snprintf(e, sizeof e, "PIBLv3 %lld %lld %zu %zu %lld %llx\n", g, g + vida, strlen(llave), cab.n, fb.n, s);
        if (escribir(a, llave, strlen(llave)) == 0 && escribir(a, cab.p, cab.n) == 0 && pwrite(a, e, ENCABEZADO, 0) == ENCABEZADO &&
            rename(tmp, archivo) == 0) parcial[0] = 0;
    }
    if (!es_get && !es_head && strcmp(met, "OPTIONS") && cod < 400) unlink(archivo);   /* cambio el recurso */
    char de[300]; snprintf(de, sizeof de, "servidor %s:%s", granja[cual].host, granja[cual].puerto);
    pegarf(&cab, "Connection: close\r\n\r\n");
    servir(fd, a, cab.p, fb.n, cod, de);
}
int main(int argc, char **argv) {
    const char *conf = argc > 2 ? argv[2] : "config.csv"; long long puerto = 8080; char l[600]; int nl = 0;
    if (argc < 2 || numero(argv[1], &vida_ms) < 0) { fprintf(stderr, "uso: %s VIDA_EN_MILISEGUNDOS [config.csv]\n", argv[0]); return 2; }
    FILE *f = fopen(conf, "r");
    if (!f) { fprintf(stderr, "no se puede abrir %s\n", conf); return 2; }
    while (fgets(l, sizeof l, f)) {
        char a[200], b[200], c[200]; nl++; long long v;
        if (l[0] == '#' || l[strspn(l, " \t\r\n")] == 0) continue;
        int k = sscanf(l, " %199[^,\r\n],%199[^,\r\n],%199[^,\r\n]", a, b, c);
        if (k == 2 && !strcmp(a, "puerto") && !numero(b, &puerto) && puerto > 0 && puerto < 65536) continue;
        if (k == 2 && !strcmp(a, "espera_segundos") && !numero(b, &v) && v > 0) { espera = v; continue; }
        if (k == 3 && !strcmp(a, "servidor") && !numero(c, &v) && v > 0 && v < 65536 && cuantas < 64) {
            strcpy(granja[cuantas].host, b); snprintf(granja[cuantas++].puerto, 16, "%lld", v); continue;
        }
        fprintf(stderr, "%s: linea %d no se entiende: %s", conf, nl, l); return 2;
    }
    if (!cuantas) { fprintf(stderr, "%s: no hay servidores\n", conf); return 2; }
    signal(SIGPIPE, SIG_IGN); signal(SIGCHLD, SIG_IGN);
    mkdir(CARPETA, 0755);
    if (system("rm -f " CARPETA "/_*.parcial")) { /* restos de una caida */ }
    fd_bitacora = open("bitacora.log", O_WRONLY | O_CREAT | O_APPEND, 0644);
    if (fd_bitacora < 0) { perror("bitacora.log"); return 2; }
    int s = socket(AF_INET, SOCK_STREAM, 0), si = 1;
    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &si, sizeof si);
    struct sockaddr_in d = {0}; d.sin_family = AF_INET; d.sin_port = htons(puerto);
    if (bind(s, (void *)&d, sizeof d) < 0 || listen(s, SOMAXCONN) < 0) { perror("puerto"); return 2; }
    for (unsigned turno = 0;;) {
        struct sockaddr_in c; socklen_t n = sizeof c;
        int fd = accept(s, (void *)&c, &n);
        if (fd < 0) { usleep(10000); continue; }
        snprintf(quien, sizeof quien, "%s:%d", inet_ntoa(c.sin_addr), ntohs(c.sin_port));
        pid_t h = fork();
        if (h == 0) { close(s); atender(fd, turno); exit(0); }
        if (h > 0) turno = (turno + 1) % cuantas;          /* el turno es por conexion */
        close(fd);
    }
}
