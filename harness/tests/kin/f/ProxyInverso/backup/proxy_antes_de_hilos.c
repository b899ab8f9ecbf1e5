/*
 * proxy.c - Proxy inverso + balanceador de carga (round robin) + cache
 * Telematica - proyecto 1
 *
 *   gcc -o proxy proxy.c -lpthread
 *   ./proxy
 *
 * Un hilo por cada cliente.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include "constantes.h"

struct servidor { const char *ip; int puerto; };
static struct servidor servidores[] = { SERVIDORES };
#define NSERV ((int)(sizeof servidores / sizeof servidores[0]))

static int turno = 0;
static FILE *flog;
static pthread_mutex_t mlog = PTHREAD_MUTEX_INITIALIZER;

struct cliente { int fd; char ip[32]; };

struct pedido {
    char metodo[16];
