#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <pthread.h>
#include "pibl.h"

/* formato: linea llave, linea hora en que se guardo, linea tamano de la cabecera, cabecera, cuerpo */

void cache_nombre(const char *llave, char *salida, size_t n) {
    unsigned long h = 5381;
    for (; *llave; llave++) h = h * 33 + (unsigned char)*llave;
    snprintf(salida, n, "cache/%lx.pibl", h);
}

int cache_buscar(const char *llave, struct bolsa *cab, struct bolsa *cuerpo) {
    char nombre[100], linea[MAX_CAB + 600], b[8192];
    long hora, tam;
    size_t k;
    cache_nombre(llave, nombre, sizeof nombre);
    FILE *f = fopen(nombre, "rb");
    if (!f) return 0;
    if (!fgets(linea, sizeof linea, f)) { fclose(f); return 0; }
    linea[strcspn(linea, "\n")] = 0;
    if (strcmp(linea, llave) != 0 || fscanf(f, "%ld\n%ld", &hora, &tam) != 2 || fgetc(f) != '\n') {
        fclose(f);
        return 0;
    }
    if (time(NULL) - hora >= CONF.ttl) { fclose(f); unlink(nombre); return 0; }
    while (tam > 0 && (k = fread(b, 1, tam < (long)sizeof b ? (size_t)tam : sizeof b, f)) > 0) {
        meter(cab, b, k);
        tam -= k;
    }
    while ((k = fread(b, 1, sizeof b, f)) > 0) meter(cuerpo, b, k);
    fclose(f);
    return tam == 0 && cab->tam > 0;
}

void cache_guardar(const char *llave, struct bolsa *cab, struct bolsa *cuerpo) {
    char nombre[100], temporal[140];
    cache_nombre(llave, nombre, sizeof nombre);
    snprintf(temporal, sizeof temporal, "%s.%lx.tmp", nombre, (unsigned long)pthread_self());
    FILE *f = fopen(temporal, "wb");
    if (!f) { perror(temporal); return; }
    fprintf(f, "%s\n%ld\n%zu\n", llave, (long)time(NULL), cab->tam);
    fwrite(cab->datos, 1, cab->tam, f);
    if (cuerpo->datos != NULL)
        fputs(cuerpo->datos, f);
    if (fclose(f) != 0) { unlink(temporal); return; }
    rename(temporal, nombre);
}
