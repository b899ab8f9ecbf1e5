/* cache en disco: dir/ab/cdef....  una entrada por archivo
   PIBL1 <creado ms> <largo llave> <largo cabeza> <largo cuerpo>\n llave cabeza cuerpo */
#include "pibl.h"
#include <string.h>
#include <stdlib.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>
#include <sys/stat.h>
#include <stdatomic.h>

static char base[256] = "cache";
static long long ttl_ms;
static atomic_uint serie;

static long long ahora(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}
void cache_init(const char *dir, long ttl) {
    snprintf(base, sizeof base, "%s", dir);
    ttl_ms = ttl * 1000LL;
    mkdir(base, 0755);
}
static void ruta_de(const char *llave, char *carpeta, char *ruta, size_t max) {
    uint64_t h = 1469598103934665603ULL, g = 5381;
    for (const unsigned char *p = (const unsigned char *)llave; *p; p++) {
        h = (h ^ *p) * 1099511628211ULL;
        g = g * 33 + *p;
    }
    snprintf(carpeta, max, "%s/%02x", base, (unsigned)(h & 255));
    snprintf(ruta, max, "%s/%014llx%016llx.res", carpeta, (unsigned long long)(h >> 8), (unsigned long long)g);
}
int cache_buscar(const char *llave, Buf *cab, Buf *cuerpo) {
    char carpeta[400], ruta[400];
    ruta_de(llave, carpeta, ruta, sizeof ruta);
    FILE *f = fopen(ruta, "rb");
    if (!f) return 0;
    long long creado;
    unsigned long lk, lc, lb;
    int ok = fscanf(f, "PIBL1 %lld %lu %lu %lu", &creado, &lk, &lc, &lb) == 4 && fgetc(f) == '\n';
    if (ok && (lk != strlen(llave) || lc > MAX_CABECERA * 2UL)) ok = 0;
    if (ok && (ahora() - creado >= ttl_ms || creado > ahora() + 1000)) { unlink(ruta); ok = 0; }
    if (ok) {
        struct stat st;
        if (fstat(fileno(f), &st) || st.st_size != (long)(ftell(f) + lk + lc + lb)) ok = 0;
    }
    if (ok) {
        char *m = malloc(lk + lc + lb + 1);
        ok = m && fread(m, 1, lk + lc + lb, f) == lk + lc + lb && !memcmp(m, llave, lk);
        if (ok) { buf_add(cab, m + lk, lc); buf_add(cuerpo, m + lk + lc, lb); }
        free(m);
    }
    fclose(f);
    return ok;
}
void cache_guardar(const char *llave, Buf *cab, Buf *cuerpo) {
    char carpeta[400], ruta[400], tmp[500];
    ruta_de(llave, carpeta, ruta, sizeof ruta);
    mkdir(base, 0755);
    mkdir(carpeta, 0755);
    snprintf(tmp, sizeof tmp, "%s.%d.%u.tmp", ruta, (int)getpid(), atomic_fetch_add(&serie, 1));
    FILE *f = fopen(tmp, "wb");
    if (!f) { perror(tmp); return; }
    fprintf(f, "PIBL1 %lld %lu %lu %lu\n", ahora(), (unsigned long)strlen(llave), (unsigned long)cab->n, (unsigned long)cuerpo->n);
    fwrite(llave, 1, strlen(llave), f);
    fwrite(cab->p, 1, cab->n, f);
    if (cuerpo->n) fwrite(cuerpo->p, 1, cuerpo->n, f);
    int mal = ferror(f) || fflush(f) || fsync(fileno(f));
    if (fclose(f) || mal || rename(tmp, ruta)) { perror("cache"); unlink(tmp); }
}
