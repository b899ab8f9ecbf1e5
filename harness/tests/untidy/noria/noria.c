// noria.c -- reverse proxy / balanceador con poll(), un solo proceso
// uso: noria -p puerto -b ip:puerto -b ip:puerto ... -t ttl [-l log] [-d carpeta]
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MAXC 500        // conexiones
#define HEADSZ 4096

enum st { LIBRE = 0, LEYENDO, PASANDO };

struct con {
    enum st st;
    int cli, srv;
    bool sordo;              // el cliente ya no manda nada
    char ip[32];
    char head[HEADSZ + 1];
    int hn;
    long long body;          // lo que falta del cuerpo del request, -1 = no se sabe (chunked)
    char linea[HEADSZ + 1];
    bool get;
    char file[300];
    char *resp;              // la respuesta, para la cache
    size_t rn, rcap;
    int backend;
};

static struct con T[MAXC];
static struct sockaddr_in backs[16];
static int nb, turno, ttl = -1, port = 8080;
static const char *logname = "noria.log", *dir = "noria_cache";
static FILE *lg;

static int sendall(int fd, const char *p, size_t n) {
    while (n) {
        ssize_t k = send(fd, p, n, MSG_NOSIGNAL);
        if (k <= 0) return -1;
        p += k;
        n -= k;
    }
    return 0;
}

static void bitacora(struct con *c, int status, size_t bytes, const char *quien) {
    char f[64];
    time_t t = time(NULL);
    strftime(f, sizeof f, "%FT%T", localtime(&t));
    fprintf(lg, "%s %s \"%s\" %d %zu %s\n", f, c->ip, c->linea, status, bytes, quien);
    fflush(lg);
}

static void soltar(struct con *c) {
    if (c->cli >= 0) close(c->cli);
    if (c->srv >= 0) close(c->srv);
    free(c->resp);
    memset(c, 0, sizeof *c);
    c->cli = c->srv = -1;
}

static void nombre(const char *target, char *out, size_t n) {
    uint64_t h = 14695981039346656037ULL, g = 5381;
    for (const char *p = target; *p; p++) {
        h = (h ^ (unsigned char)*p) * 1099511628211ULL;
        g = g * 33 + (unsigned char)*p;
    }
    snprintf(out, n, "%s/%016llx%08llx", dir, (unsigned long long)h, (unsigned long long)(g & 0xffffffff));
}

static int status_de(const char *p, size_t n) {
    return n > 12 && !memcmp(p, "HTTP/1.", 7) ? atoi(p + 9) : 0;
}

static bool de_cache(struct con *c) {
    struct stat s;
    if (stat(c->file, &s) < 0 || time(NULL) - s.st_mtime >= ttl) return false;
    FILE *f = fopen(c->file, "rb");
    if (!f) return false;
    char *b = malloc(s.st_size + 1);
    size_t n = fread(b, 1, s.st_size, f);
    fclose(f);
    b[n] = 0;
    sendall(c->cli, b, n);
    bitacora(c, status_de(b, n), n, "HIT");
    free(b);
    return true;
}

static void fin_respuesta(struct con *c) {
    char q[64];
    int st = status_de(c->resp ? c->resp : "", c->rn);
    snprintf(q, sizeof q, "%s:%d", inet_ntoa(backs[c->backend].sin_addr), ntohs(backs[c->backend].sin_port));
    bitacora(c, st, c->rn, q);
    if (c->get && st == 200) {
        FILE *f = fopen(c->file, "wb");
        if (f) {
            fwrite(c->resp, 1, c->rn, f);
            fclose(f);
        }
    }
    soltar(c);
}

static void head_listo(struct con *c, char *fin) {
    int hl = fin + 4 - c->head, resto = c->hn - hl;
    char met[16], target[HEADSZ];
    size_t ll = strcspn(c->head, "\r\n");
    memcpy(c->linea, c->head, ll);
    c->linea[ll] = 0;
    if (sscanf(c->head, "%15s %4095s", met, target) != 2) { soltar(c); return; }
    c->get = !strcmp(met, "GET");
    nombre(target, c->file, sizeof c->file);
    if (c->get && de_cache(c)) { soltar(c); return; }

    // round robin, saltando los caidos
    int i;
    for (i = 0; i < nb; i++) {
        c->backend = turno;
        turno = (turno + 1) % nb;
        c->srv = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(c->srv, (struct sockaddr *)&backs[c->backend], sizeof backs[0]) == 0) break;
        close(c->srv);
        c->srv = -1;
    }
    if (i == nb) {
        const char *e = "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        sendall(c->cli, e, strlen(e));
        bitacora(c, 502, 0, "-");
        soltar(c);
        return;
    }
    // head otra vez, sin Connection: y con el nuestro
    char nuevo[HEADSZ + 64];
    int m = 0;
    c->body = 0;
    for (char *p = c->head; p < fin + 2;) {
        int l = strcspn(p, "\r\n") + 2;
        if (!strncasecmp(p, "Content-Length:", 15)) c->body = atoll(p + 15);
        if (!strncasecmp(p, "Transfer-Encoding:", 18)) c->body = -1;
        if (strncasecmp(p, "Connection:", 11)) { memcpy(nuevo + m, p, l); m += l; }
        p += l;
    }
    m += sprintf(nuevo + m, "Connection: close\r\n\r\n");
    sendall(c->srv, nuevo, m);
    if (resto) {
        sendall(c->srv, fin + 4, resto);
        if (c->body > 0) c->body -= resto;
    }
    c->st = PASANDO;
}

static void del_cliente(struct con *c) {
    char b[16384];
    ssize_t n;
    if (c->st == LEYENDO) {
        n = recv(c->cli, c->head + c->hn, HEADSZ - c->hn, 0);
        if (n <= 0) { soltar(c); return; }
        c->hn += n;
        c->head[c->hn] = 0;
        char *fin = strstr(c->head, "\r\n\r\n");
        if (fin) head_listo(c, fin);
        else if (c->hn == HEADSZ) soltar(c);      // demasiado largo
        return;
    }
    n = recv(c->cli, b, sizeof b, 0);
    if (n == 0) { c->sordo = true; return; }
    if (n < 0) { close(c->cli); c->cli = -1; return; }   // se fue, igual se guarda la respuesta
    if (c->body == 0) return;                     // ya no se espera nada de el
    if (c->body > 0 && n > c->body) n = c->body;
    if (c->body > 0) c->body -= n;
    sendall(c->srv, b, n);
}

static void del_servidor(struct con *c) {
    char b[32768];
    ssize_t n = recv(c->srv, b, sizeof b, 0);
    if (n <= 0) { fin_respuesta(c); return; }     // EOF: termino la respuesta
    if (c->rn + n > c->rcap) {
        c->rcap = (c->rn + n) * 2;
        c->resp = realloc(c->resp, c->rcap);
    }
    memcpy(c->resp + c->rn, b, n);
    c->rn += n;
    if (c->cli >= 0 && sendall(c->cli, b, n) < 0) { close(c->cli); c->cli = -1; }
}

int main(int argc, char **argv) {
    int o;
    while ((o = getopt(argc, argv, "p:b:t:l:d:h")) != -1) switch (o) {
        case 'p': port = atoi(optarg); break;
        case 't': ttl = atoi(optarg); break;
        case 'l': logname = optarg; break;
        case 'd': dir = optarg; break;
        case 'b': {
            char *dp = strrchr(optarg, ':');
            if (!dp || nb == 16) { fprintf(stderr, "backend malo: %s\n", optarg); return 1; }
            *dp = 0;
            backs[nb].sin_family = AF_INET;
            backs[nb].sin_port = htons(atoi(dp + 1));
            if (inet_pton(AF_INET, optarg, &backs[nb].sin_addr) != 1) { fprintf(stderr, "ip mala: %s\n", optarg); return 1; }
            nb++;
            break;
        }
        default:
            fprintf(stderr, "uso: %s -p puerto -b ip:puerto [-b ...] -t ttl [-l log] [-d carpeta cache]\n", argv[0]);
            return 1;
    }
    if (!nb || ttl < 0) { fprintf(stderr, "faltan -b o -t (ver -h)\n"); return 1; }
    if (!(lg = fopen(logname, "a"))) { perror(logname); return 1; }
    mkdir(dir, 0755);
    signal(SIGPIPE, SIG_IGN);
    for (int i = 0; i < MAXC; i++) T[i].cli = T[i].srv = -1;

    int ls = socket(AF_INET, SOCK_STREAM, 0), si = 1;
    setsockopt(ls, SOL_SOCKET, SO_REUSEADDR, &si, sizeof si);
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };
    if (bind(ls, (struct sockaddr *)&a, sizeof a) < 0) { perror("bind"); return 1; }
    listen(ls, 128);

    static struct pollfd pf[2 * MAXC + 1];
    static int quien[2 * MAXC + 1];
    for (;;) {
        int n = 1;
        pf[0].fd = ls;
        pf[0].events = POLLIN;
        for (int i = 0; i < MAXC; i++) if (T[i].st) {
            pf[n].fd = T[i].sordo ? -1 : T[i].cli; pf[n].events = POLLIN; quien[n++] = i;
            if (T[i].st == PASANDO) { pf[n].fd = T[i].srv; pf[n].events = POLLIN; quien[n++] = i; }
        }
        if (poll(pf, n, -1) < 0) continue;
        for (int k = 1; k < n; k++) {
            struct con *c = &T[quien[k]];
            if (!(pf[k].revents & (POLLIN | POLLHUP | POLLERR))) continue;
            if (c->st == LIBRE || pf[k].fd < 0) continue;
            if (pf[k].fd == c->cli) del_cliente(c);
            else if (pf[k].fd == c->srv) del_servidor(c);
        }
        if (pf[0].revents & POLLIN) {
            struct sockaddr_in d;
            socklen_t l = sizeof d;
            int fd = accept(ls, (struct sockaddr *)&d, &l);
            if (fd < 0) continue;
            int i = 0;
            while (i < MAXC && T[i].st) i++;
            if (i == MAXC) { close(fd); continue; }
            T[i].st = LEYENDO;
            T[i].cli = fd;
            strcpy(T[i].ip, inet_ntoa(d.sin_addr));
        }
    }
}
