// proxy_poll.c  -  un solo proceso, un solo hilo, poll()
// gcc proxy_poll.c -o proxy_poll
// ./proxy_poll proxy.ini 60
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <fcntl.h>
#include <errno.h>
#include <poll.h>
#include <time.h>
#include <signal.h>
#include <dirent.h>
#include <netdb.h>
#include <sys/stat.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <arpa/inet.h>

#define MAXC 2000
#define MB_SALIDA (256*1024)
#define T_BACK 10
#define T_CLI 30

typedef unsigned char u8;
typedef struct { char *p; size_t ini, fin, cap; } buf;

static void bput(buf *b, const void *d, size_t n) {
	if (b->ini == b->fin) b->ini = b->fin = 0;
	if (b->fin + n + 1 > b->cap) {
		if (b->ini > 0) { memmove(b->p, b->p + b->ini, b->fin - b->ini); b->fin -= b->ini; b->ini = 0; }
		if (b->fin + n + 1 > b->cap) { b->cap = (b->fin + n + 1) * 2; b->p = realloc(b->p, b->cap); }
	}
	memcpy(b->p + b->fin, d, n); b->fin += n; b->p[b->fin] = 0;
}
static void bstr(buf *b, const char *s) { bput(b, s, strlen(s)); }
static size_t blen(buf *b) { return b->fin - b->ini; }
static void bfree(buf *b) { free(b->p); memset(b, 0, sizeof *b); }

/* ---- decodificador de chunked, por estados ---- */
typedef struct { int e; unsigned long falta; int dig, vacia; } chk;   // e: 0 tam 1 ext 2 datos 3 crlf 4 trailer 5 fin 6 error
static size_t chk_come(chk *c, const char *d, size_t n, buf *out) {
	size_t i = 0;
	while (i < n && c->e < 5) {
		char x = d[i];
		switch (c->e) {
		case 0:
			if (x >= '0' && x <= '9') { c->falta = c->falta * 16 + x - '0'; c->dig++; i++; }
			else if ((x | 32) >= 'a' && (x | 32) <= 'f') { c->falta = c->falta * 16 + (x | 32) - 'a' + 10; c->dig++; i++; }
			else if (c->dig == 0 || c->dig > 8) c->e = 6;
			else c->e = 1;
			break;
		case 1:
			i++;
			if (x == '\n') { c->e = c->falta ? 2 : 4; c->vacia = 1; c->dig = 0; }
			break;
		case 2: {
			size_t k = n - i; if (k > c->falta) k = c->falta;
			bput(out, d + i, k); i += k; c->falta -= k;
			if (!c->falta) c->e = 3;
			break; }
		case 3: i++; if (x == '\n') c->e = 0; else if (x != '\r') c->e = 6; break;
		case 4: i++; if (x == '\n') { if (c->vacia) c->e = 5; c->vacia = 1; } else if (x != '\r') c->vacia = 0; break;
		}
	}
	return i;
}

/* ---- cache: lista en memoria + archivo ---- */
typedef struct ent { char *url; char arch[300]; double hora; int listo; struct ent *sig; } ent;
static ent *tabla[4096];
static double ttl; static char dircache[200] = "cache", nomlog[200] = "proxy.log";
static FILE *flog;
static int puerto = 8080, nback = 0, turno = 0;
static struct { char nombre[150]; struct sockaddr_in d; } back[32];

static double ya(void) { struct timespec t; clock_gettime(CLOCK_REALTIME, &t); return t.tv_sec + t.tv_nsec / 1e9; }
static unsigned long hash(const char *s) { unsigned long h = 14695981039346656037UL; while (*s) { h ^= (u8)*s++; h *= 1099511628211UL; } return h; }
