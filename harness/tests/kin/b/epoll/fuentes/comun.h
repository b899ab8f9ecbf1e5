#pragma once
#include <stdio.h>
#include <time.h>
#include <stddef.h>

#define MAX_BACK 24
#define BUFSZ    32768
#define MAXREQ   (16 * 1024 * 1024)

typedef enum { LEE_PETICION, CONECTANDO, ENVIA_PETICION, RELE, TERMINA } Fase;

typedef struct conexion conexion;
typedef struct { int fd; int es_backend; conexion *con; } ficha;

struct conexion {
    Fase fase;
    ficha cli, bak;
    char *req; size_t req_n, req_cap, head_n, body_need; int chunked;
    char *out; size_t out_n, out_off;          /* peticion lista para el backend */
    char buf[BUFSZ]; size_t b_n, b_off;        /* del backend al cliente */
    char *resp_head; size_t resp_head_n; int head_visto;
    int turno, intentos, eof_backend, estado, guardable, sin_cuerpo;
    long long bytes, falta;
    char metodo[16]; char *url; char host[256]; char linea[400];
    FILE *cache_out;
    FILE *cache_in;
    char ruta_cache[300];
    time_t ultimo;
    conexion *sig, *ant;
};

struct config { int puerto; int n; char ip[MAX_BACK][64]; int port[MAX_BACK]; int ttl; };
extern struct config CFG;

int  leer_cfg(const char *archivo);
void log_abrir(const char *nombre);
void log_linea(const char *pet, int estado, long long bytes, const char *de);
void cache_ruta(conexion *c);
int  cache_abrir(conexion *c);
void cache_escribir(conexion *c, const char *p, size_t n);
void cache_fin(conexion *c);
const char *hdr(const char *head, const char *nombre, char *out, size_t max);
