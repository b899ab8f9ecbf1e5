#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "pibl.h"

void leer_config(const char *archivo)
{
    char linea[512], k[64], v[256], w[64];
    int nl = 0;
    FILE *f = fopen(archivo, "r");
    if (!f) { perror(archivo); exit(1); }
    cfg.puerto = 8080;
    strcpy(cfg.dir_cache, "./cache_pibl");
    strcpy(cfg.archivo_log, "./pibl.log");
    while (fgets(linea, sizeof linea, f)) {
        nl++;
        char *p = linea + strspn(linea, " \t");
        if (*p == '#' || *p == '\n' || *p == '\r' || !*p) continue;
        int n = sscanf(p, "%63[a-z_] = %255s %63s", k, v, w);
        if (n < 2) { fprintf(stderr, "%s:%d: no entiendo: %s", archivo, nl, linea); exit(1); }
        if (!strcmp(k, "puerto")) {
            cfg.puerto = atoi(v);
            if (cfg.puerto < 1 || cfg.puerto > 65535) { fprintf(stderr, "%s:%d: puerto malo\n", archivo, nl); exit(1); }
        } else if (!strcmp(k, "servidor") && n == 3 && cfg.nserv < MAX_SERV) {
            snprintf(cfg.serv[cfg.nserv].host, 128, "%.127s", v);
            snprintf(cfg.serv[cfg.nserv].puerto, 8, "%.7s", w);
            cfg.nserv++;
        } else if (!strcmp(k, "directorio_cache")) snprintf(cfg.dir_cache, 256, "%.255s", v);
        else if (!strcmp(k, "archivo_log")) snprintf(cfg.archivo_log, 256, "%.255s", v);
        else { fprintf(stderr, "%s:%d: no entiendo: %s", archivo, nl, linea); exit(1); }
    }
    fclose(f);
    if (cfg.nserv == 0) { fprintf(stderr, "%s: falta al menos un servidor\n", archivo); exit(1); }
}
