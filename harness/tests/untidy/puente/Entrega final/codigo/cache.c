/* Cache en disco. Cada recurso en un archivo: <hash>.ent
 * primera linea: <milisegundos de creacion> <clave>\n   y despues la respuesta tal cual.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <fcntl.h>
#include <unistd.h>
#include <stdint.h>
#include <sys/stat.h>
#include "pibl.h"

static long long ahora_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static void ruta(const char *clave, char *dst, size_t tam)
{
    uint64_t h = 1469598103934665603ULL;          /* FNV-1a */
    for (const unsigned char *p = (const unsigned char *)clave; *p; p++) { h ^= *p; h *= 1099511628211ULL; }
    snprintf(dst, tam, "%s/%016llx.ent", cfg.dir_cache, (unsigned long long)h);
}

/* devuelve 1 y la respuesta en sal si hay una entrada vigente */
int cache_buscar(const char *clave, mem_t *sal)
{
    char r[400];
    struct stat st;
    ruta(clave, r, sizeof r);
    int fd = open(r, O_RDONLY);
    if (fd < 0) return 0;
    if (fstat(fd, &st) < 0) { close(fd); return 0; }
    char *p = malloc(st.st_size + 1);
    ssize_t n, tot = 0;
    while (tot < st.st_size && (n = read(fd, p + tot, st.st_size - tot)) > 0) tot += n;
    close(fd);
    p[tot] = 0;
    char *nl = memchr(p, '\n', tot), *esp;
    long long creado;
    if (!nl) { free(p); return 0; }
    *nl = 0;
    creado = strtoll(p, &esp, 10);
    if (*esp != ' ' || strcmp(esp + 1, clave) != 0 || ahora_ms() - creado >= cfg.ttl * 1000LL) { free(p); return 0; }
    mem_mas(sal, nl + 1, tot - (nl + 1 - p));
    free(p);
    return 1;
}

int cache_abrir(entrada_t *e, const char *clave)
{
    static int num = 0;
    ruta(clave, e->final_, sizeof e->final_);
    snprintf(e->tmp, sizeof e->tmp, "%s/tmp.%d.%d", cfg.dir_cache, (int)getpid(), __sync_fetch_and_add(&num, 1));
    e->fd = open(e->tmp, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (e->fd < 0) return 0;
    dprintf(e->fd, "%lld %s\n", ahora_ms(), clave);
    return 1;
}

void cache_cerrar(entrada_t *e, int completo)
{
    if (e->fd < 0) return;
    close(e->fd);
    e->fd = -1;
    if (!completo || rename(e->tmp, e->final_) < 0) unlink(e->tmp);
}
