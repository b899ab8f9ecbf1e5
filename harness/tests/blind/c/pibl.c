/*
 * PIBL - Proxy Inverso + Balanceador de Carga
 * Proyecto 1 - Telematica
 *
 * Uso: ./pibl <ttl_segundos> [archivo_config]
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <time.h>
#include <signal.h>
#include <errno.h>
#include <pthread.h>
#include <netdb.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>

#define MAX_BACKENDS 16
#define BUF_SIZE     8192
#define MAX_REQ      65536
#define CACHE_DIR    "cache"
#define LOG_FILE     "pibl.log"

typedef struct {
    char host[256];
    char port[16];
} backend_t;

typedef struct {
    int  fd;
    char ip[64];
} client_t;

/* ---------- variables globales ---------- */
static backend_t backends[MAX_BACKENDS];
static int num_backends = 0;
static int listen_port = 8080;
static int ttl = 60;

static int rr_next = 0;
static pthread_mutex_t rr_lock = PTHREAD_MUTEX_INITIALIZER;

static FILE *log_fp = NULL;
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t cache_lock = PTHREAD_MUTEX_INITIALIZER;

/* ---------- log ---------- */

/* Escribe la peticion y la respuesta en pantalla y en el archivo */
static void log_request(const char *ip, const char *req_line,
                        const char *resp_line, const char *origin)
{
    char date[64];
    time_t now = time(NULL);
    struct tm tm;

    localtime_r(&now, &tm);
    strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S", &tm);

    pthread_mutex_lock(&log_lock);
    printf("[%s] %s | Peticion: %s | Respuesta: %s | Origen: %s\n",
           date, ip, req_line, resp_line, origin);
    fflush(stdout);
    if (log_fp != NULL) {
        fprintf(log_fp, "[%s] %s | Peticion: %s | Respuesta: %s | Origen: %s\n",
                date, ip, req_line, resp_line, origin);
        fflush(log_fp);
    }
    pthread_mutex_unlock(&log_lock);
}

/* Copia la primera linea de un mensaje HTTP */
static void first_line(const char *msg, char *out, int size)
{
    int i = 0;
    while (msg[i] != '\0' && msg[i] != '\r' && msg[i] != '\n' && i < size - 1) {
        out[i] = msg[i];
        i++;
    }
    out[i] = '\0';
}

/* ---------- configuracion ---------- */

static int load_config(const char *path)
{
    char line[512];
    FILE *fp = fopen(path, "r");

    if (fp == NULL) {
        perror("No se pudo abrir el archivo de configuracion");
        return -1;
    }

    while (fgets(line, sizeof(line), fp) != NULL) {
        line[strcspn(line, "\r\n")] = '\0';
        if (line[0] == '#' || line[0] == '\0')
            continue;

        char *eq = strchr(line, '=');
        if (eq == NULL)
            continue;
        *eq = '\0';
        char *value = eq + 1;

        if (strcmp(line, "port") == 0) {
            listen_port = atoi(value);
        } else if (strcmp(line, "backend") == 0) {
            if (num_backends >= MAX_BACKENDS) {
                fprintf(stderr, "Demasiados backends, se ignora %s\n", value);
                continue;
            }
            backend_t *b = &backends[num_backends];
            char *colon = strchr(value, ':');
            if (colon != NULL) {
                *colon = '\0';
                snprintf(b->port, sizeof(b->port), "%s", colon + 1);
            } else {
                strcpy(b->port, "80");
            }
            snprintf(b->host, sizeof(b->host), "%s", value);
            num_backends++;
        }
    }
    fclose(fp);

    if (num_backends == 0) {
        fprintf(stderr, "No hay backends en la configuracion\n");
        return -1;
    }
    return 0;
}

/* ---------- utilidades de sockets ---------- */

static int send_all(int fd, const char *buf, size_t len)
{
    size_t sent = 0;
    while (sent < len) {
        ssize_t n = send(fd, buf + sent, len - sent, 0);
        if (n <= 0)
            return -1;
        sent += n;
    }
    return 0;
}

static int connect_backend(backend_t *b)
{
    struct addrinfo hints, *res, *p;
    int fd = -1;

    memset(&hints, 0, sizeof(hints));
    hints.ai_family = AF_INET;
    hints.ai_socktype = SOCK_STREAM;

    if (getaddrinfo(b->host, b->port, &hints, &res) != 0)
        return -1;

    for (p = res; p != NULL; p = p->ai_next) {
        fd = socket(p->ai_family, p->ai_socktype, p->ai_protocol);
        if (fd < 0)
            continue;
        if (connect(fd, p->ai_addr, p->ai_addrlen) == 0)
            break;
        close(fd);
        fd = -1;
    }
    freeaddrinfo(res);
    return fd;
}

/* Round Robin: devuelve el indice del siguiente servidor */
static int next_backend(void)
{
    int i;
    pthread_mutex_lock(&rr_lock);
    i = rr_next;
    rr_next = (rr_next + 1) % num_backends;
    pthread_mutex_unlock(&rr_lock);
    return i;
}

static void send_error(int fd, const char *status)
{
    char body[256], msg[512];
    snprintf(body, sizeof(body), "<html><body><h1>%s</h1></body></html>\n", status);
    snprintf(msg, sizeof(msg),
             "HTTP/1.1 %s\r\nContent-Type: text/html\r\n"
             "Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
             status, strlen(body), body);
    send_all(fd, msg, strlen(msg));
}

/* ---------- cache ---------- */

/* Convierte la URL en un nombre de archivo dentro de cache/ */
static void cache_path(const char *url, char *out, int size)
{
    int i;
    snprintf(out, size, "%s/%s", CACHE_DIR, url);
    for (i = strlen(CACHE_DIR) + 1; out[i] != '\0'; i++) {
        if (out[i] == '/' || out[i] == '?' || out[i] == '&' || out[i] == ':')
            out[i] = '_';
    }
}

/* Si el recurso esta en cache y no ha expirado lo envia al cliente.
 * Devuelve 1 si se respondio desde el cache, 0 si no. */
static int serve_from_cache(int fd, const char *path, char *status, int status_size)
{
    struct stat st;
    char buf[BUF_SIZE + 1];
    size_t n;
    int first = 1;

    pthread_mutex_lock(&cache_lock);
    if (stat(path, &st) != 0) {
        pthread_mutex_unlock(&cache_lock);
        return 0;
    }
    if (time(NULL) - st.st_mtime > ttl) {
        unlink(path);           /* ya expiro */
        pthread_mutex_unlock(&cache_lock);
        return 0;
    }
    FILE *fp = fopen(path, "rb");
    pthread_mutex_unlock(&cache_lock);
    if (fp == NULL)
        return 0;

    while ((n = fread(buf, 1, BUF_SIZE, fp)) > 0) {
        if (first) {
            buf[n] = '\0';
            first_line(buf, status, status_size);
            first = 0;
        }
        if (send_all(fd, buf, n) < 0)
            break;
    }
    fclose(fp);
    return 1;
}

/* ---------- manejo de la peticion ---------- */

/* Busca el valor de Content-Length en los encabezados */
static long get_content_length(const char *headers)
{
    const char *p = strcasestr(headers, "\r\nContent-Length:");
    if (p == NULL)
        return 0;
    return atol(p + strlen("\r\nContent-Length:"));
}

/* Lee la peticion hasta el final de los encabezados.
 * Devuelve los bytes leidos y en header_len el tamano de los encabezados */
static int read_request(int fd, char *req, int size, int *header_len)
{
    int total = 0;

    while (total < size - 1) {
        ssize_t n = recv(fd, req + total, size - 1 - total, 0);
        if (n <= 0)
            return -1;
        total += n;
        req[total] = '\0';
        char *end = strstr(req, "\r\n\r\n");
        if (end != NULL) {
            *header_len = (end - req) + 4;
            return total;
        }
    }
    return -1;
}

/* Copia los encabezados cambiando Connection por "close", para que el
 * servidor cierre la conexion al terminar y sepamos donde acaba la respuesta */
static int build_request(const char *req, int header_len, const char *ip,
                         char *out, int size)
{
    int len = 0;
    const char *p = req;
    const char *end = req + header_len - 2;   /* sin la linea vacia */

    while (p < end) {
        const char *eol = strstr(p, "\r\n");
        int line_len = (eol - p) + 2;

        if (strncasecmp(p, "Connection:", 11) != 0 &&
            strncasecmp(p, "Proxy-Connection:", 17) != 0 &&
            strncasecmp(p, "Expect:", 7) != 0) {
            if (len + line_len >= size - 256)
                return -1;
            memcpy(out + len, p, line_len);
            len += line_len;
        }
        p += line_len;
    }
    len += snprintf(out + len, size - len,
                    "X-Forwarded-For: %s\r\nConnection: close\r\n\r\n", ip);
    return len;
}

static void handle_request(client_t *c)
{
    char *req = malloc(MAX_REQ);
    char *out = malloc(MAX_REQ + 512);
    char buf[BUF_SIZE + 1];
    char method[16], url[2048], version[16];
    char req_line[2200], status[256], origin[300];
    char path[2200], tmp_path[2300];
    int header_len = 0, total, out_len, i;
    int server = -1;
    FILE *cache_fp = NULL;

    if (req == NULL || out == NULL)
        goto end;

    total = read_request(c->fd, req, MAX_REQ, &header_len);
    if (total < 0)
        goto end;

    first_line(req, req_line, sizeof(req_line));
    if (sscanf(req_line, "%15s %2047s %15s", method, url, version) != 3) {
        send_error(c->fd, "400 Bad Request");
        log_request(c->ip, req_line, "HTTP/1.1 400 Bad Request", "PIBL");
        goto end;
    }

    int is_get = (strcmp(method, "GET") == 0);
    cache_path(url, path, sizeof(path));

    /* 1. mirar si esta en el cache */
    if (is_get) {
        status[0] = '\0';
        if (serve_from_cache(c->fd, path, status, sizeof(status))) {
            log_request(c->ip, req_line, status, "CACHE");
            goto end;
        }
    }

    /* 2. escoger servidor con round robin, si uno esta caido se prueba el otro */
    int idx = 0;
    for (i = 0; i < num_backends; i++) {
        idx = next_backend();
        server = connect_backend(&backends[idx]);
        if (server >= 0)
            break;
        fprintf(stderr, "Backend %s:%s no responde\n",
                backends[idx].host, backends[idx].port);
    }
    if (server < 0) {
        send_error(c->fd, "502 Bad Gateway");
        log_request(c->ip, req_line, "HTTP/1.1 502 Bad Gateway", "PIBL");
        goto end;
    }
    snprintf(origin, sizeof(origin), "%s:%s", backends[idx].host, backends[idx].port);

    /* 3. enviar la peticion al servidor */
    out_len = build_request(req, header_len, c->ip, out, MAX_REQ + 512);
    if (out_len < 0) {
        send_error(c->fd, "400 Bad Request");
        log_request(c->ip, req_line, "HTTP/1.1 400 Bad Request", "PIBL");
        goto end;
    }
    if (strcasestr(out, "Expect: 100-continue") == NULL &&
        strcasestr(req, "Expect: 100-continue") != NULL) {
        /* curl espera esto antes de enviar cuerpos grandes */
        const char *cont = "HTTP/1.1 100 Continue\r\n\r\n";
        send_all(c->fd, cont, strlen(cont));
    }
    if (send_all(server, out, out_len) < 0) {
        send_error(c->fd, "502 Bad Gateway");
        log_request(c->ip, req_line, "HTTP/1.1 502 Bad Gateway", origin);
        goto end;
    }

    /* cuerpo de la peticion (POST, PUT) */
    long body_left = get_content_length(req);
    int extra = total - header_len;
    if (extra > 0) {
        send_all(server, req + header_len, extra);
        body_left -= extra;
    }
    while (body_left > 0) {
        ssize_t n = recv(c->fd, buf, body_left < BUF_SIZE ? body_left : BUF_SIZE, 0);
        if (n <= 0)
            break;
        if (send_all(server, buf, n) < 0)
            break;
        body_left -= n;
    }

    /* 4. recibir la respuesta, enviarla al cliente y guardarla en el cache */
    int first = 1;
    ssize_t n;
    strcpy(status, "(sin respuesta)");
    while ((n = recv(server, buf, BUF_SIZE, 0)) > 0) {
        if (first) {
            int code = 0;
            buf[n] = '\0';
            first_line(buf, status, sizeof(status));
            sscanf(status, "HTTP/%*s %d", &code);
            if (is_get && code == 200) {
                /* se escribe en un temporal y al final se renombra */
                snprintf(tmp_path, sizeof(tmp_path), "%s.%lu.tmp", path,
                         (unsigned long)pthread_self());
                cache_fp = fopen(tmp_path, "wb");
            }
            first = 0;
        }
        if (cache_fp != NULL)
            fwrite(buf, 1, n, cache_fp);
        if (send_all(c->fd, buf, n) < 0) {
            /* el cliente se fue, no guardar a medias */
            if (cache_fp != NULL) {
                fclose(cache_fp);
                unlink(tmp_path);
                cache_fp = NULL;
            }
            break;
        }
    }
    if (first)
        send_error(c->fd, "502 Bad Gateway");

    if (cache_fp != NULL) {
        fclose(cache_fp);
        pthread_mutex_lock(&cache_lock);
        rename(tmp_path, path);
        pthread_mutex_unlock(&cache_lock);
    }
    log_request(c->ip, req_line, status, origin);

end:
    if (server >= 0)
        close(server);
    free(req);
    free(out);
}

static void *client_thread(void *arg)
{
    client_t *c = arg;
    handle_request(c);
    close(c->fd);
    free(c);
    return NULL;
}

/* ---------- main ---------- */

int main(int argc, char *argv[])
{
    const char *config = "pibl.conf";
    struct sockaddr_in addr;
    int server_fd, opt = 1, i;

    if (argc < 2) {
        fprintf(stderr, "Uso: %s <ttl_segundos> [archivo_config]\n", argv[0]);
        return 1;
    }
    ttl = atoi(argv[1]);
    if (ttl < 0) {
        fprintf(stderr, "El TTL debe ser un numero positivo\n");
        return 1;
    }
    if (argc >= 3)
        config = argv[2];

    if (load_config(config) < 0)
        return 1;

    signal(SIGPIPE, SIG_IGN);   /* para que no se muera si el cliente cierra */

    mkdir(CACHE_DIR, 0755);
    log_fp = fopen(LOG_FILE, "a");
    if (log_fp == NULL)
        perror("No se pudo abrir el archivo de log");

    server_fd = socket(AF_INET, SOCK_STREAM, 0);
    if (server_fd < 0) {
        perror("socket");
        return 1;
    }
    setsockopt(server_fd, SOL_SOCKET, SO_REUSEADDR, &opt, sizeof(opt));

    memset(&addr, 0, sizeof(addr));
    addr.sin_family = AF_INET;
    addr.sin_addr.s_addr = INADDR_ANY;
    addr.sin_port = htons(listen_port);

    if (bind(server_fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
        perror("bind");
        return 1;
    }
    if (listen(server_fd, 100) < 0) {
        perror("listen");
        return 1;
    }

    printf("PIBL escuchando en el puerto %d, TTL = %d s\n", listen_port, ttl);
    for (i = 0; i < num_backends; i++)
        printf("  backend %d: %s:%s\n", i + 1, backends[i].host, backends[i].port);
    fflush(stdout);

    while (1) {
        struct sockaddr_in cli;
        socklen_t len = sizeof(cli);
        pthread_t tid;

        int fd = accept(server_fd, (struct sockaddr *)&cli, &len);
        if (fd < 0) {
            perror("accept");
            continue;
        }
        client_t *c = malloc(sizeof(client_t));
        if (c == NULL) {
            close(fd);
            continue;
        }
        c->fd = fd;
        inet_ntop(AF_INET, &cli.sin_addr, c->ip, sizeof(c->ip));

        if (pthread_create(&tid, NULL, client_thread, c) != 0) {
            perror("pthread_create");
            close(fd);
            free(c);
            continue;
        }
        pthread_detach(tid);
    }
    return 0;
}
