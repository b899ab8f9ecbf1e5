#ifndef PIBL_H
#define PIBL_H
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <time.h>
#include <errno.h>
#include <pthread.h>
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/stat.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <netdb.h>

#define TAM_CAB 16384
#define MAX_SERV 16

typedef struct {
    char host[128];
    int  puerto;
    int  vivo;      /* 1 = responde */
} servidor_t;

extern servidor_t servidores[MAX_SERV];
extern int nserv, puerto_escucha, ttl;

int  leer_config(const char *archivo);
void *atender(void *arg);
/* cache */
void cache_iniciar(void);
int  cache_enviar(int fd, const char *llave, long *bytes, char *estado);
FILE *cache_abrir(const char *llave, char *tmp);
void cache_listo(FILE *f, const char *tmp, const char *llave, int bueno);
/* log */
void bitacora_abrir(const char *n);
void bitacora(const char *ip, const char *pet, const char *resp, const char *de, long n);
int enviar_todo(int fd, const char *b, size_t n);
#endif
