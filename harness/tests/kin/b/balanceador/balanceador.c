// Balanceador de carga + proxy inverso + cache
// Autores: grupo 7
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <errno.h>
#include <netdb.h>
#include <sys/stat.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <arpa/inet.h>

#define CONFIG        "balanceador.cfg"
#define MAX_HEAD      32768
#define DIR_CACHE     "/tmp/balanceador_cache"
#define COLA          1

typedef struct { char ip[100]; int port; } Backend;
static Backend backends[16];
static int n_backends, port = 8080;
static double ttl = 90;
static int next_b = 0;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;

// formato:  PORT 8080
//           SERVERS ip:puerto,ip:puerto,...
static void load_config(void) {
    char line[2048];
    FILE *f = fopen(CONFIG, "r");
    if (!f) { printf("No existe %s\n", CONFIG); exit(1); }
    while (fgets(line, sizeof(line), f)) {
        line[strcspn(line, "\r\n")] = '\0';
        if (strncmp(line, "PORT ", 5) == 0) port = atoi(line + 5);
        if (strncmp(line, "SERVERS ", 8) == 0) {
            char *save, *tok = strtok_r(line + 8, ", ", &save);
            while (tok && n_backends < 16) {
                if (sscanf(tok, "%99[^:]:%d", backends[n_backends].ip, &backends[n_backends].port) == 2) n_backends++;
                tok = strtok_r(NULL, ", ", &save);
            }
        }
    }
    fclose(f);
    if (n_backends == 0) { printf("Sin servidores en %s\n", CONFIG); exit(1); }
}

static void write_log(const char *req, int status, long bytes, const char *from) {
    char when[64];
    time_t now = time(NULL);
    struct tm tmv;
    localtime_r(&now, &tmv);
    strftime(when, sizeof(when), "%F %T", &tmv);
    pthread_mutex_lock(&log_lock);
    FILE *f = fopen("balanceador.log", "a");
    if (f) { fprintf(f, "%s REQUEST [%s] RESPONSE [%d, %ld bytes, %s]\n", when, req, status, bytes, from); fclose(f); }
    printf("%s REQUEST [%s] RESPONSE [%d, %ld bytes, %s]\n", when, req, status, bytes, from);
    fflush(stdout);
    pthread_mutex_unlock(&log_lock);
}

static int send_all(int s, const char *p, size_t n) {
    while (n > 0) {
        ssize_t k = send(s, p, n, MSG_NOSIGNAL);
        if (k <= 0) return -1;
        p += k;
        n -= k;
    }
    return 0;
}

// valor de un header, copia en out
static int header(const char *head, const char *name, char *out, size_t max) {
    size_t ln = strlen(name);
    const char *p = head;
    out[0] = '\0';
    while ((p = strstr(p, "\r\n")) != NULL) {
        p += 2;
        if (strncasecmp(p, name, ln) == 0 && p[ln] == ':') {
            p += ln + 1;
            while (*p == ' ') p++;
            size_t k = strcspn(p, "\r\n");
            if (k >= max) k = max - 1;
            memcpy(out, p, k);
            out[k] = '\0';
            return 1;
        }
    }
    return 0;
}

// quita headers hop-by-hop y los de largo, deja sin la linea vacia
static size_t clean(const char *head, char *out) {
    const char *drop[] = {"Connection:", "Keep-Alive:", "Proxy-Connection:", "Transfer-Encoding:", "Content-Length:", "Expect:", "TE:", "Trailer:", "Upgrade:"};
    size_t o = 0;
    const char *p = head;
    while (*p && strncmp(p, "\r\n", 2) != 0) {
        const char *e = strstr(p, "\r\n") + 2;
        int skip = 0;
        for (size_t i = 0; i < sizeof(drop) / sizeof(*drop); i++)
            if (strncasecmp(p, drop[i], strlen(drop[i])) == 0) skip = 1;
        if (!skip) { memcpy(out + o, p, e - p); o += e - p; }
        p = e;
    }
    out[o] = '\0';
    return o;
}

typedef struct { char *d; size_t n, cap; } Bytes;
static void put(Bytes *b, const char *p, size_t n) {
    if (b->n + n > b->cap) { b->cap = (b->n + n) * 2 + 1024; b->d = realloc(b->d, b->cap); }
    memcpy(b->d + b->n, p, n);
    b->n += n;
}
static int more(int s, Bytes *raw) {
    char tmp[16384];
    ssize_t k = recv(s, tmp, sizeof(tmp), 0);
    if (k <= 0) return -1;
    put(raw, tmp, k);
    return 0;
}
// lee un mensaje completo (cabecera + cuerpo ya sin chunked). -1 si se corta
static int read_message(int s, char *head, Bytes *body, int is_response, const char *method) {
    Bytes raw = {0};
    size_t hl = 0;
    char v[256];
    int ok = -1;
again:
    for (;;) {
        char *f = raw.n >= 4 ? memmem(raw.d, raw.n, "\r\n\r\n", 4) : NULL;
        if (f) { hl = f - raw.d + 4; break; }
        if (raw.n >= MAX_HEAD - 1) { free(raw.d); return -2; }
        if (more(s, &raw)) { free(raw.d); return raw.n ? -1 : -3; }
    }
    if (hl >= MAX_HEAD) { free(raw.d); return -2; }
    memcpy(head, raw.d, hl);
    head[hl] = '\0';
    memmove(raw.d, raw.d + hl, raw.n - hl);
    raw.n -= hl;
    if (is_response && strncmp(head + 8, " 1", 2) == 0) goto again;
    if (!is_response && header(head, "Expect", v, sizeof(v))) send_all(s, "HTTP/1.1 100 Continue\r\n\r\n", 25);
    if (is_response && (strcmp(method, "HEAD") == 0 || strncmp(head + 8, " 204", 4) == 0 || strncmp(head + 8, " 304", 4) == 0)) { free(raw.d); return 0; }
    if (header(head, "Transfer-Encoding", v, sizeof(v))) {
        size_t pos = 0;
        for (;;) {
            char *nl;
            while (pos >= raw.n || !(nl = memchr(raw.d + pos, '\n', raw.n - pos))) if (more(s, &raw)) goto out;
            size_t sz = strtoul(raw.d + pos, NULL, 16);
            pos = nl - raw.d + 1;
            while (raw.n < pos + sz + 2) if (more(s, &raw)) goto out;
            if (sz == 0) break;
            put(body, raw.d + pos, sz);
            pos += sz + 2;
        }
        ok = 0;
    } else if (header(head, "Content-Length", v, sizeof(v))) {
        size_t want = strtoul(v, NULL, 10);
        while (raw.n < want) if (more(s, &raw)) goto out;
        put(body, raw.d ? raw.d : "", want);
        ok = 0;
    } else {
        if (is_response) while (more(s, &raw) == 0) ;
        if (is_response) put(body, raw.d ? raw.d : "", raw.n);
        ok = 0;
    }
out:
    free(raw.d);
    return ok;
}

static void cache_path(const char *key, char *out) {
    unsigned long long a = 5381, b = 0;
    for (const char *p = key; *p; p++) { a = a * 33 + (unsigned char)*p; b = b * 65599 + (unsigned char)*p; }
    sprintf(out, DIR_CACHE "/%016llx%016llx", a, b);
}
static double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}
static int cache_get(const char *key, Bytes *out) {
    char path[200], buf[8192];
    double born;
    size_t k;
    cache_path(key, path);
    FILE *f = fopen(path, "rb");
    if (!f) return 0;
    if (fread(&born, sizeof(born), 1, f) != 1 || now_s() - born >= ttl) { fclose(f); return 0; }
    while ((k = fread(buf, 1, sizeof(buf), f)) > 0) put(out, buf, k);
    fclose(f);
    return out->n > 0;
}
static void cache_put(const char *key, const Bytes *b) {
    char path[200], tmp[260];
    double t = now_s();
    cache_path(key, path);
    mkdir(DIR_CACHE, 0777);
    sprintf(tmp, "%s.%lx", path, (unsigned long)pthread_self());
    FILE *f = fopen(tmp, "wb");
    if (!f) return;
    fwrite(&t, sizeof(t), 1, f);
    fwrite(b->d, 1, b->n, f);
    if (fclose(f) == 0) rename(tmp, path);
}

static int dial(const Backend *b) {
    char pt[12];
    struct addrinfo hints = {0}, *res;
    sprintf(pt, "%d", b->port);
    hints.ai_family = AF_INET;
    hints.ai_socktype = SOCK_STREAM;
    if (getaddrinfo(b->ip, pt, &hints, &res)) return -1;
    int s = socket(AF_INET, SOCK_STREAM, 0);
    int r = connect(s, res->ai_addr, res->ai_addrlen);
    freeaddrinfo(res);
    if (r < 0) { close(s); return -1; }
    return s;
}

static void fail(int c, int code, const char *text, const char *req) {
    char m[400];
    sprintf(m, "HTTP/1.1 %d %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", code, text);
    write_log(req, code, 0, "balanceador");
    send_all(c, m, strlen(m));
}

static void *client_thread(void *arg) {
    int c = (int)(long)arg, status = 0, r;
    char *head = malloc(MAX_HEAD), *rhead = malloc(MAX_HEAD), *out = malloc(MAX_HEAD + 512), *req = malloc(MAX_HEAD);
    char *url = malloc(MAX_HEAD), *key = malloc(MAX_HEAD * 2), method[16], v[512], name[128] = "cache";
    Bytes body = {0}, rbody = {0}, full = {0};
    struct timeval tv = {30, 0};
    setsockopt(c, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
    r = read_message(c, head, &body, 0, "");
    if (r == -3) goto end;
    if (r < 0) { fail(c, r == -2 ? 431 : 400, "Bad Request", "?"); goto end; }
    if (strlen(head) < 10 || sscanf(head, "%15s %s HTTP/1.", method, url) != 2) { fail(c, 400, "Bad Request", "?"); goto end; }
    strcpy(req, head);
    *strstr(req, "\r\n") = '\0';
    header(head, "Host", v, sizeof(v));
    sprintf(key, "%s %s%s", method, v, url);
    int can = strcmp(method, "GET") == 0 && body.n == 0 && !header(head, "Authorization", v, sizeof(v)) && !header(head, "Range", v, sizeof(v)) &&
              !header(head, "If-None-Match", v, sizeof(v)) && !header(head, "If-Modified-Since", v, sizeof(v));
    if (can && cache_get(key, &full)) {
        write_log(req, atoi(full.d + 9), full.n, "cache");
        send_all(c, full.d, full.n);
        goto end;
    }
    size_t n = clean(head, out);
    if (header(head, "Content-Length", v, sizeof(v)) || header(head, "Transfer-Encoding", v, sizeof(v))) n += sprintf(out + n, "Content-Length: %zu\r\n", body.n);
    n += sprintf(out + n, "Connection: close\r\n\r\n");
    pthread_mutex_lock(&lock);
    int first = next_b;
    next_b = (next_b + 1) % n_backends;
    pthread_mutex_unlock(&lock);
    int done = 0;
    for (int i = 0; i < n_backends && !done; i++) {
        Backend *b = &backends[(first + i) % n_backends];
        int s = dial(b);
        if (s < 0) continue;
        sprintf(name, "%s:%d", b->ip, b->port);
        if (send_all(s, out, n) == 0 && send_all(s, body.d ? body.d : "", body.n) == 0 && read_message(s, rhead, &rbody, 1, method) == 0 && strlen(rhead) > 12) done = 1;
        close(s);
        if (!done && strcmp(method, "GET") != 0) break;
        if (!done) rbody.n = 0;
    }
    if (!done) { fail(c, 502, "Bad Gateway", req); goto end; }
    status = atoi(rhead + 9);
    n = clean(rhead, out);
    if (strcmp(method, "HEAD") == 0 || status == 304) { if (header(rhead, "Content-Length", v, sizeof(v))) n += sprintf(out + n, "Content-Length: %s\r\n", v); }
    else if (status != 204) n += sprintf(out + n, "Content-Length: %zu\r\n", rbody.n);
    n += sprintf(out + n, "Connection: close\r\n\r\n");
    put(&full, out, n);
    put(&full, rbody.d ? rbody.d : "", rbody.n);
    header(rhead, "Cache-Control", v, sizeof(v));
    if (can && status == 200 && !strstr(v, "no-store") && !strstr(v, "private") && !strstr(v, "no-cache") && !header(rhead, "Set-Cookie", v, sizeof(v)) && !header(rhead, "Vary", v, sizeof(v)))
        cache_put(key, &full);
    write_log(req, status, rbody.n, name);
    send_all(c, full.d, full.n);
end:
    shutdown(c, SHUT_WR);
    close(c);
    free(head); free(rhead); free(out); free(req); free(url); free(key); free(body.d); free(rbody.d); free(full.d);
    return NULL;
}

int main(void) {
    struct sockaddr_in addr = {0};
    load_config();
    if (getenv("CACHE_TTL")) ttl = atof(getenv("CACHE_TTL"));   // segundos
    signal(SIGPIPE, SIG_IGN);
    int s = socket(AF_INET, SOCK_STREAM, 0);
    addr.sin_family = AF_INET;
    addr.sin_addr.s_addr = INADDR_ANY;
    addr.sin_port = htons(port);
    if (bind(s, (struct sockaddr *)&addr, sizeof(addr)) < 0) { perror("bind"); exit(1); }
    if (listen(s, COLA) < 0) { perror("listen"); exit(1); }
    printf("Balanceador listo en %d (ttl %.1f s)\n", port, ttl);
    fflush(stdout);
    while (1) {
        pthread_t t;
        int c = accept(s, NULL, NULL);
        if (c < 0) continue;
        usleep(20000);              // respiro para no saturar la instancia t2.micro
        if (pthread_create(&t, NULL, client_thread, (void *)(long)c) != 0) { close(c); continue; }
        pthread_detach(t);
    }
}
