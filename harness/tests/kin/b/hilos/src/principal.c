#include "defs.h"
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <netinet/in.h>

struct serv servs[MAX_SERV];
int cuantos, puerto_escucha = 8080;
double ttl_minutos = 5;
static FILE *registro;
static pthread_mutex_t cerrojo = PTHREAD_MUTEX_INITIALIZER;

/* {"puerto": 8080, "backends": [{"host":"1.2.3.4","port":80}, ...]} */
int json_leer(const char *archivo)
{
    static char t[16384];
    FILE *f = fopen(archivo, "r");
    if (!f) { perror(archivo); return -1; }
    size_t n = fread(t, 1, sizeof t - 1, f);
    t[n] = 0;
    fclose(f);
    char *p = strstr(t, "\"puerto\"");
    if (p && sscanf(p, "\"puerto\" : %d", &puerto_escucha) != 1) { fprintf(stderr, "puerto invalido\n"); return -1; }
    p = strstr(t, "\"backends\"");
    while (p && (p = strstr(p, "\"host\"")) && cuantos < MAX_SERV) {
        if (sscanf(p, "\"host\" : \"%63[^\"]\"", servs[cuantos].host) != 1) return -1;
        char *q = strstr(p, "\"port\"");
        if (!q || sscanf(q, "\"port\" : %d", &servs[cuantos].port) != 1) { fprintf(stderr, "backend sin port\n"); return -1; }
        cuantos++;
        p += 6;
    }
    if (!cuantos) { fprintf(stderr, "%s no tiene backends\n", archivo); return -1; }
    return 0;
}
void apuntar(const char *linea, int estado, int n, const char *quien)
{
    char h[32];
    time_t t = time(NULL);
    struct tm tm;
    localtime_r(&t, &tm);
    strftime(h, sizeof h, "%d-%m %H:%M:%S", &tm);
    pthread_mutex_lock(&cerrojo);
    printf("[%s] <- %s\n[%s] -> %d, %d bytes, %s\n", h, linea, h, estado, n, quien);
    fprintf(registro, "[%s] <- %s\n[%s] -> %d, %d bytes, %s\n", h, linea, h, estado, n, quien);
    fflush(registro);
    pthread_mutex_unlock(&cerrojo);
}
static void mal(int c, int e, const char *t, const char *linea)
{
    char b[300];
    sprintf(b, "HTTP/1.1 %d %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", e, t);
    apuntar(linea, e, 0, "pibl");
    enviar(c, b, strlen(b));
}
static void *hilo(void *arg)
{
    int c = *(int *)arg, s = -1, cual = 0, total, completa, e, n;
    char *pet, *env = NULL, *llave = NULL, *linea = NULL, metodo[20], v[300], host[300], quien[100];
    long hl, pn;
    struct timeval t = { 20, 0 };
    free(arg);
    setsockopt(c, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
    setsockopt(c, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t);
    pn = leer_peticion(c, &pet, &hl);
    if (pn == 0) goto fin;
    if (pn < 0) { mal(c, 413, "Payload Too Large", "?"); goto fin; }
    linea = strndup(pet, strcspn(pet, "\r\n"));
    char *u = strchr(linea, ' ');
    if (!u || u - linea > 19 || !strstr(u + 1, " HTTP/1.")) { mal(c, 400, "Bad Request", linea); goto fin; }
    memcpy(metodo, linea, u - linea);
    metodo[u - linea] = 0;
    valor(pet, "Host", host, 300);
    llave = malloc(strlen(linea) + strlen(host) + 2);
    sprintf(llave, "%s|%.*s", host, (int)(strrchr(linea, ' ') - u - 1), u + 1);
    int usar = !strcmp(metodo, "GET") && pn == hl && !valor(pet, "Authorization", v, 300) && !valor(pet, "Range", v, 300) && !valor(pet, "If-None-Match", v, 300) &&
               !valor(pet, "If-Modified-Since", v, 300);
    if (usar && cache_enviar(c, llave, &e, &n)) { apuntar(linea, e, n, "CACHE"); goto fin; }
    /* misma peticion pero con Connection: close */
    env = malloc(pn + 64);
    long o = 0;
    for (char *p = pet; p < pet + hl - 2;) {
        char *q = (char *)memchr(p, '\n', pet + hl - p) + 1;
        if (strncasecmp(p, "Connection:", 11) && strncasecmp(p, "Expect:", 7) && strncasecmp(p, "Keep-Alive:", 11)) { memcpy(env + o, p, q - p); o += q - p; }
        p = q;
    }
    o += sprintf(env + o, "Connection: close\r\n\r\n");
    memcpy(env + o, pet + hl, pn - hl);
    o += pn - hl;
    if ((s = elegir_y_conectar(&cual)) < 0) { mal(c, 503, "Service Unavailable", linea); goto fin; }
    sprintf(quien, "%s:%d", servs[cual].host, servs[cual].port);
    if (enviar(s, env, o)) { mal(c, 502, "Bad Gateway", linea); goto fin; }
    siguiente = (cual + 1) % cuantos;      /* ya la recibio: le toca al otro */
    char *resp = recibir_respuesta(s, metodo, &total, &completa);
    if (total == 0 || !completa) { mal(c, total ? 502 : 504, "Sin respuesta del servidor", linea); goto fin; }
    e = atoi(resp + 9);
    enviar(c, resp, total);
    apuntar(linea, e, total, quien);
    if (usar && e == 200 && !valor(resp, "Vary", v, 300) && !valor(resp, "Set-Cookie", v, 300) &&
        !(valor(resp, "Cache-Control", v, 300) && (strcasestr(v, "no-store") || strcasestr(v, "private") || strcasestr(v, "no-cache"))))
        cache_meter(llave, resp, total);
fin:
    if (s >= 0) close(s);
    shutdown(c, SHUT_WR);
    close(c);
    free(pet); free(env); free(llave); free(linea);
    return NULL;
}
int main(int argc, char **argv)
{
    struct sockaddr_in a;
    int l, si = 1;
    if (argc > 3) { printf("%s [config.json] [ttl en minutos]\n", argv[0]); return 1; }
    if (json_leer(argc > 1 ? argv[1] : "config.json")) return 1;
    if (argc > 2) ttl_minutos = atof(argv[2]);
    signal(SIGPIPE, SIG_IGN);
    if (!(registro = fopen("registro.txt", "a"))) { perror("registro.txt"); return 1; }
    l = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &si, sizeof si);
    memset(&a, 0, sizeof a);
    a.sin_family = AF_INET;
    a.sin_port = htons(puerto_escucha);
    if (bind(l, (struct sockaddr *)&a, sizeof a) || listen(l, 200)) { perror("PIBL"); return 1; }
    printf("PIBL con hilos, puerto %d, TTL %g min\n", puerto_escucha, ttl_minutos);
    for (;;) {
        int *c = malloc(sizeof *c);
        pthread_t h;
        *c = accept(l, NULL, NULL);
        if (*c < 0) { free(c); continue; }
        if (pthread_create(&h, NULL, hilo, c)) { close(*c); free(c); } else pthread_detach(h);
    }
}
