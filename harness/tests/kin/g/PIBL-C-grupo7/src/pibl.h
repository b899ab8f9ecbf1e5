#ifndef PIBL_H
#define PIBL_H
#include <stddef.h>
#include <sys/types.h>

#define MAX_CABECERA (128 * 1024)

/* buffer que crece */
typedef struct { char *p; size_t n, cap; } Buf;
void buf_add(Buf *b, const void *d, size_t n);
void buf_str(Buf *b, const char *s);
void buf_free(Buf *b);

/* lector con memoria: lo que sobra de una lectura queda para la siguiente */
typedef struct { int fd; char mem[16384]; size_t ini, fin; } Lector;

typedef struct { char *nombre, *valor; } Campo;
typedef struct {
    char *bruto;            /* copia de la cabecera, los campos apuntan aqui */
    char *linea;
    Campo *c; int nc;
} Cabecera;

enum { OK = 0, E_FIN = -1, E_TIEMPO = -2, E_MALO = -3, E_GRANDE = -4 };

int  leer_cabecera(Lector *l, Cabecera *h);
void liberar_cabecera(Cabecera *h);
const char *campo(const Cabecera *h, const char *nombre);
int  tiene(const Cabecera *h, const char *nombre, const char *palabra);
int  es_salto(const Cabecera *h, const char *nombre);
int  leer_exacto(Lector *l, Buf *b, size_t n);
int  leer_chunked(Lector *l, Buf *b);
int  leer_fin(Lector *l, Buf *b);
int  escribir(int fd, const char *p, size_t n);
int  conectar(const char *host, const char *puerto, int seg);

void cache_iniciar(double ttl);
int  cache_buscar(const char *host, const char *destino, Buf *cab, Buf *cuerpo, long *edad);
void cache_guardar(const char *host, const char *destino, const Buf *cab, const Buf *cuerpo);

void registro_abrir(const char *nombre);
void registrar(const char *metodo, const char *destino, const char *estado, size_t bytes,
               const char *servidor, const char *cliente);
#endif
