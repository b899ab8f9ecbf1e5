#include "pibl.h"
/* cache: un archivo por recurso, carpeta ./cache
 * primera linea del archivo: la hora en que se guardo
 * segunda linea: la llave. luego la respuesta HTTP completa */

void cache_iniciar(void) { mkdir("cache", 0755); }

static void nombre(const char *llave, char *out) {
    /* FNV de 64 bits */
    unsigned long long h = 1469598103934665603ULL;
    for (const unsigned char *p = (const unsigned char *)llave; *p; p++) { h ^= *p; h *= 1099511628211ULL; }
    sprintf(out, "cache/%016llx", h);
}

int cache_enviar(int fd, const char *llave, long *bytes, char *estado) {
    char n[64], *l = malloc(TAM_CAB + 64), *buf;
    nombre(llave, n);
    FILE *f = fopen(n, "r");
    if (!f) { free(l); return 0; }
    long hora = 0;
    if (!fgets(l, TAM_CAB, f)) goto no;
    hora = atol(l);
    if (time(NULL) - hora >= ttl) { unlink(n); goto no; }
    if (!fgets(l, TAM_CAB + 64, f)) goto no;
    l[strcspn(l, "\n")] = 0;
    if (strcmp(l, llave) != 0) goto no;
    buf = malloc(65536);
    size_t k; *bytes = 0; estado[0] = 0;
    while ((k = fread(buf, 1, 65536, f)) > 0) {
        if (*bytes == 0) snprintf(estado, 64, "%.*s", (int)strcspn(buf, "\r\n") < 60 ? (int)strcspn(buf, "\r\n") : 60, buf);
        *bytes += k;
        if (enviar_todo(fd, buf, k) < 0) break;
    }
    free(buf); free(l); fclose(f);
    return 1;
no:
    fclose(f); free(l);
    return 0;
}

FILE *cache_abrir(const char *llave, char *tmp) {
    sprintf(tmp, "cache/tmp.%lx", (unsigned long)pthread_self());
    FILE *f = fopen(tmp, "w");
    if (f) fprintf(f, "%ld\n%s\n", (long)time(NULL), llave);
    return f;
}

void cache_listo(FILE *f, const char *tmp, const char *llave, int bueno) {
    char n[64];
    nombre(llave, n);
    fclose(f);
    if (bueno) rename(tmp, n); else unlink(tmp);
}
