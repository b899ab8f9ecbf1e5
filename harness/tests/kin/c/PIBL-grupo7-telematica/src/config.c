#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "pibl.h"

struct configuracion CONF;

/* saca lo que hay entre <etiqueta> y </etiqueta>, NULL si no esta */
static char *entre(char *texto, const char *etiqueta, char *salida, size_t n, char **sigue) {
    char a[40], c[40];
    snprintf(a, sizeof a, "<%s>", etiqueta);
    snprintf(c, sizeof c, "</%s>", etiqueta);
    char *p = strstr(texto, a);
    if (!p) return NULL;
    p += strlen(a);
    char *q = strstr(p, c);
    if (!q || (size_t)(q - p) >= n) return NULL;
    memcpy(salida, p, q - p);
    salida[q - p] = 0;
    if (sigue) *sigue = q + strlen(c);
    return salida;
}

int cargar_config(const char *nombre) {
    char texto[8192], val[128];
    FILE *f = fopen(nombre, "r");
    if (!f) { fprintf(stderr, "No existe el archivo de configuracion %s\n", nombre); return -1; }
    size_t n = fread(texto, 1, sizeof texto - 1, f);
    texto[n] = 0;
    fclose(f);
    if (!strstr(texto, "<pibl>")) { fprintf(stderr, "%s: falta <pibl>\n", nombre); return -1; }
    CONF.puerto = 8080;
    if (entre(texto, "puerto", val, sizeof val, NULL)) CONF.puerto = atoi(val);
    if (CONF.puerto <= 0 || CONF.puerto > 65535) { fprintf(stderr, "%s: puerto malo\n", nombre); return -1; }
    char *p = texto;
    while (CONF.nserv < MAX_SERV && entre(p, "servidor", val, sizeof val, &p)) {
        struct servidor *s = &CONF.serv[CONF.nserv];
        if (sscanf(val, " %63[^: ]:%d", s->ip, &s->puerto) != 2) {
            fprintf(stderr, "%s: servidor malo '%s'\n", nombre, val);
            return -1;
        }
        CONF.nserv++;
    }
    if (CONF.nserv == 0) { fprintf(stderr, "%s: no hay servidores\n", nombre); return -1; }
    return 0;
}
