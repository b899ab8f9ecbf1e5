#include "comun.h"
#include <sys/socket.h>

/* donde termina la cabecera (despues de la linea vacia) o -1 */
long fin_cabecera(const Buf *b)
{
    if (!b->n) return -1;
    char *p = memmem(b->p, b->n, "\r\n\r\n", 4);
    return p ? p - b->p + 4 : -1;
}

static const char *prox(const char *l) { l = strstr(l, "\r\n"); return l ? l + 2 : NULL; }

/* junta con comas todos los campos de ese nombre; devuelve cuantos habia */
int campo(const char *cab, const char *nombre, char *sale, size_t tam)
{
    size_t ln = strlen(nombre), u = 0;
    int k = 0;
    sale[0] = 0;
    for (const char *l = prox(cab); l && *l && *l != '\r'; l = prox(l)) {
        if (strncasecmp(l, nombre, ln) || l[ln] != ':') continue;
        const char *v = l + ln + 1, *f = strstr(v, "\r\n");
        while (*v == ' ' || *v == '\t') v++;
        size_t n = f ? (size_t)(f - v) : strlen(v);
        while (n && (v[n - 1] == ' ' || v[n - 1] == '\t')) n--;
        if (k++ && u + 1 < tam) sale[u++] = ',';
        if (u + n + 1 > tam) n = tam - u - 1;
        memcpy(sale + u, v, n);
        u += n;
        sale[u] = 0;
    }
    return k;
}

static int en_lista(char *lista, const char *ficha)
{
    char *r = NULL;
    for (char *t = strtok_r(lista, ",", &r); t; t = strtok_r(NULL, ",", &r)) {
        while (*t == ' ' || *t == '\t') t++;
        size_t n = strcspn(t, " \t=;");
        if (n == strlen(ficha) && !strncasecmp(t, ficha, n)) return 1;
    }
    return 0;
}

int campo_tiene(const char *cab, const char *nombre, const char *ficha)
{
    char v[2048];
    return campo(cab, nombre, v, sizeof v) ? en_lista(v, ficha) : 0;
}

void copiar_campos(Buf *sale, const char *cab, const char **menos)
{
    static const char *salto[] = { "Connection", "Keep-Alive", "Proxy-Connection", "TE", "Trailer",
        "Transfer-Encoding", "Upgrade", "Proxy-Authorization", "Proxy-Authenticate", NULL };
    for (const char *l = prox(cab); l && *l && *l != '\r'; l = prox(l)) {
        const char *f = strstr(l, "\r\n"), *dp = strchr(l, ':');
        char nom[256];
        if (!f || !dp || dp > f || (size_t)(dp - l) >= sizeof nom) continue;
        memcpy(nom, l, dp - l);
        nom[dp - l] = 0;
        int fuera = campo_tiene(cab, "Connection", nom);
        for (int i = 0; salto[i]; i++) fuera |= !strcasecmp(nom, salto[i]);
        for (int i = 0; menos && menos[i]; i++) fuera |= !strcasecmp(nom, menos[i]);
        if (!fuera) buf_mas(sale, l, f + 2 - l);
    }
}

/* >0 leidos, 0 se acabo, -1 error, -2 se vencio la espera */
int leer_mas(int fd, Buf *b)
{
    char t[32768];
    ssize_t n;
    do n = recv(fd, t, sizeof t, 0); while (n < 0 && errno == EINTR);
    if (n < 0) return (errno == EAGAIN || errno == EWOULDBLOCK) ? -2 : -1;
    buf_mas(b, t, n);
    return (int)n;
}

int cuerpo_fijo(int fd, Buf *ent, size_t desde, size_t largo, Buf *sale)
{
    while (ent->n - desde < largo) {
        int r = leer_mas(fd, ent);
        if (r <= 0) return r == -2 ? -2 : -1;
    }
    buf_mas(sale, ent->p + desde, largo);
    return 0;
}

static int linea(int fd, Buf *ent, size_t *pos, char *sale, size_t tam)
{
    for (;;) {
        char *f = ent->n > *pos ? memmem(ent->p + *pos, ent->n - *pos, "\r\n", 2) : NULL;
        if (f) {
            size_t n = f - (ent->p + *pos);
            if (n >= tam) return -1;
            memcpy(sale, ent->p + *pos, n);
            sale[n] = 0;
            *pos += n + 2;
            return (int)n;
        }
        if (ent->n - *pos > tam) return -1;
        int r = leer_mas(fd, ent);
        if (r <= 0) return r == -2 ? -2 : -1;
    }
}

int cuerpo_trozos(int fd, Buf *ent, size_t desde, Buf *sale)
{
    char l[8192], *fin;
    size_t pos = desde;
    for (;;) {
        int r = linea(fd, ent, &pos, l, sizeof l);
        if (r < 0) return r;
        unsigned long n = strtoul(l, &fin, 16);
        if (fin == l || n > (1UL << 32)) return -1;
        if (n == 0) break;
        while (ent->n - pos < n + 2) {
            r = leer_mas(fd, ent);
            if (r <= 0) return r == -2 ? -2 : -1;
        }
        buf_mas(sale, ent->p + pos, n);
        pos += n;
        if (memcmp(ent->p + pos, "\r\n", 2)) return -1;
        pos += 2;
    }
    for (;;) {                              /* trailers: se botan */
        int r = linea(fd, ent, &pos, l, sizeof l);
        if (r <= 0) return r;
    }
}

int enviar_todo(int fd, const void *d, size_t n)
{
    const char *p = d;
    while (n) {
        ssize_t k = send(fd, p, n, MSG_NOSIGNAL);
        if (k < 0 && errno == EINTR) continue;
        if (k <= 0) return -1;
        p += k; n -= k;
    }
    return 0;
}
