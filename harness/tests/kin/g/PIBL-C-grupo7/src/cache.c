/* cache/<host>/<huella>.pib
 * formato: PIB1 tiempo largo_destino largo_cab largo_cuerpo\n destino cab cuerpo */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ctype.h>
#include <stdint.h>
#include <unistd.h>
#include <sys/stat.h>
#include <sys/time.h>
#include "pibl.h"

static double ttl;
static unsigned serie;

static double ahora(void) {
    struct timeval t;
    gettimeofday(&t, NULL);
    return t.tv_sec + t.tv_usec / 1e6;
}

void cache_iniciar(double t) { ttl = t; mkdir("cache", 0755); }

static void ruta(const char *host, const char *destino, char *dir, char *arch) {
    char h[80];
    int i = 0;
    for (; host[i] && i < 64; i++) {
        unsigned char c = tolower((unsigned char)host[i]);
        h[i] = isalnum(c) || c == '-' || (c == '.' && i) ? c : '_';
    }
    h[i] = 0;
    uint64_t x = 1469598103934665603ULL, y = 88172645463325252ULL;
    for (const unsigned char *p = (const unsigned char *)destino; *p; p++) {
        x = (x ^ *p) * 1099511628211ULL;
        y = y * 6364136223846793005ULL + *p + 1;
    }
    sprintf(dir, "cache/%s", i ? h : "sin_host");
    sprintf(arch, "%s/%016llx%016llx.pib", dir, (unsigned long long)x, (unsigned long long)y);
}

static int leer_n(FILE *f, Buf *b, size_t n) {
    char m[65536];
    while (n) {
        size_t k = fread(m, 1, n < sizeof m ? n : sizeof m, f);
        if (!k) return -1;
        buf_add(b, m, k);
        n -= k;
    }
    return 0;
}

int cache_buscar(const char *host, const char *destino, Buf *cab, Buf *cuerpo, long *edad) {
    char dir[160], arch[256];
    ruta(host, destino, dir, arch);
    FILE *f = fopen(arch, "rb");
    if (!f) return 0;
    double t;
    unsigned long nd, nc, nb;
    char linea[160];
    int bien = 0;
    Buf d = {0};
    if (fgets(linea, sizeof linea, f) && sscanf(linea, "PIB1 %lf %lu %lu %lu", &t, &nd, &nc, &nb) == 4) {
        double e = ahora() - t;
        if (e > -1 && e < ttl && !leer_n(f, &d, nd) && d.n == strlen(destino) && !memcmp(d.p, destino, d.n)
            && !leer_n(f, cab, nc) && !leer_n(f, cuerpo, nb)) {
            bien = 1;
            *edad = e > 0 ? (long)e : 0;
        }
    }
    fclose(f);
    buf_free(&d);
    if (!bien) { buf_free(cab); buf_free(cuerpo); }
    return bien;
}

void cache_guardar(const char *host, const char *destino, const Buf *cab, const Buf *cuerpo) {
    char dir[160], arch[256], tmp[300];
    ruta(host, destino, dir, arch);
    mkdir(dir, 0755);
    sprintf(tmp, "%s.%d.%u.tmp", arch, (int)getpid(), __sync_fetch_and_add(&serie, 1));
    FILE *f = fopen(tmp, "wb");
    if (!f) return;
    fprintf(f, "PIB1 %.6f %zu %zu %zu\n", ahora(), strlen(destino), cab->n, cuerpo->n);
    fwrite(destino, 1, strlen(destino), f);
    fwrite(cab->p ? cab->p : "", 1, cab->n, f);
    fwrite(cuerpo->p ? cuerpo->p : "", 1, cuerpo->n, f);
    int mal = ferror(f);
    if (fclose(f) || mal || rename(tmp, arch)) unlink(tmp);
}
