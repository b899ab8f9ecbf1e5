#ifndef PIBL_H
#define PIBL_H
#include <stddef.h>

#define MAX_SERV 20
#define MAX_CAB 65536

struct servidor { char ip[64]; int puerto; };

struct configuracion {
    int puerto;
    int nserv;
    struct servidor serv[MAX_SERV];
    int ttl;                 /* segundos, llega por -t */
};

/* un buffer que crece */
struct bolsa { char *datos; size_t tam, cap; };

extern struct configuracion CONF;

/* config.c */
int cargar_config(const char *nombre);

/* bitacora.c */
int bitacora_abrir(const char *nombre);
void bitacora(const char *formato, ...);

/* cache.c */
void cache_nombre(const char *llave, char *salida, size_t n);
int cache_buscar(const char *llave, struct bolsa *cab, struct bolsa *cuerpo);
void cache_guardar(const char *llave, struct bolsa *cab, struct bolsa *cuerpo);

/* red.c */
void meter(struct bolsa *b, const char *d, size_t n);
int enviar_todo(int fd, const char *d, size_t n);
long leer_cabecera(int fd, struct bolsa *b);
int conectar_backend(int *cual);
void avanzar_turno(int cual);
void poner_tiempo(int fd, int segundos);

#endif
