/* cache/<hash>: se guarda la respuesta tal como sale hacia el cliente */
#include "comun.h"
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void cache_ruta(conexion *c) {
    unsigned long long h = 1469598103934665603ULL, k = 0;
    const char *partes[2] = { c->host, c->url };
    for (int i = 0; i < 2; i++)
        for (const char *p = partes[i]; *p; p++) { h = (h ^ (unsigned char)*p) * 1099511628211ULL; k = k * 131 + (unsigned char)*p; }
    snprintf(c->ruta_cache, sizeof c->ruta_cache, "cache/%016llx%08llx", h, k & 0xffffffff);
}
/* 1 si hay copia vigente: la edad es la del archivo */
int cache_abrir(conexion *c) {
    struct stat st;
    struct timespec ya;
    cache_ruta(c);
    if (stat(c->ruta_cache, &st) || st.st_size == 0) return 0;
    clock_gettime(CLOCK_REALTIME, &ya);
    if ((ya.tv_sec - st.st_mtim.tv_sec) + (ya.tv_nsec - st.st_mtim.tv_nsec) / 1e9 > CFG.ttl) return 0;
    c->cache_in = fopen(c->ruta_cache, "rb");
    return c->cache_in != NULL;
}
void cache_escribir(conexion *c, const char *p, size_t n) {
    if (!c->guardable) return;
    if (!c->cache_out) {
        mkdir("cache", 0755);
        c->cache_out = fopen(c->ruta_cache, "wb");
        if (!c->cache_out) { c->guardable = 0; return; }
    }
    fwrite(p, 1, n, c->cache_out);
    fflush(c->cache_out);
}
void cache_fin(conexion *c) {
    if (c->cache_out) { fclose(c->cache_out); c->cache_out = NULL; }
}
