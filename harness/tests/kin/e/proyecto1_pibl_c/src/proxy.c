#define _GNU_SOURCE
#include "pibl.h"

static int turno = 0;
static pthread_mutex_t mt = PTHREAD_MUTEX_INITIALIZER;

int enviar_todo(int fd, const char *b, size_t n) {
    while (n > 0) {
        ssize_t k = send(fd, b, n, 0);
        if (k <= 0) { if (k < 0 && errno == EINTR) continue; return -1; }
        b += k; n -= k;
    }
    return 0;
}

/* escoge el siguiente servidor que este vivo, -1 si no queda ninguno */
static int escoger(void) {
    int r = -1;
    pthread_mutex_lock(&mt);
    for (int i = 0; i < nserv; i++) {
        int c = turno;
        turno = (turno + 1) % nserv;
        if (servidores[c].vivo) { r = c; break; }
    }
    pthread_mutex_unlock(&mt);
    return r;
}

static int conectar(servidor_t *s) {
    struct addrinfo hint, *ai;
    char p[16];
    memset(&hint, 0, sizeof hint);
    hint.ai_family = AF_INET; hint.ai_socktype = SOCK_STREAM;
    sprintf(p, "%d", s->puerto);
    if (getaddrinfo(s->host, p, &hint, &ai) != 0) return -1;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct timeval tv = { 5, 0 };
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv);
    if (connect(fd, ai->ai_addr, ai->ai_addrlen) < 0) { close(fd); fd = -1; }
    freeaddrinfo(ai);
    return fd;
}

static void error_http(int fd, int cod, const char *txt) {
    char b[512], c[200];
    int n = sprintf(c, "<h1>%d %s</h1>\n", cod, txt);
    int k = sprintf(b, "HTTP/1.1 %d %s\r\nContent-Type: text/html\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", cod, txt, n, c);
    enviar_todo(fd, b, k);
}

/* valor de una cabecera, ignora mayusculas */
static int cabecera(const char *cab, const char *nom, char *out, int tam) {
    size_t ln = strlen(nom);
    const char *p = strstr(cab, "\r\n");
    while (p && p[2] && p[2] != '\r') {
        p += 2;
        if (strncasecmp(p, nom, ln) == 0 && p[ln] == ':') {
            p += ln + 1; while (*p == ' ') p++;
            int n = strcspn(p, "\r\n"); if (n >= tam) n = tam - 1;
            memcpy(out, p, n); out[n] = 0;
            return 1;
        }
        p = strstr(p, "\r\n");
    }
    return 0;
}

/* copia la cabecera sin Connection ni Keep-Alive y pone Connection: close.  fin = donde esta el \r\n\r\n */
static int rehacer(const char *cab, size_t lcab, char *out) {
    int n = 0;
    const char *p = cab, *fin = cab + lcab;
    while (p < fin) {
        const char *e = strstr(p, "\r\n");
        if (!e || e == p) break;
        if (strncasecmp(p, "Connection:", 11) && strncasecmp(p, "Keep-Alive:", 11) && strncasecmp(p, "Proxy-Connection:", 17)) {
            memcpy(out + n, p, e - p + 2); n += e - p + 2;
        }
        p = e + 2;
    }
    n += sprintf(out + n, "Connection: close\r\n\r\n");
    return n;
}

static int leer_cab(int fd, char *buf, int *n) {
    *n = 0;
    while (*n < TAM_CAB - 1) {
        ssize_t k = recv(fd, buf + *n, TAM_CAB - 1 - *n, 0);
        if (k <= 0) return -1;
        *n += k; buf[*n] = 0;
        char *f = strstr(buf, "\r\n\r\n");
        if (f) return f - buf + 4;
    }
    return -2;
}

void *atender(void *arg) {
    int c = *(int *)arg; free(arg);
    char *buf = malloc(TAM_CAB), *sal = malloc(TAM_CAB + 256), *rb = malloc(65536 + 1);
    char llave[TAM_CAB], linea[2048] = "", estado[128] = "", ip[64] = "?", v[256], de[160];
    struct sockaddr_in a; socklen_t la = sizeof a;
    struct timeval tv = { 30, 0 };
    int n, b = -1;

    setsockopt(c, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
    if (getpeername(c, (struct sockaddr *)&a, &la) == 0) inet_ntop(AF_INET, &a.sin_addr, ip, sizeof ip);
    int lc = leer_cab(c, buf, &n);
    if (lc == -2) { error_http(c, 431, "Request Header Fields Too Large"); bitacora(ip, "?", "431", "-", 0); goto fin; }
    if (lc < 0) goto fin;
    snprintf(linea, sizeof linea, "%.*s", (int)strcspn(buf, "\r\n"), buf);
    char metodo[32], *ruta = malloc(TAM_CAB), ver[16];
    if (sscanf(buf, "%31s %16000s %15s", metodo, ruta, ver) != 3) {
        free(ruta); error_http(c, 400, "Bad Request"); bitacora(ip, linea, "400 Bad Request", "-", 0); goto fin;
    }
    char guardado = buf[lc]; buf[lc] = 0;
    int es_get = strcmp(metodo, "GET") == 0;
    if (cabecera(buf, "Authorization", v, sizeof v) || cabecera(buf, "Range", v, sizeof v)) es_get = 0;
    cabecera(buf, "Host", v, sizeof v) || (v[0] = 0);
    snprintf(llave, sizeof llave, "%s %s", v, ruta);
    free(ruta);

    if (es_get) {
        long nb;
        if (cache_enviar(c, llave, &nb, estado)) { bitacora(ip, linea, estado, "CACHE", nb); goto fin; }
    }
    if (cabecera(buf, "Expect", v, sizeof v)) enviar_todo(c, "HTTP/1.1 100 Continue\r\n\r\n", 25);

    /* cuerpo: cuanto falta por leer */
    long largo = 0;
    char *cl = strstr(buf, "Content-Length: ");
    if (cl) largo = atol(cl + 16);
    int trozos = cabecera(buf, "Transfer-Encoding", v, sizeof v) && strcasestr(v, "chunked") != NULL;
    int ls = rehacer(buf, lc, sal);
    buf[lc] = guardado;

    for (;;) {
        int s = escoger();
        if (s < 0) { error_http(c, 503, "Service Unavailable"); bitacora(ip, linea, "503 Service Unavailable", "-", 0); goto fin; }
        sprintf(de, "%s:%d", servidores[s].host, servidores[s].puerto);
        b = conectar(&servidores[s]);
        if (b >= 0) break;
        servidores[s].vivo = 0;      /* se cayo, no molestarlo mas */
        printf("*** servidor %s fuera de servicio\n", de); fflush(stdout);
    }
    if (enviar_todo(b, sal, ls) < 0) goto malo;
    if (trozos) {
        /* chunked: pasar tal cual hasta ver el ultimo trozo */
        char cola[8] = ""; int lcola = 0;
        char *d = buf + lc; ssize_t k = n - lc;
        for (;;) {
            if (k > 0) {
                if (enviar_todo(b, d, k) < 0) goto malo;
                for (ssize_t i = (k > 5 ? k - 5 : 0); i < k; i++) {
                    if (lcola == 5) { memmove(cola, cola + 1, 4); lcola = 4; }
                    cola[lcola++] = d[i];
                }
                if (lcola == 5 && memcmp(cola, "0\r\n\r\n", 5) == 0) break;
            }
            k = recv(c, rb, 65536, 0); d = rb;
            if (k <= 0) goto fin;
        }
    } else if (largo > 0) {
        long ya = n - lc;
        if (ya > largo) ya = largo;
        if (ya > 0 && enviar_todo(b, buf + lc, ya) < 0) goto malo;
        while (ya < largo) {
            ssize_t k = recv(c, rb, largo - ya > 65536 ? 65536 : largo - ya, 0);
            if (k <= 0) goto fin;
            if (enviar_todo(b, rb, k) < 0) goto malo;
            ya += k;
        }
    }

    /* respuesta */
    int lr;
    for (;;) {
        lr = leer_cab(b, buf, &n);
        if (lr < 0) goto malo;
        if (strncmp(buf + 9, "100", 3) != 0) break;
    }
    snprintf(estado, sizeof estado, "%.*s", (int)strcspn(buf, "\r\n") < 100 ? (int)strcspn(buf, "\r\n") : 100, buf);
    guardado = buf[lr]; buf[lr] = 0;
    int cod = atoi(buf + 9);
    int cachear = es_get && cod == 200;
    if (cabecera(buf, "Cache-Control", v, sizeof v) && (strcasestr(v, "no-store") || strcasestr(v, "private"))) cachear = 0;
    ls = rehacer(buf, lr, sal);
    buf[lr] = guardado;
    char tmp[128]; FILE *fc = NULL;
    if (cachear) fc = cache_abrir(llave, tmp);
    int hay_cliente = enviar_todo(c, sal, ls) == 0;
    long total = n - lr;
    if (hay_cliente && total > 0) hay_cliente = enviar_todo(c, buf + lr, total) == 0;
    if (fc) { fwrite(sal, 1, ls, fc); fwrite(buf + lr, 1, total, fc); }
    /* pasar lo que mande el servidor hasta que cierre */
    ssize_t k;
    while ((k = recv(b, rb, 65536, 0)) > 0) {
        total += k;
        if (fc) fwrite(rb, 1, k, fc);
        if (hay_cliente && enviar_todo(c, rb, k) < 0) hay_cliente = 0;
    }
    if (fc) cache_listo(fc, tmp, llave, 1);
    bitacora(ip, linea, estado, de, total);
    goto fin;
malo:
    error_http(c, 502, "Bad Gateway");
    bitacora(ip, linea, "502 Bad Gateway", de, 0);
fin:
    if (b >= 0) close(b);
    shutdown(c, SHUT_WR);
    close(c);
    free(buf); free(sal); free(rb);
    return NULL;
}
