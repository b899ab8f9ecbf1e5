#include "defs.h"
#include <errno.h>
#include <pthread.h>
#include <ctype.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <netinet/in.h>
#include <arpa/inet.h>

int siguiente = 0;      /* a quien le toca */

int enviar(int s, const char *p, long n)
{
    while (n > 0) {
        long k = send(s, p, n, MSG_NOSIGNAL);
        if (k <= 0) return -1;
        p += k;
        n -= k;
    }
    return 0;
}
int valor(const char *cab, const char *nombre, char *v, int max)
{
    const char *p = cab;
    int n = strlen(nombre), i = 0;
    v[0] = 0;
    while ((p = strchr(p, '\n'))) {
        p++;
        if (*p == '\r') return 0;
        if (strncasecmp(p, nombre, n) == 0 && p[n] == ':') {
            p += n + 1;
            while (*p == ' ') p++;
            while (*p != '\r' && *p != '\n' && *p && i < max - 1) v[i++] = *p++;
            v[i] = 0;
            return 1;
        }
    }
    return 0;
}
int elegir_y_conectar(int *cual)
{
    int k, i = siguiente;
    for (k = 0; k < cuantos; k++) {
        struct sockaddr_in a;
        struct timeval t = { 8, 0 };
        int s = socket(AF_INET, SOCK_STREAM, 0);
        memset(&a, 0, sizeof a);
        a.sin_family = AF_INET;
        a.sin_port = htons(servs[i].port);
        a.sin_addr.s_addr = inet_addr(servs[i].host);
        setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
        setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t);
        if (connect(s, (struct sockaddr *)&a, sizeof a) == 0) {
            *cual = i;
            return s;
        }
        close(s);
        i = (i + 1) % cuantos;
    }
    return -1;
}
/* cuerpo chunked terminado? */
static int chunks_listos(const char *p, long n)
{
    long pos = 0;
    while (pos < n) {
        const char *nl = memchr(p + pos, '\n', n - pos);
        if (!nl) return 0;
        long k = strtol(p + pos, NULL, 16);
        pos = nl - p + 1 + k + 2;
        if (k == 0) return pos <= n;
    }
    return 0;
}
static int cuerpo_listo(const char *cab, const char *cuerpo, long n, int sin_largo)
{
    char v[100];
    if (valor(cab, "Transfer-Encoding", v, 100)) return chunks_listos(cuerpo, n);
    if (valor(cab, "Content-Length", v, 100)) return n >= atol(v);
    return sin_largo;
}
/* >0 bytes, 0 se fue, -1 demasiado grande */
long leer_peticion(int s, char **out, long *largo_cab)
{
    long cap = 16384, n = 0;
    char *b = malloc(cap), *f = NULL, v[64];
    *out = b;
    *largo_cab = 0;
    for (;;) {
        if (n + 1 >= cap) {
            if (cap >= TAM_PETICION) return -1;
            cap *= 2;
            *out = b = realloc(b, cap);
        }
        long k = recv(s, b + n, cap - n - 1, 0);
        if (k <= 0) return 0;
        n += k;
        b[n] = 0;
        if (!*largo_cab && (f = memmem(b, n, "\r\n\r\n", 4))) {
            *largo_cab = f - b + 4;
            if (valor(b, "Expect", v, 64)) enviar(s, "HTTP/1.1 100 Continue\r\n\r\n", 25);
        }
        if (*largo_cab && cuerpo_listo(b, b + *largo_cab, n - *largo_cab, 1)) return n;
    }
}
/* la respuesta queda en memoria fija, para no andar pidiendo memoria en cada peticion */
char *recibir_respuesta(int s, const char *metodo, int *total, int *completa)
{
    static char resp[TAM_RESPUESTA];
    int n = 0, hl = 0;
    *completa = 0;
    while (n < TAM_RESPUESTA - 1) {
        int k = recv(s, resp + n, TAM_RESPUESTA - 1 - n, 0);
        if (k < 0) break;
        if (k == 0) { char v[8]; *completa = hl > 0 && !valor(resp, "Content-Length", v, 8) && !valor(resp, "Transfer-Encoding", v, 8); break; }
        n += k;
        resp[n] = 0;
        while (!hl) {
            char *f = memmem(resp, n, "\r\n\r\n", 4);
            if (!f) break;
            hl = f - resp + 4;
            if (n > 12 && resp[9] == '1') { n -= hl; memmove(resp, resp + hl, n + 1); hl = 0; }
        }
        if (hl) {
            int e = atoi(resp + 9);
            if (!strcmp(metodo, "HEAD") || e == 204 || e == 304 || cuerpo_listo(resp, resp + hl, n - hl, 0)) { *completa = 1; break; }
        }
    }
    if (n >= TAM_RESPUESTA - 1) *completa = 1;
    *total = hl ? n : 0;
    return resp;
}
