#ifndef COMUN_H
#define COMUN_H
#define _GNU_SOURCE
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <errno.h>

#define HILOS          16
#define MAX_SERVIDORES 32
#define MAX_CABECERA   65536

typedef struct { char *p; size_t n, cap; } Buf;
typedef struct { char host[128]; char puerto[8]; } Servidor;

typedef struct {
    int puerto, nserv;
    Servidor serv[MAX_SERVIDORES];
    long ttl_ms, espera_ms;
    char registro[256], cache[256];
} Config;
extern Config cfg;

/* una conexion con la cabecera ya leida */
typedef struct { int fd; char ip[48]; Buf ent; long long desde; } Conexion;

/* config.c */
void leer_config(const char *archivo);
/* buf.c */
void buf_mas(Buf *b, const void *d, size_t n);
void buf_txt(Buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_libre(Buf *b);
long long ahora_ms(void);
/* http.c */
long fin_cabecera(const Buf *b);
int  campo(const char *cab, const char *nombre, char *sale, size_t tam);
int  campo_tiene(const char *cab, const char *nombre, const char *ficha);
void copiar_campos(Buf *sale, const char *cab, const char **menos);
int  leer_mas(int fd, Buf *b);
int  cuerpo_fijo(int fd, Buf *ent, size_t desde, size_t largo, Buf *sale);
int  cuerpo_trozos(int fd, Buf *ent, size_t desde, Buf *sale);
int  enviar_todo(int fd, const void *d, size_t n);
/* cache.c */
void cache_iniciar(void);
int  cache_leer(const char *llave, Buf *cab, Buf *cuerpo);
void cache_guardar(const char *llave, long vida_ms, const Buf *cab, const Buf *cuerpo);
void cache_borrar(const char *llave);
/* registro.c */
void registrar(const char *ip, const char *met, const char *url, const char *srv,
               int estado, size_t bytes, const char *cache, long long ms);
/* atender.c */
void atender(Conexion *c, int hilo);
#endif
