/* La cache es un arbol de carpetas que imita la URL:
 *   http://host/fotos/a.png?x=1  ->  cache/host_d/fotos_d/a=2Epng=3Fx=3D1_f
 * (las carpetas terminan en _d y los archivos en _f para que /a y /a/b no choquen;
 *  los pedazos de mas de 120 se parten con _c)
 * Cada archivo: "PIBL1 vence_ms largo_llave largo_cabecera largo_cuerpo\n" llave cabecera cuerpo */
#include "comun.h"
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>

static int ruta(const char *llave, char *r, size_t tam)
{
    size_t u = snprintf(r, tam, "%s/", cfg.cache), pedazo = 0;
    for (const char *s = llave; *s; s++) {
        if (u + 12 > tam) return -1;
        if (*s == '/') { memcpy(r + u, "_d/", 3); u += 3; pedazo = 0; continue; }
        if (pedazo > 120) { memcpy(r + u, "_c/", 3); u += 3; pedazo = 0; }
        unsigned char c = *s;
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-')
            { r[u++] = c; pedazo++; }
        else
            { u += sprintf(r + u, "=%02X", c); pedazo += 3; }
    }
    memcpy(r + u, "_f", 3);
    return 0;
}

static void carpetas(char *r)
{
    for (char *p = r + 1; (p = strchr(p, '/')); p++) { *p = 0; mkdir(r, 0755); *p = '/'; }
}

static int encabezado(FILE *f, long long *vence, size_t *ll, size_t *lc, size_t *lb)
{
    char l[128];
    return fgets(l, sizeof l, f) && l[strlen(l) - 1] == '\n' &&
           sscanf(l, "PIBL1 %lld %zu %zu %zu", vence, ll, lc, lb) == 4;
}

static int traer(FILE *f, Buf *b, size_t n)
{
    char t[65536];
    while (n) {
        size_t k = fread(t, 1, n < sizeof t ? n : sizeof t, f);
        if (!k) return -1;
        buf_mas(b, t, k);
        n -= k;
    }
    return 0;
}

int cache_leer(const char *llave, Buf *cab, Buf *cuerpo)
{
    char r[4096];
    long long vence;
    size_t ll, lc, lb;
    Buf k = {0};
    int bien = 0;
    if (ruta(llave, r, sizeof r)) return 0;
    FILE *f = fopen(r, "rb");
    if (!f) return 0;
    if (encabezado(f, &vence, &ll, &lc, &lb) && ahora_ms() < vence && !traer(f, &k, ll) &&
        ll == strlen(llave) && !memcmp(k.p, llave, ll) && !traer(f, cab, lc) && !traer(f, cuerpo, lb))
        bien = 1;
    fclose(f);
    buf_libre(&k);
    if (!bien) { cab->n = 0; cuerpo->n = 0; }
    return bien;
}

void cache_guardar(const char *llave, long vida, const Buf *cab, const Buf *cuerpo)
{
    static unsigned serie;
    char r[4096], tmp[512];
    if (ruta(llave, r, sizeof r)) return;           /* URL larguisima: no se guarda */
    snprintf(tmp, sizeof tmp, "%s/.nuevo.%d.%u", cfg.cache, getpid(), __sync_add_and_fetch(&serie, 1));
    FILE *f = fopen(tmp, "wb");
    if (!f) { perror(tmp); return; }
    fprintf(f, "PIBL1 %lld %zu %zu %zu\n", ahora_ms() + vida, strlen(llave), cab->n, cuerpo->n);
    fputs(llave, f);
    fwrite(cab->p, 1, cab->n, f);
    if (cuerpo->n) fwrite(cuerpo->p, 1, cuerpo->n, f);
    int mal = ferror(f);
    mal |= fclose(f);
    carpetas(r);
    if (mal || rename(tmp, r)) unlink(tmp);
}

void cache_borrar(const char *llave)
{
    char r[4096];
    if (!ruta(llave, r, sizeof r)) unlink(r);
}

static int barrer_uno(const char *r, const struct stat *st, int tipo, struct FTW *x)
{
    long long vence; size_t a, b, c;
    (void)st; (void)x;
    if (tipo != FTW_F) return 0;
    size_t n = strlen(r);
    if (n < 2 || strcmp(r + n - 2, "_f")) return 0;
    FILE *f = fopen(r, "rb");
    if (!f) return 0;
    int viejo = !encabezado(f, &vence, &a, &b, &c) || ahora_ms() >= vence;
    fclose(f);
    if (viejo) unlink(r);
    return 0;
}

static void *barrendero(void *v)
{
    for (;;) { sleep(5); nftw(cfg.cache, barrer_uno, 16, FTW_PHYS); }
    return v;
}

void cache_iniciar(void)
{
    pthread_t t;
    char r[300];
    snprintf(r, sizeof r, "%s/x", cfg.cache);
    carpetas(r);
    snprintf(r, sizeof r, "rm -f '%s'/.nuevo.*", cfg.cache);   /* restos de una caida */
    if (system(r)) fprintf(stderr, "no se pudo limpiar\n");
    pthread_create(&t, NULL, barrendero, NULL);
}
