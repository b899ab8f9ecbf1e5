#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <fcntl.h>
#include <unistd.h>
#include "pibl.h"

static int fdlog = -1;

void registro_abrir(void)
{
    fdlog = open(cfg.archivo_log, O_WRONLY | O_CREAT | O_APPEND, 0644);
    if (fdlog < 0) { perror(cfg.archivo_log); exit(1); }
}

/* un solo write por linea, asi no se mezclan los hilos */
void registro(const char *cliente, const char *linea, int estado, long long bytes, const char *origen)
{
    size_t tam = strlen(linea) + 256;
    char *s = malloc(tam), fecha[40];
    time_t t = time(NULL);
    struct tm tm;
    localtime_r(&t, &tm);
    strftime(fecha, sizeof fecha, "%Y-%m-%d %H:%M:%S", &tm);
    int n = snprintf(s, tam, "[%s] %s \"%s\" -> %d %lld bytes (%s)\n", fecha, cliente, linea, estado, bytes, origen);
    if (write(fdlog, s, n) < 0) perror("log");
    if (write(1, s, n) < 0) { /* nada */ }
    free(s);
}
