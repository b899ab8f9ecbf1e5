#ifndef DEFS_H
#define DEFS_H
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define TAM_PETICION  (8 * 1024 * 1024)
#define TAM_RESPUESTA (512 * 1024)
#define MAX_SERV 12

struct serv { char host[64]; int port; };
extern struct serv servs[MAX_SERV];
extern int cuantos, puerto_escucha;
extern int siguiente;
extern double ttl_minutos;

int  json_leer(const char *archivo);
int  elegir_y_conectar(int *cual);
char *recibir_respuesta(int s, const char *metodo, int *total, int *completa);
long leer_peticion(int s, char **out, long *largo_cab);
int  valor(const char *cab, const char *nombre, char *v, int max);
int  cache_enviar(int cli, const char *llave, int *estado, int *n);
void cache_meter(const char *llave, const char *resp, int n);
void apuntar(const char *linea, int estado, int n, const char *quien);
int  enviar(int s, const char *p, long n);
#endif
