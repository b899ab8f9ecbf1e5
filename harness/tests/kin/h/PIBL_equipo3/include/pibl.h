/* PIBL - equipo 3 - Telematica 2022-2 */
#ifndef PIBL_H
#define PIBL_H
#include <stddef.h>
#include <sys/types.h>

#define MAXSERV 16
#define TAM_CAB 65536          /* lo maximo de una cabecera */
#define BLOQUE  16384

typedef struct { char host[128]; char puerto[8]; } servidor_t;

typedef struct {
    int puerto;
    int hilos;
    double ttl;
    char dir[256];
    char log[256];
    servidor_t serv[MAXSERV];
    int nserv;
} conf_t;

extern conf_t CONF;

/* una peticion ya leida */
typedef struct {
    char metodo[32];
    char *objetivo;      /* /algo?x=1 */
    int  menor;          /* HTTP/1.menor */
    char *lineas;        /* las cabeceras, como llegaron, sin la primera linea */
    char *cuerpo; size_t ncuerpo; int hay_cuerpo;
    char ip[64];
    /* para el log */
    int estado; size_t enviados; char de[160];
} pet_t;

/* lector con buffer */
typedef struct { int fd; char b[BLOQUE]; int i, n; } lec_t;

int  leer_conf(const char *arch);
void anotar(pet_t *p);
int  abrir_log(void);

int  lec_llenar(lec_t *l);
int  lec_linea(lec_t *l, char *out, int max);   /* largo o -1 */
int  lec_bytes(lec_t *l, char *out, int max);
int  enviar(int fd, const void *b, size_t n);
char *valor_cab(const char *lineas, const char *nombre, char *out, int max);
int  tiene_palabra(const char *lineas, const char *nombre, const char *palabra);
int  es_de_salto(const char *linea, const char *lineas);
int  leer_peticion(lec_t *l, pet_t *p);      /* 0 bien, <0 cerrar, >0 codigo de error */

int  conectar_turno(char *quien);
void reenviar(int cli, pet_t *p);
void responder_error(int cli, pet_t *p, int cod, const char *txt);

int   cache_servir(int cli, pet_t *p);
typedef struct { int fd; char tmp[400]; char fin[360]; } guarda_t;
int   cache_abrir(guarda_t *g, pet_t *p, int estado, const char *lin1, const char *cab);
void  cache_poner(guarda_t *g, const char *b, size_t n);
void  cache_listo(guarda_t *g);
void  cache_botar(guarda_t *g);
#endif
