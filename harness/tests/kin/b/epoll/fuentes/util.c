#include "comun.h"
#include <string.h>
#include <strings.h>
#include <stdlib.h>

struct config CFG = { .puerto = 8080, .ttl = 60 };
static FILE *flog;

/* [proxy]
 * port=8080
 * backends=ip:puerto ip:puerto ip:puerto */
int leer_cfg(const char *archivo) {
    FILE *f = fopen(archivo, "r");
    char l[1024];
    if (!f) { perror(archivo); return -1; }
    while (fgets(l, sizeof l, f)) {
        if (!strncmp(l, "port=", 5)) CFG.puerto = atoi(l + 5);
        else if (!strncmp(l, "backends=", 9)) {
            for (char *t = strtok(l + 9, " \t\r\n"); t && CFG.n < MAX_BACK; t = strtok(NULL, " \t\r\n"))
                if (sscanf(t, "%63[^:]:%d", CFG.ip[CFG.n], &CFG.port[CFG.n]) == 2) CFG.n++;
        }
    }
    fclose(f);
    if (CFG.n == 0 || CFG.puerto <= 0) { fprintf(stderr, "%s: configuracion incompleta\n", archivo); return -1; }
    return 0;
}
void log_abrir(const char *nombre) {
    flog = fopen(nombre, "a");
    if (!flog) { perror(nombre); exit(1); }
    setvbuf(flog, NULL, _IOLBF, 0);
    setvbuf(stdout, NULL, _IOLBF, 0);
}
void log_linea(const char *pet, int estado, long long bytes, const char *de) {
    char h[40];
    time_t t = time(NULL);
    strftime(h, sizeof h, "%FT%T", localtime(&t));
    printf("%s \"%s\" %d %lld %s\n", h, pet, estado, bytes, de);
    fprintf(flog, "%s \"%s\" %d %lld %s\n", h, pet, estado, bytes, de);
}
const char *hdr(const char *head, const char *nombre, char *out, size_t max) {
    size_t n = strlen(nombre);
    for (const char *p = strchr(head, '\n'); p && *++p && *p != '\r'; p = strchr(p, '\n'))
        if (!strncasecmp(p, nombre, n) && p[n] == ':') {
            p += n + 1;
            p += strspn(p, " \t");
            size_t k = strcspn(p, "\r\n");
            if (k >= max) k = max - 1;
            memcpy(out, p, k);
            out[k] = 0;
            return out;
        }
    return NULL;
}
