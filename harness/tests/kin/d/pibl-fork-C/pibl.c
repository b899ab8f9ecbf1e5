/*
 * PIBL  -  proxy inverso + balanceador
 * Telematica 2022-2   un proceso por cliente (fork) porque asi lo vimos en clase
 *
 * ./pibl [-p puerto] [-t ttl] [-c archivo.cfg] [-d carpeta_cache]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <getopt.h>
#include <errno.h>
#include <signal.h>
#include <time.h>
#include <fcntl.h>
#include <netdb.h>
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/file.h>
#include <netinet/in.h>
#include <arpa/inet.h>

#define MAXSRV 16
#define MAXHEAD 65536
#define LOGFILE "/tmp/pibl_accesos.log"

typedef struct {
    char host[128];
    char port[8];
} Server;

typedef struct {
    volatile unsigned int turno;
    volatile int muerto[MAXSRV];
} Compartida;

Server servers[MAXSRV];
int nservers = 0;
int puerto = 8080;
int ttl = 60;
char *carpeta = "cache";
char *cfg = "pibl.cfg";
Compartida *shm;
char ipcliente[64];

/* ---- config ---- */
void leer_config(void) {
    char l[512], *p;
    FILE *f = fopen(cfg, "r");
    if (!f) { perror(cfg); exit(1); }
    while (fgets(l, sizeof l, f)) {
        l[strcspn(l, "\r\n")] = 0;
        if (l[0] == '#' || l[0] == 0 || l[0] == '[') continue;
        p = strchr(l, '=');
        if (!p) { fprintf(stderr, "config mala: %s\n", l); exit(1); }
        *p++ = 0;
        if (!strcmp(l, "port")) puerto = atoi(p);
        else if (!strcmp(l, "server") && nservers < MAXSRV) {
            char *c = strrchr(p, ':');
            if (!c) { fprintf(stderr, "falta puerto: %s\n", p); exit(1); }
            *c = 0;
            snprintf(servers[nservers].host, 128, "%s", p);
            snprintf(servers[nservers].port, 8, "%s", c + 1);
            nservers++;
        }
    }
    fclose(f);
    if (!nservers) { fprintf(stderr, "no hay servers\n"); exit(1); }
}

/* ---- log ---- */
void registrar(const char *req, int status, long bytes, const char *de) {
    char b[2048], t[64];
    time_t n = time(NULL);
    strftime(t, sizeof t, "%d/%m/%Y %H:%M:%S", localtime(&n));
    int k = snprintf(b, sizeof b, "%s [%s] \"%.1500s\" -> %d %ld (%s)\n", t, ipcliente, req, status, bytes, de);
    int fd = open(LOGFILE, O_WRONLY | O_CREAT | O_APPEND, 0666);
    if (fd >= 0) { if (write(fd, b, k) < 0) perror("log"); close(fd); }
    if (write(1, b, k) < 0) perror("stdout");
}

int enviar(int s, const char *b, long n) {
    while (n > 0) {
        ssize_t k = send(s, b, n, MSG_NOSIGNAL);
        if (k <= 0) return -1;
        b += k; n -= k;
    }
    return 0;
}

void responder_error(int c, int st, const char *msg) {
    char b[512];
    int k = snprintf(b, sizeof b, "HTTP/1.1 %d %s\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
                     st, msg, strlen(msg), msg);
    enviar(c, b, k);
}

/* lee hasta la linea en blanco. devuelve el largo del head, *tot lo leido */
long leer_head(int s, char *buf, long max, long *tot) {
    *tot = 0;
    while (*tot < max - 1) {
        ssize_t k = recv(s, buf + *tot, max - 1 - *tot, 0);
        if (k <= 0) return -1;
        *tot += k;
        buf[*tot] = 0;
        char *e = strstr(buf, "\r\n\r\n");
        if (e) return e - buf + 4;
    }
    return -2;
}

/* valor de un header (solo dentro del head) */
int header(const char *head, long hl, const char *nom, char *out, int max) {
    size_t n = strlen(nom);
    const char *p = head, *fin = head + hl;
    while ((p = memchr(p, '\n', fin - p)) && ++p < fin) {
        if (!strncasecmp(p, nom, n) && p[n] == ':') {
            p += n + 1;
            while (*p == ' ' || *p == '\t') p++;
            int i = 0;
            while (p < fin && *p != '\r' && *p != '\n' && i < max - 1) out[i++] = *p++;
            out[i] = 0;
            return 1;
        }
    }
    return 0;
}

/* ---- cache: un archivo por recurso ---- */
void nombre_cache(const char *target, char *out) {
    char t[300];
    int i;
    snprintf(t, sizeof t, "%s", target);
    for (i = 0; t[i]; i++)
        if (t[i] == '/' || t[i] == '?' || t[i] == '&') t[i] = '_';
    sprintf(out, "%s/%s.bin", carpeta, t);
}

/* 1 = se contesto desde el disco */
int servir_cache(int c, const char *reqline, const char *target) {
    char n[600], b[65536];
    struct stat st;
    long hl, tot;
    nombre_cache(target, n);
    int fd = open(n, O_RDONLY);
    if (fd < 0) return 0;
    fstat(fd, &st);
    if (time(NULL) - st.st_mtime >= ttl) { close(fd); unlink(n); return 0; }
    tot = read(fd, b, sizeof b - 1);
    if (tot <= 0) { close(fd); return 0; }
    b[tot] = 0;
    char *e = strstr(b, "\r\n\r\n"), *l1 = strstr(b, "\r\n");
    if (!e || !l1) { close(fd); return 0; }
    hl = e - b + 4;
    const char *ok = "HTTP/1.1 200 OK";
    registrar(reqline, 200, st.st_size - hl, "HIT");
    if (enviar(c, ok, strlen(ok)) == 0 && enviar(c, l1, tot - (l1 - b)) == 0) {
        while ((tot = read(fd, b, sizeof b)) > 0)
            if (enviar(c, b, tot) < 0) break;
    }
    close(fd);
    return 1;
}

/* ---- backends ---- */
int conectar(Server *s) {
    struct addrinfo h, *r;
    memset(&h, 0, sizeof h);
    h.ai_family = AF_INET; h.ai_socktype = SOCK_STREAM;
    if (getaddrinfo(s->host, s->port, &h, &r)) return -1;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct timeval tv = {15, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv);
    int x = connect(fd, r->ai_addr, r->ai_addrlen);
    freeaddrinfo(r);
    if (x < 0) { close(fd); return -1; }
    return fd;
}

int elegir(int *cual) {
    int i;
    for (i = 0; i < nservers * 2; i++) {
        int k = __sync_fetch_and_add(&shm->turno, 1) % nservers;
        if (shm->muerto[k]) continue;
        int fd = conectar(&servers[k]);
        if (fd >= 0) { *cual = k; return fd; }
        fprintf(stderr, "server %d no responde, se saca de la lista\n", k);
        shm->muerto[k] = 1;
    }
    return -1;
}

/* copia el head quitando connection y pegando close */
long copiar_head(const char *h, long hl, const char *primera, char *out) {
    long o = sprintf(out, "%s\r\n", primera);
    const char *p = strstr(h, "\r\n") + 2;
    while (p < h + hl - 2) {
        const char *e = strstr(p, "\r\n");
        long n = e - p + 2;
        if (strncasecmp(p, "connection:", 11) && strncasecmp(p, "keep-alive:", 11) && strncasecmp(p, "proxy-connection:", 17)
            && strncasecmp(p, "expect:", 7)) {
            memcpy(out + o, p, n);
            o += n;
        }
        p += n;
    }
    o += sprintf(out + o, "Connection: close\r\n\r\n");
    return o;
}

void atender(int c) {
    static char buf[MAXHEAD], out[MAXHEAD + 1024], resp[MAXHEAD];
    char metodo[16], target[256], version[16], v[256], linea[2048], primera[400];
    char nomtmp[700], nomfin[600];
    long tot, hl, cuerpo = 0, rt, rh, falta = -1, enviado = 0;
    int cual = 0, status = 0, guardar = 0, chunked_req = 0;
    FILE *f = NULL;

    hl = leer_head(c, buf, sizeof buf, &tot);
    if (hl == -2) { responder_error(c, 431, "Head muy grande"); registrar("(head muy grande)", 431, 0, "PIBL"); return; }
    if (hl < 0) return;
    snprintf(linea, sizeof linea, "%.*s", (int)strcspn(buf, "\r\n") > 2000 ? 2000 : (int)strcspn(buf, "\r\n"), buf);
    /* GET /algo HTTP/1.1 */
    if (sscanf(buf, "%15s %255s", metodo, target) != 2 || target[0] != '/') {
        responder_error(c, 400, "Bad Request");
        registrar(linea, 400, 11, "PIBL");
        return;
    }
    (void)version;
    if (!strcmp(metodo, "GET") && servir_cache(c, linea, target)) return;

    if (header(buf, hl, "content-length", v, sizeof v)) cuerpo = atol(v);
    if (header(buf, hl, "transfer-encoding", v, sizeof v)) chunked_req = 1;
    if (header(buf, hl, "expect", v, sizeof v)) enviar(c, "HTTP/1.1 100 Continue\r\n\r\n", 25);

    int b = elegir(&cual);
    if (b < 0) {
        responder_error(c, 502, "Bad Gateway");
        registrar(linea, 502, 11, "sin servers");
        return;
    }
    snprintf(primera, sizeof primera, "%s %s HTTP/1.1", metodo, target);
    long ol = copiar_head(buf, hl, primera, out);
    enviar(b, out, ol);
    enviar(b, buf + hl, tot - hl);
    char *fin5 = tot - hl >= 5 ? buf + tot - 5 : buf;
    if (chunked_req) {
        /* hasta que llegue 0\r\n\r\n */
        while (memcmp(fin5, "0\r\n\r\n", 5)) {
            rt = recv(c, resp, sizeof resp, 0);
            if (rt <= 0) break;
            enviar(b, resp, rt);
            if (rt >= 5) fin5 = resp + rt - 5;
        }
    } else {
        long r = cuerpo - (tot - hl);
        while (r > 0) {
            rt = recv(c, resp, sizeof resp, 0);
            if (rt <= 0) break;
            if (enviar(b, resp, rt) < 0) break;
            r -= rt;
        }
    }
otra:
    rh = leer_head(b, resp, sizeof resp, &rt);
    if (rh < 0) {
        int st = (errno == EAGAIN) ? 504 : 502;
        responder_error(c, st, st == 504 ? "Gateway Timeout" : "Bad Gateway");
        registrar(linea, st, 0, servers[cual].host);
        close(b);
        return;
    }
    status = atoi(resp + 9);
    if (status == 100) {
        memmove(resp, resp + rh, rt - rh);
        rt -= rh; resp[rt] = 0;
        if (rt == 0) goto otra;
        char *e = strstr(resp, "\r\n\r\n");
        if (!e) { close(b); return; }
        rh = e - resp + 4; status = atoi(resp + 9);
    }
    snprintf(primera, sizeof primera, "%.*s", (int)strcspn(resp, "\r\n"), resp);
    ol = copiar_head(resp, rh, primera, out);
    if (header(resp, rh, "content-length", v, sizeof v)) falta = atol(v);
    if (!strcmp(metodo, "HEAD") || status == 204 || status == 304) falta = 0;
    if (!strcmp(metodo, "GET") && status >= 200 && status < 500 && status != 304 && status != 206) {
        guardar = 1;
        if (header(resp, rh, "cache-control", v, sizeof v) && (strstr(v, "no-store") || strstr(v, "private"))) guardar = 0;
        if (header(buf, hl, "authorization", v, sizeof v)) guardar = 0;
    }
    if (guardar) {
        nombre_cache(target, nomfin);
        snprintf(nomtmp, sizeof nomtmp, "%s/tmp.%d", carpeta, getpid());
        f = fopen(nomtmp, "wb");
        if (f) fwrite(out, 1, ol, f);
    }
    enviar(c, out, ol);
    long k = rt - rh;
    if (falta >= 0 && k > falta) k = falta;
    char *p = resp + rh;
    int roto = 0;
    while (1) {
        if (k > 0) {
            if (f) fwrite(p, 1, k, f);
            enviado += k;
            if (falta < 0 || enviado < falta) { if (enviar(c, p, k) < 0) { roto = 1; break; } }
        }
        if (falta >= 0 && enviado >= falta) break;
        p = resp;
        k = recv(b, resp, sizeof resp, 0);
        if (k <= 0) { if (falta > 0 || k < 0) roto = 1; k = 0; break; }
    }
    if (f) {
        fclose(f);
        if (roto) unlink(nomtmp); else rename(nomtmp, nomfin);
    }
    registrar(linea, status, enviado, servers[cual].port);
    if (falta >= 0 && k > 0) enviar(c, p, k);
    close(b);
}

/* int hash(char *s){ int h=5381; while(*s) h=h*33+*s++; return h; }   // ya no se usa */

int main(int argc, char **argv) {
    int o, pp = 0, uno = 1;
    while ((o = getopt(argc, argv, "p:t:c:d:h")) != -1) {
        switch (o) {
        case 'p': pp = atoi(optarg); break;
        case 't': ttl = atoi(optarg); break;
        case 'c': cfg = optarg; break;
        case 'd': carpeta = optarg; break;
        default: printf("uso: %s [-p puerto] [-t ttl] [-c cfg] [-d cache]\n", argv[0]); return 1;
        }
    }
    leer_config();
    if (pp) puerto = pp;
    mkdir(carpeta, 0777);
    shm = mmap(NULL, sizeof *shm, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shm == MAP_FAILED) { perror("mmap"); return 1; }
    signal(SIGCHLD, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    int s = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &uno, sizeof uno);
    struct sockaddr_in a, ca;
    memset(&a, 0, sizeof a);
    a.sin_family = AF_INET; a.sin_port = htons(puerto); a.sin_addr.s_addr = INADDR_ANY;
    if (bind(s, (struct sockaddr *)&a, sizeof a) < 0) { perror("bind"); return 1; }
    listen(s, 256);
    printf("PIBL en el puerto %d, ttl %d, %d servers\n", puerto, ttl, nservers);
    fflush(stdout);
    while (1) {
        socklen_t cl = sizeof ca;
        int c = accept(s, (struct sockaddr *)&ca, &cl);
        if (c < 0) continue;
        strcpy(ipcliente, inet_ntoa(ca.sin_addr));
        pid_t h = fork();
        if (h == 0) {
            close(s);
            struct timeval tv = {20, 0};
            setsockopt(c, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
            atender(c);
            shutdown(c, SHUT_WR);
            char basura[1024];
            tv.tv_sec = 1;
            setsockopt(c, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
            while (recv(c, basura, sizeof basura, 0) > 0);
            close(c);
            _exit(0);
        }
        if (h < 0) perror("fork");
        close(c);
    }
}
