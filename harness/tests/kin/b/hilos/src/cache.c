#include "defs.h"
#include <sys/stat.h>
#include <sys/time.h>
#include <pthread.h>

/* cache/<inicial del host>/<hash>.bin
   los primeros 8 bytes: hora de guardado (ms) */
static void ruta(const char *llave, char *dir, char *r)
{
    unsigned long long h = 7, g = 0;
    for (const char *p = llave; *p; p++) { h = h * 1000003 ^ (unsigned char)*p; g = g * 257 + (unsigned char)*p; }
    sprintf(dir, "cache/%02llx", h >> 56);
    sprintf(r, "%s/%016llx%016llx.bin", dir, h, g);
}
static long long ms(void)
{
    struct timeval t;
    gettimeofday(&t, NULL);
    return t.tv_sec * 1000LL + t.tv_usec / 1000;
}
int cache_enviar(int cli, const char *llave, int *estado, int *n)
{
    char d[64], r[128], *b;
    long long t;
    struct stat st;
    ruta(llave, d, r);
    FILE *f = fopen(r, "rb");
    if (!f) return 0;
    if (fread(&t, 8, 1, f) != 1 || (ms() - t) / 60000.0 > ttl_minutos || fstat(fileno(f), &st)) { fclose(f); return 0; }
    b = calloc(1, st.st_size + 1);
    if (fread(b, 1, st.st_size - 8, f) < 12) { fclose(f); free(b); return 0; }
    fclose(f);
    *estado = atoi(b + 9);
    *n = strlen(b);
    enviar(cli, b, strlen(b));
    free(b);
    return 1;
}
void cache_meter(const char *llave, const char *resp, int n)
{
    char d[64], r[128], tmp[200];
    long long t = ms();
    ruta(llave, d, r);
    mkdir("cache", 0755);
    mkdir(d, 0755);
    sprintf(tmp, "%s.%lu", r, (unsigned long)pthread_self());
    FILE *f = fopen(tmp, "wb");
    if (!f) return;
    fwrite(&t, 8, 1, f);
    fwrite(resp, 1, n, f);
    if (!fclose(f)) rename(tmp, r);
}
