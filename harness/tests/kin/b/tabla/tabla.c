#include "tabla.h"

/* lista enlazada con el log; al salir (Ctrl+C) se vuelca en log.txt */
static struct renglon { char *t; struct renglon *sig; } *primero, *ultimo;

void log_agregar(const char *pet, int estado, long n, const char *de)
{
    char b[900], h[32];
    time_t t = time(NULL);
    strftime(h, sizeof h, "%H:%M:%S", localtime(&t));
    snprintf(b, sizeof b, "%s  PETICION: %.600s  RESPUESTA: %d (%ld bytes) de %s\n", h, pet, estado, n, de);
    fputs(b, stdout);
    fflush(stdout);
    struct renglon *r = malloc(sizeof *r);
    r->t = strdup(b);
    r->sig = NULL;
    if (ultimo) ultimo->sig = r; else primero = r;
    ultimo = r;
}
void log_volcar(void)
{
    FILE *f = fopen("log.txt", "a");
    if (!f) return;
    for (struct renglon *r = primero; r; r = r->sig) fputs(r->t, f);
    fclose(f);
}

/* nombre de archivo de un recurso: host + camino, con lo raro en %XX */
void nombre_recurso(const char *host, const char *url, char *out, size_t max)
{
    size_t o = snprintf(out, max, "recursos/");
    const char *partes[3] = { host, "~", url };
    for (int i = 0; i < 3; i++) {
        for (const char *p = partes[i]; *p && o + 4 < max; p++) {
            if (i == 2 && *p == '?') break;          /* los parametros no hacen parte del recurso */
            if (isalnum((unsigned char)*p) || *p == '-' || *p == '_' || *p == '~') out[o++] = *p;
            else o += sprintf(out + o, "%%%02X", (unsigned char)*p);
        }
    }
    out[o] = 0;
}
/* archivo: linea con la hora de vencimiento + respuesta tal cual */
char *recurso_leer(const char *nombre, long *n)
{
    double vence;
    char *d = NULL;
    struct timespec ya;
    FILE *f = fopen(nombre, "rb");
    if (!f) return NULL;
    clock_gettime(CLOCK_REALTIME, &ya);
    if (fscanf(f, "%lf", &vence) == 1 && fgetc(f) == '\n' && ya.tv_sec + ya.tv_nsec / 1e9 < vence) {
        long ini = ftell(f);
        fseek(f, 0, SEEK_END);
        *n = ftell(f) - ini;
        fseek(f, ini, SEEK_SET);
        d = malloc(*n + 1);
        if (fread(d, 1, *n, f) != (size_t)*n) { free(d); d = NULL; }
    }
    fclose(f);
    return d;
}
void recurso_guardar(const char *nombre, const char *d, long n, double ttl)
{
    char tmp[1200];
    struct timespec ya;
    if (strlen(nombre) > 230) return;                 /* el sistema no deja nombres mas largos */
    mkdir("recursos", 0755);
    snprintf(tmp, sizeof tmp, "recursos/.nuevo");
    FILE *f = fopen(tmp, "wb");
    if (!f) { perror(tmp); return; }
    clock_gettime(CLOCK_REALTIME, &ya);
    fprintf(f, "%.3f\n", ya.tv_sec + ya.tv_nsec / 1e9 + ttl);
    fwrite(d, 1, n, f);
    if (fclose(f) == 0) rename(tmp, nombre);
}
