/*
 * proxy.c - Proxy inverso + balanceador de carga (round robin) + cache
 * Telematica - proyecto 1
 *
 *   gcc -o proxy proxy.c -lpthread
 *   ./proxy
 *
 * Un hilo por cada cliente.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include "constantes.h"

struct servidor { const char *ip; int puerto; };
static struct servidor servidores[] = { SERVIDORES };
#define NSERV ((int)(sizeof servidores / sizeof servidores[0]))

static int turno = 0;
static FILE *flog;
static pthread_mutex_t mlog = PTHREAD_MUTEX_INITIALIZER;

struct cliente { int fd; char ip[32]; };

struct pedido {
    char metodo[16];
    char url[TAM_CABECERA];
    char version[16];
    char *cab;              /* cabecera completa, terminada en 0 */
    char *cuerpo;           /* lo que llego despues de la cabecera */
    size_t ncuerpo;
};

/* ------------------------------------------------------------- utilidades */
static void anotar(const char *fmt, ...)
{
    char hora[32];
    time_t t = time(NULL);
    struct tm tm;
    va_list a, b;
    strftime(hora, sizeof hora, "%Y/%m/%d %H:%M:%S", localtime_r(&t, &tm));
    pthread_mutex_lock(&mlog);
    va_start(a, fmt);
    va_copy(b, a);
    fprintf(flog, "%s ", hora);
    vfprintf(flog, fmt, a);
    fflush(flog);
    printf("%s ", hora);
    vprintf(fmt, b);
    fflush(stdout);
    va_end(b);
    va_end(a);
    pthread_mutex_unlock(&mlog);
}

static int escribir(int fd, const char *d, size_t n)
{
    while (n > 0) {
        ssize_t k = write(fd, d, n);
        if (k <= 0) return -1;
        d += k;
        n -= k;
    }
    return 0;
}

/* valor de una cabecera, sin importar mayusculas; NULL si no esta */
static const char *valor(const char *cab, const char *nombre, char *sale, size_t tam)
{
    size_t ln = strlen(nombre);
    const char *l = strstr(cab, "\r\n");
    while (l && l[2] != '\r' && l[2]) {
        l += 2;
        if (!strncasecmp(l, nombre, ln) && l[ln] == ':') {
            const char *v = l + ln + 1, *f = strstr(v, "\r\n");
            while (*v == ' ' || *v == '\t') v++;
            snprintf(sale, tam, "%.*s", f ? (int)(f - v) : (int)strlen(v), v);
            return sale;
        }
        l = strstr(l, "\r\n");
    }
    return NULL;
}

/* copia la cabecera (sin la primera linea) quitando las de conexion */
static size_t copiar_cabecera(char *sale, const char *cab)
{
    size_t n = 0;
    const char *l = strstr(cab, "\r\n") + 2;
    while (*l && *l != '\r') {
        const char *f = strstr(l, "\r\n");
        if (strncasecmp(l, "Connection:", 11) && strncasecmp(l, "Keep-Alive:", 11) &&
            strncasecmp(l, "Proxy-Connection:", 17) && strncasecmp(l, "Expect:", 7)) {
            memcpy(sale + n, l, f + 2 - l);
            n += f + 2 - l;
        }
        l = f + 2;
    }
    return n;
}

static void tiempo(int fd, int seg)
{
    struct timeval tv = { seg, 0 };
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv);
}

/* ------------------------------------------------------------------ cache */
/* el nombre del archivo es la url con los '/' y '?' cambiados por '_' */
static void nombre_cache(const char *url, char *sale, size_t tam)
{
    size_t n = snprintf(sale, tam, "%s/", CARPETA_CACHE);
    for (; *url && n < tam - 1; url++)
        sale[n++] = isalnum((unsigned char)*url) || *url == '.' || *url == '-' ||
                    *url == '=' || *url == '&' || *url == '%' ? *url : '_';
    sale[n] = 0;
}

/* devuelve el archivo abierto si esta y no se ha vencido */
static FILE *buscar_cache(const char *url)
{
    char nombre[TAM_CABECERA + 64];
    struct stat st;
    nombre_cache(url, nombre, sizeof nombre);
    FILE *f = fopen(nombre, "rb");
    if (f == NULL) return NULL;
    fstat(fileno(f), &st);
    if (st.st_size == 0 || time(NULL) - st.st_mtime >= TTL)
        return NULL;
    return f;
}

static void enviar_de_cache(struct cliente *c, FILE *f, struct pedido *p)
{
    char b[TAM_BLOQUE];
    size_t n, total = 0;
    while ((n = fread(b, 1, sizeof b, f)) > 0) {
        if (total == 0) {
            struct stat st;
            char *fin = memmem(b, n, "\r\n\r\n", 4);
            fstat(fileno(f), &st);
            anotar("%s \"%s %s\" CACHE %.3s %ld bytes\n", c->ip, p->metodo, p->url, b + 9,
                   (long)(st.st_size - (fin ? fin + 4 - b : 0)));
        }
        total += n;
        if (escribir(c->fd, b, n) < 0) break;
    }
    fclose(f);
}

static int se_puede_guardar(const char *cab, int estado)
{
    char v[512];
    if (estado != 200) return 0;
    if (valor(cab, "Cache-Control", v, sizeof v) &&
        (strcasestr(v, "no-store") || strcasestr(v, "private") || strcasestr(v, "no-cache")))
        return 0;
    return 1;
}

/* -------------------------------------------------------------- servidores */
static int conectar(int *cual)
{
    for (int i = 0; i < NSERV; i++) {
        *cual = turno;
        turno = (turno + 1) % NSERV;
        int s = socket(AF_INET, SOCK_STREAM, 0);
        struct sockaddr_in d;
        memset(&d, 0, sizeof d);
        d.sin_family = AF_INET;
        d.sin_port = htons(servidores[*cual].puerto);
        inet_pton(AF_INET, servidores[*cual].ip, &d.sin_addr);
        tiempo(s, 3);
        if (connect(s, (struct sockaddr *)&d, sizeof d) == 0) {
            tiempo(s, ESPERA_SERVIDOR);
            return s;
        }
        close(s);
        printf("servidor %s:%d no responde, se prueba el siguiente\n", servidores[*cual].ip, servidores[*cual].puerto);
    }
    return -1;
}

static void error_http(struct cliente *c, struct pedido *p, int cod, const char *txt)
{
    char b[512];
    snprintf(b, sizeof b, "HTTP/1.1 %d %s\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n"
             "Connection: close\r\n\r\n%s%s", cod, txt, strlen(txt) + 1,
             strcmp(p->metodo, "HEAD") ? txt : "", strcmp(p->metodo, "HEAD") ? "\n" : "");
    anotar("%s \"%s %s\" ERROR %d\n", c->ip, p->metodo, p->url, cod);
    escribir(c->fd, b, strlen(b));
}

/* automata para saber donde termina un cuerpo chunked */
struct trozos { int fase; unsigned long n; int vacia; };
enum { TAM, EXT, DATOS, FIN_DATOS, COLA };

static size_t avanzar(struct trozos *t, const char *b, size_t n, int *fin)
{
    size_t i = 0;
    while (i < n && !*fin) {
        char ch = b[i];
        switch (t->fase) {
        case TAM:
            if (isxdigit((unsigned char)ch)) t->n = t->n * 16 + (isdigit((unsigned char)ch) ? ch - '0' : tolower(ch) - 'a' + 10);
            else t->fase = EXT;
            if (t->fase != EXT || ch != '\n') { i++; break; }
            /* fallthrough */
        case EXT:
            i++;
            if (ch == '\n') { t->fase = t->n ? DATOS : COLA; t->vacia = 1; }
            break;
        case DATOS: {
            size_t k = n - i < t->n ? n - i : t->n;
            i += k;
            t->n -= k;
            if (t->n == 0) t->fase = FIN_DATOS;
            break;
        }
        case FIN_DATOS:
            i++;
            if (ch == '\n') { t->fase = TAM; t->n = 0; }
            break;
        case COLA:
            i++;
            if (ch == '\n') { if (t->vacia) *fin = 1; t->vacia = 1; }
            else if (ch != '\r') t->vacia = 0;
            break;
        }
    }
    return i;
}

/* manda el pedido, pasa la respuesta al cliente mientras llega y la va guardando */
static void pasar(struct cliente *c, struct pedido *p, int s, int cual, int guardar)
{
    char *b = malloc(TAM_CABECERA + TAM_BLOQUE), *sale = malloc(TAM_CABECERA + 512), v[256];
    char nombre[TAM_CABECERA + 64];
    FILE *f = NULL;
    size_t n = 0, total = 0;
    char *fin = NULL;
    int estado = 0;

    /* --- pedido */
    size_t m = sprintf(sale, "%s %s HTTP/1.1\r\n", p->metodo, p->url);
    m += copiar_cabecera(sale + m, p->cab);
    m += sprintf(sale + m, "Connection: close\r\n\r\n");
    escribir(s, sale, m);
    if (p->ncuerpo) escribir(s, p->cuerpo, p->ncuerpo);

    /* --- cabecera de la respuesta */
otra:
    while (fin == NULL) {
        ssize_t k = n < TAM_CABECERA ? recv(s, b + n, TAM_CABECERA - n, 0) : 0;
        if (k <= 0) {
            if (k < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) error_http(c, p, 504, "Gateway Timeout");
            else error_http(c, p, 502, "Bad Gateway");
            goto salir;
        }
        n += k;
        b[n] = 0;
        fin = memmem(b, n, "\r\n\r\n", 4);
    }
    fin += 4;
    estado = strncmp(b, "HTTP/", 5) ? 0 : atoi(b + 9);
    if (estado < 100) { error_http(c, p, 502, "Bad Gateway"); goto salir; }
    if (estado < 200) {
        n -= fin - b;
        memmove(b, fin, n);
        b[n] = 0;
        fin = memmem(b, n, "\r\n\r\n", 4);
        goto otra;
    }
    char guardado = *fin;
    *fin = 0;
    m = sprintf(sale, "HTTP/1.1%.*s\r\n", (int)(strstr(b, "\r\n") - b - 8), b + 8);
    m += copiar_cabecera(sale + m, b);
    m += sprintf(sale + m, "Connection: close\r\n\r\n");

    long largo = -1;
    int chunked = 0, acabo = 0;
    if (valor(b, "Transfer-Encoding", v, sizeof v) && strcasestr(v, "chunked")) chunked = 1;
    else if (valor(b, "Content-Length", v, sizeof v)) largo = atol(v);
    if (!strcmp(p->metodo, "HEAD") || estado == 204 || estado == 304) { largo = 0; chunked = 0; }
    if (guardar && se_puede_guardar(b, estado)) {
        nombre_cache(p->url, nombre, sizeof nombre);
        f = fopen(nombre, "wb");
    }
    *fin = guardado;
    anotar("%s \"%s %s\" -> %s:%d %d %ld bytes\n", c->ip, p->metodo, p->url,
           servidores[cual].ip, servidores[cual].puerto, estado, largo);
    if (f) fwrite(sale, 1, m, f);
    int cliente_ok = escribir(c->fd, sale, m) == 0;

    /* --- cuerpo */
    struct trozos t = { TAM, 0, 1 };
    n -= fin - b;
    memmove(b, fin, n);
    for (;;) {
        if (chunked) n = avanzar(&t, b, n, &acabo);
        else if (largo >= 0 && total + n >= (size_t)largo) { n = largo - total; acabo = 1; }
        total += n;
        if (f && n) fwrite(b, 1, n, f);
        if (cliente_ok && n && escribir(c->fd, b, n) < 0) cliente_ok = 0;
        if (acabo) break;
        ssize_t k = recv(s, b, TAM_BLOQUE, 0);
        if (k <= 0) break;
        n = k;
    }
salir:
    if (f) fclose(f);
    close(s);
    free(b);
    free(sale);
}

/* ---------------------------------------------------------------- clientes */
static void *atender(void *arg)
{
    struct cliente *c = arg;
    struct pedido *p = calloc(1, sizeof *p);
    char *b = malloc(TAM_CABECERA + 1), *fin = NULL, *todo = NULL, v[512];
    size_t n = 0;
    FILE *f;

    tiempo(c->fd, ESPERA_CLIENTE);
    while (fin == NULL) {
        ssize_t k = n < TAM_CABECERA ? recv(c->fd, b + n, TAM_CABECERA - n, 0) : 0;
        if (k <= 0) goto salir;
        n += k;
        b[n] = 0;
        fin = memmem(b, n, "\r\n\r\n", 4);
    }
    fin += 4;
    p->cab = strndup(b, fin - b);
    if (sscanf(b, "%15s %32767s %15s", p->metodo, p->url, p->version) != 3 || strncmp(p->version, "HTTP/1.", 7)) {
        error_http(c, p, 400, "Bad Request");
        goto salir;
    }
    if (!strncasecmp(p->url, "http://", 7)) {
        char *r = strchr(p->url + 7, '/');
        if (r) memmove(p->url, r, strlen(r) + 1); else strcpy(p->url, "/");
    }

    /* cuerpo del pedido */
    size_t ya = n - (fin - b);
    if (valor(p->cab, "Expect", v, sizeof v) && ya == 0)
        escribir(c->fd, "HTTP/1.1 100 Continue\r\n\r\n", 25);
    if (valor(p->cab, "Transfer-Encoding", v, sizeof v)) {
        struct trozos t = { TAM, 0, 1 };
        int acabo = 0;
        size_t cap = TAM_CABECERA, hecho;
        todo = malloc(cap);
        memcpy(todo, fin, ya);
        hecho = avanzar(&t, todo, ya, &acabo);
        while (!acabo) {
            if (cap - ya < TAM_BLOQUE) todo = realloc(todo, cap *= 2);
            ssize_t k = recv(c->fd, todo + ya, TAM_BLOQUE, 0);
            if (k <= 0) goto salir;
            ya += k;
            hecho += avanzar(&t, todo + hecho, ya - hecho, &acabo);
        }
        p->cuerpo = todo;
        p->ncuerpo = hecho;
    } else if (valor(p->cab, "Content-Length", v, sizeof v)) {
        size_t largo = atol(v);
        todo = malloc(largo + TAM_CABECERA);
        memcpy(todo, fin, ya);
        if (ya < largo) {                       /* falta el resto del cuerpo */
            ssize_t k = recv(c->fd, todo + ya, largo - ya, 0);
            if (k > 0) ya += k;
        }
        p->cuerpo = todo;
        p->ncuerpo = ya < largo ? ya : largo;
    }

    int cacheable = !strcmp(p->metodo, "GET") && !valor(p->cab, "Authorization", v, sizeof v) &&
                    !valor(p->cab, "Range", v, sizeof v);
    if (cacheable && (f = buscar_cache(p->url)) != NULL) {
        enviar_de_cache(c, f, p);
    } else {
        int cual, s = conectar(&cual);
        if (s < 0) error_http(c, p, 502, "Bad Gateway");
        else pasar(c, p, s, cual, cacheable);
    }
    shutdown(c->fd, SHUT_WR);
    tiempo(c->fd, 1);
    while (recv(c->fd, b, TAM_CABECERA, 0) > 0) ;
salir:
    close(c->fd);
    free(p->cab);
    free(todo);
    free(p);
    free(b);
    free(c);
    return NULL;
}

int main(void)
{
    int uno = 1, s = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in d;
    pthread_attr_t at;

    mkdir(CARPETA_CACHE, 0755);
    if ((flog = fopen(ARCHIVO_LOG, "a")) == NULL) {
        perror("no se pudo abrir " ARCHIVO_LOG " (existe la carpeta?)");
        return 1;
    }
    memset(&d, 0, sizeof d);
    d.sin_family = AF_INET;
    d.sin_addr.s_addr = INADDR_ANY;
    d.sin_port = htons(PUERTO);
    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &uno, sizeof uno);
    if (bind(s, (struct sockaddr *)&d, sizeof d) < 0) { perror("bind"); return 1; }
    listen(s, 128);
    printf("Proxy inverso en el puerto %d con %d servidores\n", PUERTO, NSERV);
    fflush(stdout);
    pthread_attr_init(&at);
    pthread_attr_setdetachstate(&at, PTHREAD_CREATE_DETACHED);
    for (;;) {
        struct sockaddr_in de;
        socklen_t l = sizeof de;
        int fd = accept(s, (struct sockaddr *)&de, &l);
        if (fd < 0) { perror("accept"); usleep(100000); continue; }
        struct cliente *c = malloc(sizeof *c);
        c->fd = fd;
        inet_ntop(AF_INET, &de.sin_addr, c->ip, sizeof c->ip);
        pthread_t h;
        if (pthread_create(&h, &at, atender, c) != 0) { close(fd); free(c); }
    }
}
