#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <pthread.h>
#include "pibl.h"

static FILE *f;
static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static const char *MES[] = {"ene","feb","mar","abr","may","jun","jul","ago","sep","oct","nov","dic"};

void registro_abrir(const char *nombre) {
    f = fopen(nombre, "a");
    if (!f) { perror(nombre); exit(1); }
}

void registrar(const char *metodo, const char *destino, const char *estado, size_t bytes,
               const char *servidor, const char *cliente) {
    time_t t = time(NULL);
    struct tm g;
    localtime_r(&t, &g);
    pthread_mutex_lock(&m);
    FILE *donde[2] = { f, stdout };
    for (int i = 0; i < 2; i++) {
        fprintf(donde[i], "[%02d de %s de %d, %02d:%02d:%02d] %s pidio %s %s ; se entrego %s (%zu bytes) desde %s\n",
                g.tm_mday, MES[g.tm_mon], g.tm_year + 1900, g.tm_hour, g.tm_min, g.tm_sec,
                cliente, metodo, destino, estado, bytes, servidor);
        fflush(donde[i]);
    }
    pthread_mutex_unlock(&m);
}
