#define _GNU_SOURCE
/*
 * PROYECTO 1 TELEMATICA - proxy inverso con balanceo
 * fork() por cada conexion. Todo en un archivo.
 * compilar: gcc -o proxy proxy.c -lpthread   (ver leeme.txt)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <errno.h>
#include <signal.h>
#include <time.h>
#include <ctype.h>
#include <fcntl.h>
#include <poll.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <arpa/inet.h>

#define TAM_CAB   65536
#define TAM_BLOQ  16384
#define MAXSERV   20
#define ESPERA_S  15

struct servidor { char ip[64]; int puerto; } servidores[MAXSERV];
int nservidores = 0;
int puerto = 8080;
long ttl_segundos;
int fdlog;
struct compartido { sem_t s; unsigned turno; } *comp;

/* ---- cosas de la configuracion (proxy.ini) ---- */
int cargar_ini(const char *nombre)
{
    char l[256], seccion[64] = "";
    FILE *f = fopen(nombre, "r");
    if (!f) { perror(nombre); return 0; }
    while (fgets(l, sizeof l, f)) {
        char *p = l, *fin;
        while (isspace((unsigned char)*p)) p++;
        fin = p + strlen(p);
        while (fin > p && isspace((unsigned char)fin[-1])) *--fin = 0;
        if (!*p || *p == ';' || *p == '#') continue;
        if (*p == '[') { sscanf(p, "[%63[^]]", seccion); continue; }
        if (!strcmp(seccion, "general")) {
            if (sscanf(p, "puerto = %d", &puerto) == 1 || sscanf(p, "puerto=%d", &puerto) == 1) continue;
        } else if (!strcmp(seccion, "servidores")) {
            struct servidor *s = &servidores[nservidores];
            if (nservidores < MAXSERV && sscanf(p, "%63[0-9.] : %d", s->ip, &s->puerto) == 2) { nservidores++; continue; }
        }
        fprintf(stderr, "linea rara en %s: %s\n", nombre, p);
        fclose(f);
        return 0;
    }
    fclose(f);
    if (nservidores == 0) fprintf(stderr, "no hay servidores en %s\n", nombre);
    return nservidores > 0;
}

/* ---- log: una sola write() por linea, O_APPEND, asi los hijos no se pisan ---- */
void escribir_log(const char *pet, int cod, long long n, const char *origen)
{
    char b[2300], h[32];
    time_t t = time(NULL);
    strftime(h, sizeof h, "%d/%m/%Y %H:%M:%S", localtime(&t));
    int k = snprintf(b, sizeof b, "%s | %.2000s | %d | %lld | %s\n", h, pet, cod, n, origen);
    if (write(1, b, k) < 0) {}
    if (write(fdlog, b, k) < 0) {}
}

/* ---- lectura con memoria ---- */
struct lector { int fd; int ini, fin; char b[TAM_BLOQ]; };

int rellenar(struct lector *l)
{
    struct pollfd p = { l->fd, POLLIN, 0 };
    int r;
    if (l->ini < l->fin) return 1;
    do r = poll(&p, 1, ESPERA_S * 1000); while (r < 0 && errno == EINTR);
    if (r == 0) return -2;
    r = recv(l->fd, l->b, TAM_BLOQ, 0);
    if (r <= 0) return r;
    l->ini = 0; l->fin = r;
    return 1;
}
/* deja la cabeza en out (con su linea vacia), 0 si EOF, <0 si error */
int leer_cab(struct lector *l, char *out)
{
    int n = 0, r;
    for (;;) {
        if ((r = rellenar(l)) <= 0) return r;
        while (l->ini < l->fin) {
            char c = l->b[l->ini++];
            if (n >= TAM_CAB - 2) return -3;
            if (c == 0) return -4;
            out[n++] = c;
            if (c == '\n' && ((n >= 4 && !memcmp(out + n - 4, "\r\n\r\n", 4)) || (n >= 2 && out[n - 2] == '\n'))) {
                out[n] = 0;
                return n;
            }
        }
    }
}
int mandar(int fd, const char *p, long n)
{
    while (n > 0) {
        int r = send(fd, p, n, MSG_NOSIGNAL);
        if (r <= 0) return -1;
        p += r; n -= r;
    }
    return 0;
}
char *buscar_campo(const char *cab, const char *nombre)
{
    static char v[4096];
    int n = strlen(nombre), i = 0;
    const char *p = strstr(cab, "\n");
    while (p) {
        p++;
        if (!strncasecmp(p, nombre, n) && p[n] == ':') {
            p += n + 1;
            while (*p == ' ') p++;
            while (*p && *p != '\r' && *p != '\n' && i < 4095) v[i++] = *p++;
            v[i] = 0;
            return v;
        }
        p = strstr(p, "\n");
    }
    return NULL;
}
/* copia sin los campos de conexion; "Connection: close" se agrega al final */
int limpiar_cab(const char *cab, char *out, int quitar_te, int quitar_cl)
{
    const char *p = cab;
    int o = 0;
    while (*p && *p != '\r' && *p != '\n') {
        const char *f = strchr(p, '\n');
        int n = f - p + 1;
        if (strncasecmp(p, "Connection:", 11) && strncasecmp(p, "Keep-Alive:", 11) && strncasecmp(p, "Proxy-Connection:", 17) &&
            strncasecmp(p, "Expect:", 7) && !(quitar_te && !strncasecmp(p, "Transfer-Encoding:", 18)) &&
            !(quitar_cl && !strncasecmp(p, "Content-Length:", 15))) {
            memcpy(out + o, p, n);
            o += n;
        }
        p = f + 1;
    }
    o += sprintf(out + o, "Connection: close\r\n\r\n");
    return o;
}

/* destino de un cuerpo: cliente y/o archivo. Si el cliente se va, se sigue guardando */
struct destino { int fd; int muerto; FILE *copia; long long total; };
void soltar(struct destino *d, const char *p, int n, int es_cuerpo)
{
    if (d->fd >= 0 && !d->muerto && mandar(d->fd, p, n) < 0) d->muerto = 1;
    if (es_cuerpo) {
        d->total += n;
        if (d->copia) fwrite(p, 1, n, d->copia);
    }
}
int pasar_n(struct lector *l, struct destino *d, long long n)
{
    while (n > 0) {
        int r = rellenar(l);
        if (r <= 0) return r;
        int k = l->fin - l->ini;
        if (k > n) k = n;
        soltar(d, l->b + l->ini, k, 1);
        l->ini += k;
        n -= k;
    }
    return 1;
}
int linea(struct lector *l, char *s, int max)
{
    int n = 0, r;
    do {
        if ((r = rellenar(l)) <= 0) return r;
        if (n >= max - 1) return -3;
        s[n++] = l->b[l->ini++];
    } while (s[n - 1] != '\n');
    s[n] = 0;
    return n;
}
/* pasa los chunks tal cual al cliente (crudo) o decodificados; al archivo siempre decodificados */
int pasar_chunks(struct lector *l, struct destino *d, int crudo)
{
    char s[1024];
    int r;
    for (;;) {
        if ((r = linea(l, s, sizeof s)) <= 0) return r;
        char *e;
        long n = strtol(s, &e, 16);
        if (e == s || n < 0) return -4;
        if (crudo) soltar(d, s, r, 0);
        if (n == 0) break;
        if ((r = pasar_n(l, d, n)) <= 0) return r;
        if ((r = linea(l, s, sizeof s)) <= 0) return r;
        if (crudo) soltar(d, s, r, 0);
    }
    do {
        if ((r = linea(l, s, sizeof s)) <= 0) return r;
        if (crudo) soltar(d, s, r, 0);
    } while (s[0] != '\r' && s[0] != '\n');
    return 1;
}

/* ---- cache: guardados/<nombre escapado o resumido>.dat, primera linea = llave ---- */
void nombre_cache(const char *llave, char *out)
{
    int o = sprintf(out, "guardados/");
    const char *p;
    unsigned long long h = 14695981039346656037ULL;
    for (p = llave; *p; p++) h = (h ^ (unsigned char)*p) * 1099511628211ULL;
    for (p = llave; *p && o < 90; p++) {
        if (isalnum((unsigned char)*p) || *p == '.') out[o++] = *p;
        else o += sprintf(out + o, "_%02x", (unsigned char)*p);
    }
    sprintf(out + o, "-%016llx.dat", h);
}
int servir_cache(int cli, const char *llave, const char *pet)
{
    char nom[256], cab[TAM_CAB], b[TAM_BLOQ], *k;
    long long guardado, lc, lb, lk;
    int cod = 0, n;
    nombre_cache(llave, nom);
    FILE *f = fopen(nom, "rb");
    if (!f) return 0;
    if (fscanf(f, "%lld %lld %lld %lld", &guardado, &lk, &lc, &lb) != 4 || fgetc(f) != '\n' || lk != (long long)strlen(llave) || lc >= TAM_CAB) { fclose(f); return 0; }
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    long long edad = ts.tv_sec * 1000LL + ts.tv_nsec / 1000000 - guardado;
    struct stat st;
    if (fstat(fileno(f), &st) || st.st_size != ftell(f) + lk + lc + lb) { fclose(f); return 0; }   /* archivo danado */
    k = malloc(lk + 1);
    if (edad < 0 || edad > ttl_segundos * 1000LL || (long long)fread(k, 1, lk, f) != lk || memcmp(k, llave, lk) || (long long)fread(cab, 1, lc, f) != lc) {
        free(k); fclose(f); return 0;
    }
    free(k);
    cab[lc] = 0;
    sscanf(cab, "%*s %d", &cod);
    escribir_log(pet, cod, lb, "cache");
    if (!mandar(cli, cab, lc))
        while ((n = fread(b, 1, sizeof b, f)) > 0 && !mandar(cli, b, n)) ;
    fclose(f);
    return 1;
}
int conectar(struct servidor *s)
{
    struct sockaddr_in a;
    struct timeval tv = { 3, 0 };
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    memset(&a, 0, sizeof a);
    a.sin_family = AF_INET;
    a.sin_port = htons(s->puerto);
    inet_pton(AF_INET, s->ip, &a.sin_addr);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv);     /* tambien vale para connect */
    if (connect(fd, (struct sockaddr *)&a, sizeof a)) { close(fd); return -1; }
    tv.tv_sec = ESPERA_S;
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv);
    return fd;
}
void decir_error(int cli, int cod, const char *txt, const char *pet)
{
    char b[512];
    int n = snprintf(b, sizeof b, "HTTP/1.1 %d %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%d %s\n",
                     cod, txt, (int)strlen(txt) + 5, cod, txt);
    escribir_log(pet, cod, strlen(txt) + 5, "proxy");
    mandar(cli, b, n);
}

void hijo(int cli)
{
    static char cab[TAM_CAB], sal[TAM_CAB + 256], rcab[TAM_CAB], rsal[TAM_CAB + 256], url[TAM_CAB], llave[TAM_CAB + 4096], pet[TAM_CAB];
    static struct lector lc, ls;
    char metodo[32], ver[32], *v, tmp[300], nom[256];
    int r, con_cuerpo = 0, chunk = 0;
    lc.fd = cli;
    r = leer_cab(&lc, cab);
    if (r == 0 || r == -1 || r == -2) return;
    if (r < 0 || sscanf(cab, "%31s %65000s %31[^\r\n]", metodo, url, ver) != 3 || strncmp(ver, "HTTP/1.", 7)) {
        decir_error(cli, r == -3 ? 431 : 400, r == -3 ? "Header Too Large" : "Bad Request", "(no se entiende)");
        return;
    }
    strcpy(pet, cab);
    pet[strcspn(pet, "\r\n")] = 0;
    /* el cuerpo se lee entero (a un archivo anonimo) para poder mandarlo con Content-Length */
    FILE *cuerpo = tmpfile();
    struct destino dc = { -1, 0, cuerpo, 0 };
    if (buscar_campo(cab, "Expect")) mandar(cli, "HTTP/1.1 100 Continue\r\n\r\n", 25);
    if ((v = buscar_campo(cab, "Transfer-Encoding")) && strcasestr(v, "chunked")) { con_cuerpo = chunk = 1; r = pasar_chunks(&lc, &dc, 0); }
    else if ((v = buscar_campo(cab, "Content-Length"))) {
        con_cuerpo = 1;
        r = isdigit((unsigned char)*v) ? pasar_n(&lc, &dc, atoll(v)) : -4;
    }
    if (r <= 0) { decir_error(cli, 400, "Bad Request", pet); return; }
    int guardable = !strcmp(metodo, "GET") && !con_cuerpo && !buscar_campo(cab, "Authorization") && !buscar_campo(cab, "Range") &&
                    !buscar_campo(cab, "If-None-Match") && !buscar_campo(cab, "If-Modified-Since");
    v = buscar_campo(cab, "Host");
    sprintf(llave, "%s%s", v ? v : "", url);
    if (guardable && servir_cache(cli, llave, pet)) return;

    int n = limpiar_cab(cab, sal, 1, chunk);
    if (chunk) { n -= 2; n += sprintf(sal + n, "Content-Length: %lld\r\n\r\n", dc.total); }
    sem_wait(&comp->s);
    unsigned base = comp->turno++;
    sem_post(&comp->s);
    int k, cod = 0, lrc = 0, falla = 503;
    char donde[100] = "";
    struct servidor *s = NULL;
    for (k = 0; k < nservidores; k++) {
        s = &servidores[(base + k) % nservidores];
        if (ls.fd > 0) close(ls.fd);
        if ((ls.fd = conectar(s)) < 0) continue;
        ls.ini = ls.fin = 0;
        int mal = mandar(ls.fd, sal, n);
        char b[TAM_BLOQ];
        size_t q;
        rewind(cuerpo);
        while (!mal && (q = fread(b, 1, sizeof b, cuerpo)) > 0) mal = mandar(ls.fd, b, q);
        do lrc = leer_cab(&ls, rcab); while (lrc > 0 && sscanf(rcab, "HTTP/%*s %d", &cod) == 1 && cod >= 100 && cod < 200);
        if (lrc > 0 && cod >= 200) break;
        falla = lrc == -2 ? 504 : 502;
        if (falla == 504 || (strcmp(metodo, "GET") && strcmp(metodo, "HEAD"))) { k = nservidores; break; }
    }
    if (k >= nservidores) { decir_error(cli, falla, falla == 504 ? "Gateway Timeout" : falla == 503 ? "Sin servidores" : "Bad Gateway", pet); return; }
    snprintf(donde, sizeof donde, "%s:%d", s->ip, s->puerto);

    /* la respuesta se va pasando a medida que llega */
    int es10 = !strcmp(ver, "HTTP/1.0");
    struct destino d = { cli, 0, NULL, 0 };
    char *te = buscar_campo(rcab, "Transfer-Encoding");
    int rch = te && strcasestr(te, "chunked");
    int sin_cuerpo = !strcmp(metodo, "HEAD") || cod == 204 || cod == 304;
    long long largo = -1;
    if ((v = buscar_campo(rcab, "Content-Length"))) largo = atoll(v);
    if (guardable && cod == 200) {
        v = buscar_campo(rcab, "Cache-Control");
        if (!(v && (strcasestr(v, "no-store") || strcasestr(v, "private") || strcasestr(v, "no-cache") || strcasestr(v, "max-age=0"))) &&
            !buscar_campo(rcab, "Vary") && !buscar_campo(rcab, "Set-Cookie")) {
            mkdir("guardados", 0777);
            sprintf(tmp, "guardados/.parcial.%d", (int)getpid());
            d.copia = fopen(tmp, "w+b");
        }
    }
    int lrs = limpiar_cab(rcab, rsal, rch && es10, 0);
    soltar(&d, rsal, lrs, 0);
    if (sin_cuerpo) r = 1;
    else if (rch) r = pasar_chunks(&ls, &d, !es10);
    else if (largo >= 0) r = pasar_n(&ls, &d, largo);
    else { while ((r = rellenar(&ls)) > 0) { soltar(&d, ls.b + ls.ini, ls.fin - ls.ini, 1); ls.ini = ls.fin; } r = r == 0 ? 1 : r; }
    escribir_log(pet, cod, d.total, r > 0 ? donde : "se corto");
    if (d.copia && r > 0) {
        char fin[400], b[TAM_BLOQ];
        size_t q;
        struct timespec ts;
        int l2 = limpiar_cab(rcab, rsal, 1, 1) - 2;
        l2 += sprintf(rsal + l2, "Content-Length: %lld\r\n\r\n", d.total);
        nombre_cache(llave, nom);
        sprintf(fin, "%s.%d.tmp", nom, (int)getpid());
        FILE *g = fopen(fin, "wb");
        if (g) {
            clock_gettime(CLOCK_REALTIME, &ts);
            fprintf(g, "%lld %d %d %lld\n%s", ts.tv_sec * 1000LL + ts.tv_nsec / 1000000, (int)strlen(llave), l2, d.total, llave);
            fwrite(rsal, 1, l2, g);
            rewind(d.copia);
            while ((q = fread(b, 1, sizeof b, d.copia)) > 0) fwrite(b, 1, q, g);
            int e = ferror(g) | fflush(g) | fsync(fileno(g));
            if (fclose(g) | e) unlink(fin); else rename(fin, nom);
        }
    }
    if (d.copia) { fclose(d.copia); unlink(tmp); }
}

int main(int argc, char *argv[])
{
    int s, uno = 1;
    struct sockaddr_in a;
    if (!cargar_ini(argc > 1 ? argv[1] : "proxy.ini")) return 1;
    printf("=== Proxy inverso ===\nTTL del cache en segundos: ");
    fflush(stdout);
    if (scanf("%ld", &ttl_segundos) != 1 || ttl_segundos < 0) { ttl_segundos = 120; printf("(uso 120)\n"); }
    fflush(stdout);
    fdlog = open("bitacora.log", O_WRONLY | O_CREAT | O_APPEND, 0644);
    if (fdlog < 0) { perror("bitacora.log"); return 1; }
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_IGN);          /* que no queden zombis */
    comp = mmap(NULL, sizeof *comp, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    sem_init(&comp->s, 1, 1);
    s = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &uno, sizeof uno);
    memset(&a, 0, sizeof a);
    a.sin_family = AF_INET;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);      /* solo local, delante va el tunel ssh */
    a.sin_port = htons(puerto);
    if (bind(s, (struct sockaddr *)&a, sizeof a) < 0 || listen(s, SOMAXCONN) < 0) { perror("bind/listen"); return 1; }
    printf("Escuchando en 127.0.0.1:%d\n", puerto);
    fflush(stdout);
    for (;;) {
        int c = accept(s, NULL, NULL);
        if (c < 0) continue;
        pid_t p = fork();
        if (p == 0) {
            close(s);
            hijo(c);
            shutdown(c, SHUT_WR);
            struct pollfd pf = { c, POLLIN, 0 };
            char basura[4096];
            for (int i = 0; i < 50 && poll(&pf, 1, 200) > 0 && recv(c, basura, sizeof basura, 0) > 0; i++) ;
            _exit(0);
        }
        close(c);
        if (p < 0) usleep(5000);
    }
}
