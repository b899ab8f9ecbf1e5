#include "comun.h"
Config cfg = { .puerto = 8080, .ttl_ms = 120000, .espera_ms = 8000,
               .registro = "accesos.csv", .cache = "cache" };

static void servidores(char *v)
{
    char *s, *resto = NULL;
    for (s = strtok_r(v, ", ", &resto); s; s = strtok_r(NULL, ", ", &resto)) {
        if (cfg.nserv == MAX_SERVIDORES) break;
        Servidor *x = &cfg.serv[cfg.nserv++];
        char *dp = strrchr(s, ':');
        if (dp) *dp++ = 0;
        snprintf(x->host, sizeof x->host, "%s", s);
        snprintf(x->puerto, sizeof x->puerto, "%s", dp ? dp : "80");
    }
}

void leer_config(const char *archivo)
{
    char l[4096];
    FILE *f = fopen(archivo, "r");
    if (!f) { fprintf(stderr, "no se pudo abrir %s: %s\n", archivo, strerror(errno)); exit(2); }
    while (fgets(l, sizeof l, f)) {
        l[strcspn(l, "\r\n")] = 0;
        char *ig = strchr(l, '=');
        if (l[0] == '#' || l[0] == 0) continue;
        if (!ig) { fprintf(stderr, "linea mala en %s: %s\n", archivo, l); exit(2); }
        *ig++ = 0;
        if      (!strcmp(l, "PUERTO"))        cfg.puerto = atoi(ig);
        else if (!strcmp(l, "TTL_MS"))        cfg.ttl_ms = atol(ig);
        else if (!strcmp(l, "ESPERA_MS"))     cfg.espera_ms = atol(ig);
        else if (!strcmp(l, "REGISTRO"))      snprintf(cfg.registro, sizeof cfg.registro, "%s", ig);
        else if (!strcmp(l, "CARPETA_CACHE")) snprintf(cfg.cache, sizeof cfg.cache, "%s", ig);
        else if (!strcmp(l, "SERVIDORES"))    servidores(ig);
        else { fprintf(stderr, "variable desconocida: %s\n", l); exit(2); }
    }
    fclose(f);
    if (cfg.nserv == 0) { fprintf(stderr, "falta SERVIDORES\n"); exit(2); }
}
