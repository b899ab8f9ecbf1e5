#ifndef TABLA_H
#define TABLA_H
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ctype.h>
#include <time.h>
#include <sys/stat.h>
void log_agregar(const char *pet, int estado, long n, const char *de);
void log_volcar(void);
void nombre_recurso(const char *host, const char *url, char *out, size_t max);
char *recurso_leer(const char *nombre, long *n);
void recurso_guardar(const char *nombre, const char *d, long n, double ttl);
#endif
