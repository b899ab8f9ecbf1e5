/*
 * PIBL.  Un solo proceso, un solo hilo, poll().
 * Telematica - Proyecto 1 - David & Laura
 *
 *   gcc -O2 -o pibl pibl.c
 *   ./pibl -t 60 -c pibl.conf
 *
 * Idea: cada cliente es una struct conn con un estado. El select tenia el limite de 1024 y por eso poll.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <time.h>
#include <ctype.h>
#include <sys/stat.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <arpa/inet.h>

enum { LEYENDO, CONECTANDO, MANDANDO, ESPERANDO, RESPONDIENDO, DRENANDO };

typedef struct { char *b; size_t n, cap; } buf_t;

typedef struct conn {
    int fc, fb;             /* cliente, backend */
    int est;
    buf_t pet;              /* lo que llego del cliente */
    buf_t a_back;           /* lo que va al backend */
    buf_t r;                /* lo que llego del backend */
    buf_t sal;              /* lo que va al cliente */
    size_t off;
    size_t lcab, rcab;      /* largo de cabezas (con \r\n\r\n), 0 = no ha llegado */
    size_t pos;             /* hasta donde he revisado los chunks */
    int back, intentos, mando100;
    int idem;               /* GET o HEAD: se puede repetir */
    char metodo[24], linea[400], ip[50], de[80];
    char *llave;            /* NULL = no se cachea */
    double plazo;
    struct conn *sig;
} conn;

static struct { struct sockaddr_in dir; char nombre[80]; } backs[32];
static int nbacks, puerto = 8080, rr;
static double ttl = 60;
static FILE *flog;
static conn *lista;

static double ahora(void) { struct timespec t; clock_gettime(CLOCK_REALTIME, &t); return t.tv_sec + t.tv_nsec / 1e9; }

static void meter(buf_t *x, const void *d, size_t n) {
    if (x->n + n + 1 > x->cap) {
        x->cap = (x->n + n + 1) * 2;
        x->b = realloc(x->b, x->cap);
