#include <stdio.h>
#include <stdarg.h>
#include <time.h>
#include <pthread.h>
#include "pibl.h"

static FILE *archivo;
static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;

int bitacora_abrir(const char *nombre) {
    archivo = fopen(nombre, "a");
    setvbuf(stdout, NULL, _IOLBF, 0);
    return archivo ? 0 : -1;
}

void bitacora(const char *formato, ...) {
    char linea[4096], hora[32];
    time_t t = time(NULL);
    struct tm tm;
    va_list a;
    localtime_r(&t, &tm);
    strftime(hora, sizeof hora, "%F %T", &tm);
    va_start(a, formato);
    vsnprintf(linea, sizeof linea, formato, a);
    va_end(a);
    pthread_mutex_lock(&m);
    printf("[%s] %s\n", hora, linea);
    fprintf(archivo, "[%s] %s\n", hora, linea);
    pthread_mutex_unlock(&m);
}
