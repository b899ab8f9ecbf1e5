#ifndef PIBL_H
#define PIBL_H
#include <stddef.h>
#include <sys/types.h>

#define MAX_SERV   32
#define TAM_LECTOR 16384
#define MAX_CABEZA 65536

typedef struct { char host[128]; char puerto[8]; } servidor_t;

typedef struct {
    int puerto;
    servidor_t serv[MAX_SERV];
    int nserv;
    char dir_cache[256];
    char archivo_log[256];
    long ttl;
} config_t;

extern config_t cfg;

typedef struct { int fd; size_t ini, fin; char buf[TAM_LECTOR]; } lector_t;

/* buffer que crece */
typedef struct { char *p; size_t n, cap; } mem_t;
void mem_mas(mem_t *m, const void *d, size_t n);

/* config.c */
void leer_config(const char *archivo);
/* escucha.c */
int abrir_escucha(int puerto);
void ciclo_aceptar(int fd);
/* cliente.c */
void *hilo_cliente(void *arg);
/* http.c */
int leer_cabeza(lector_t *l, char *out);
char *campo(const char *cabeza, const char *nombre, char *dst, size_t tam);
int es_chunked(const char *cabeza);
void quitar_campo(char *cabeza, const char *nombre);
int enviar_todo(int fd, const void *d, size_t n);
typedef int (*destino_t)(void *ctx, const char *d, size_t n);
int copiar_n(lector_t *l, long long n, destino_t f, void *ctx);
int copiar_chunked(lector_t *l, destino_t f, void *ctx);
int copiar_eof(lector_t *l, destino_t f, void *ctx);
/* cache.c */
typedef struct { int fd; char tmp[400]; char final_[400]; } entrada_t;
int  cache_buscar(const char *clave, mem_t *sal);
int  cache_abrir(entrada_t *e, const char *clave);
void cache_cerrar(entrada_t *e, int completo);
/* registro.c */
void registro_abrir(void);
void registro(const char *cliente, const char *linea, int estado, long long bytes, const char *origen);
/* turno.c */
int siguiente(void);
int conectar(int cual);
#endif
