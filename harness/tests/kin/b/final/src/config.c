#include "pibl.h"
#include <string.h>
#include <stdlib.h>
#include <ctype.h>

static char *recortar(char *s) {
    while (isspace((unsigned char)*s)) s++;
    char *f = s + strlen(s);
    while (f > s && isspace((unsigned char)f[-1])) *--f = 0;
    return s;
}

int leer_config(const char *ruta, Config *c) {
    FILE *f = fopen(ruta, "r");
    char linea[512];
    int num = 0;
    if (!f) { perror(ruta); return -1; }
    c->puerto = 8080;
    c->n = 0;
    while (fgets(linea, sizeof linea, f)) {
        num++;
        char *g = strchr(linea, '#');
        if (g) *g = 0;
        char *s = recortar(linea);
        if (!*s) continue;
        char *ig = strchr(s, '=');
        if (!ig) { fprintf(stderr, "%s:%d: falta '='\n", ruta, num); fclose(f); return -1; }
        *ig = 0;
        char *k = recortar(s), *v = recortar(ig + 1);
        if (!strcmp(k, "puerto")) {
            c->puerto = atoi(v);
            if (c->puerto < 1 || c->puerto > 65535) {
                fprintf(stderr, "%s:%d: puerto malo: %s\n", ruta, num, v); fclose(f); return -1;
            }
        } else if (!strcmp(k, "backend")) {
            char *dp = strrchr(v, ':');
            if (!dp || c->n == MAX_BACKENDS || strlen(v) > 120) {
                fprintf(stderr, "%s:%d: backend malo: %s\n", ruta, num, v); fclose(f); return -1;
            }
            *dp = 0;
            snprintf(c->host[c->n], sizeof c->host[0], "%s", v);
            snprintf(c->port[c->n], sizeof c->port[0], "%.7s", dp + 1);
            c->n++;
        } else fprintf(stderr, "%s:%d: no conozco '%s', sigo\n", ruta, num, k);
    }
    fclose(f);
    if (!c->n) { fprintf(stderr, "%s: no hay ningun backend\n", ruta); return -1; }
    return 0;
}
