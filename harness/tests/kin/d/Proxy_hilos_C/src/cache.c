#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/stat.h>
#include <pthread.h>
#include "proxy.h"

/* el nombre del archivo son dos hash djb2/fnv pegados, adentro va la fecha y la url */
static void ruta(const char *url, char *o) {
    unsigned long long h = 5381, g = 1469598103934665603ULL;
    const unsigned char *p;
    for (p = (const unsigned char *)url; *p; p++) { h = h * 33 + *p; g = (g ^ *p) * 1099511628211ULL; }
    sprintf(o, "cache/%016llx%016llx", h, g);
}

void cache_init(void) { mkdir("cache", 0755); }

/* devuelve largo o -1 */
long cache_leer(const char *url, char **datos) {
    char r[128], u[16384];
    long nac, n;
    ruta(url, r);
    FILE *f = fopen(r, "rb");
    if (!f) return -1;
    if (fscanf(f, "%ld %ld %16383s", &nac, &n, u) != 3 || fgetc(f) != '\n' || strcmp(u, url)) { fclose(f); return -1; }
    if (time(NULL) - nac >= ttl_cache) { fclose(f); unlink(r); return -1; }
    *datos = malloc(n + 1);
    if ((long)fread(*datos, 1, n, f) != n) { fclose(f); free(*datos); return -1; }
    fclose(f);
    return n;
}

void cache_guardar(const char *url, const char *d, long n) {
    char r[128], t[200];
    if (strlen(url) > 16000) return;
    ruta(url, r);
    sprintf(t, "%s.%lu", r, (unsigned long)pthread_self());
    FILE *f = fopen(t, "wb");
    if (!f) { perror("cache"); return; }
    fprintf(f, "%ld %ld %s\n", (long)time(NULL), n, url);
    fwrite(d, 1, n, f);
    fclose(f);
    rename(t, r);
}
