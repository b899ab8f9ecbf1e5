#ifndef PIBL_H
#define PIBL_H
#include <stddef.h>
#include <stdio.h>

#define MAX_BACKENDS 32
#define MAX_CABECERA (128 * 1024)

typedef struct { char *p; size_t n, cap; } Buf;

typedef struct {
    int puerto;
    int n;
    char host[MAX_BACKENDS][128];
    char port[MAX_BACKENDS][8];
} Config;

/* lector con memoria: lo que sobra queda para la siguiente peticion */
typedef struct { int fd; char datos[16384]; size_t ini, fin; } Lector;

typedef struct {
    Buf cab;        /* cabeza original, con la linea vacia */
    Buf cuerpo;     /* ya sin chunks */
    int estado;
} Mensaje;

/* config.c */
int leer_config(const char *ruta, Config *c);
/* http.c */
void buf_add(Buf *b, const void *d, size_t n);
void buf_str(Buf *b, const char *s);
void buf_free(Buf *b);
int leer_cabeza(Lector *l, Buf *out);
int leer_n(Lector *l, Buf *out, size_t n);
int leer_chunks(Lector *l, Buf *out);
int leer_hasta_eof(Lector *l, Buf *out);
int campo(const char *cab, const char *nombre, char *out, size_t max);
int contiene(const char *lista, const char *palabra);
void copiar_campos(const char *cab, Buf *out);
int enviar_todo(int fd, const void *d, size_t n);
/* cache.c */
void cache_init(const char *dir, long ttl);
int cache_buscar(const char *llave, Buf *cab, Buf *cuerpo);
void cache_guardar(const char *llave, Buf *cab, Buf *cuerpo);
#endif
