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
static ent *busca(const char *url) { ent *e; for (e = tabla[hash(url) % 4096]; e; e = e->sig) if (!strcmp(e->url, url)) return e; return NULL; }
static ent *nueva(const char *url) {
	ent *e = calloc(1, sizeof *e); unsigned long h = hash(url);
	e->url = strdup(url); snprintf(e->arch, sizeof e->arch, "%s/%016lx.dat", dircache, h);
	e->sig = tabla[h % 4096]; tabla[h % 4096] = e;
	return e;
}
/* al arrancar se recupera lo que haya en la carpeta */
static void recuperar(void) {
	DIR *d = opendir(dircache); struct dirent *x; int k = 0;
	static char lin[70000];
	if (!d) return;
	while ((x = readdir(d))) {
		char n[500]; FILE *f; ent *e;
		if (!strstr(x->d_name, ".dat")) continue;
		snprintf(n, sizeof n, "%s/%s", dircache, x->d_name);
		f = fopen(n, "rb"); if (!f) continue;
		if (fgets(lin, sizeof lin, f) && lin[0] == '/' && strchr(lin, '\n')) {
			*strchr(lin, '\n') = 0;
			e = busca(lin); if (!e) e = nueva(lin);
			e->hora = ya(); e->listo = 1; k++;
		}
		fclose(f);
	}
	closedir(d);
	printf("%d recursos recuperados del disco\n", k); fflush(stdout);
}

/* ---- conexiones ---- */
enum { PIDE, CONECTA, ESPERA, PASA, ARCHIVO, VACIA };
typedef struct {
	int c, s, est; char ip[40];
	buf ent, sal, asrv, resp;         // del cliente, al cliente, al servidor, del servidor
	double ult;
	char *met, *url, *cab; int menor; buf cuerpo; int tiene, cabok; long cl; chk ck; int porchk; size_t posb;
	int intentos, cual; size_t yaenv; buf pedido;
	int code; long bytes; const char *de; int cabresp; int rchk, tro; long rcl; chk rk; int sinc;
	ent *e; int fe;                   // lo que se guarda
	int fa; int cerrar; int mal, registrado;
} con;
static con *C[MAXC]; static int nc = 0;

static char *hbusca(const char *cab, const char *nom, int *n) {      // sin importar mayusculas
	size_t k = strlen(nom); const char *p = cab;
	while (*p && strncmp(p, "\r\n", 2)) {
		const char *f = strstr(p, "\r\n"); if (!f) return NULL;
		if (!strncasecmp(p, nom, k) && p[k] == ':') { p += k + 1; while (*p == ' ' || *p == '\t') p++; *n = f - p; return (char *)p; }
		p = f + 2;
	}
	return NULL;
}
static int htiene(const char *cab, const char *nom, const char *que) {
	size_t k = strlen(nom); const char *p = cab;
	while (*p && strncmp(p, "\r\n", 2)) {
		const char *f = strstr(p, "\r\n"); if (!f) return 0;
		if (!strncasecmp(p, nom, k) && p[k] == ':') {
			char v[2000]; size_t n = f - p - k - 1; if (n > 1999) n = 1999;
			memcpy(v, p + k + 1, n); v[n] = 0;
			for (char *t = strtok(v, ", \t"); t; t = strtok(NULL, ", \t")) if (!strcasecmp(t, que)) return 1;
		}
		p = f + 2;
	}
	return 0;
}
static int salto(const char *l, const char *cab) {
	static const char *q[] = { "Connection", "Keep-Alive", "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding", "Upgrade", "Expect", "Content-Length", 0 };
	char nom[100]; const char *d = strchr(l, ':'); if (!d || d - l > 99) return 0;
	memcpy(nom, l, d - l); nom[d - l] = 0;
	for (int i = 0; q[i]; i++) if (!strcasecmp(q[i], nom)) return 1;
	return htiene(cab, "Connection", nom);
}
static void registra(con *x) {
	char h[50]; time_t t = time(NULL);
	if (x->registrado || !x->url) return;
	x->registrado = 1;
	strftime(h, 50, "%d-%m-%Y %T", localtime(&t));
	fprintf(flog, "%s [%s] %s %s => %d (%ld bytes) %s%s\n", h, x->ip, x->met, x->url, x->code, x->bytes, x->de ? x->de : "-", x->mal ? " INCOMPLETO" : "");
	fflush(flog);
	printf("%s [%s] %s %s => %d (%ld bytes) %s%s\n", h, x->ip, x->met, x->url, x->code, x->bytes, x->de ? x->de : "-", x->mal ? " INCOMPLETO" : "");
	fflush(stdout);
}
static void no_guardar(con *x) {
	if (x->fe >= 0) { close(x->fe); unlink(x->e->arch); x->e->listo = 0; x->e->hora = 0; x->fe = -1; }
}
static void matar(con *x) {
	if (!x->registrado && x->url && x->cabok) { x->mal = 1; registra(x); }
	no_guardar(x);
	if (x->s >= 0) close(x->s);
	if (x->fa >= 0) close(x->fa);
	{ char b[4096]; while (recv(x->c, b, sizeof b, MSG_DONTWAIT) > 0); }
	close(x->c);
	bfree(&x->ent); bfree(&x->sal); bfree(&x->asrv); bfree(&x->resp); bfree(&x->cuerpo); bfree(&x->pedido);
	free(x->met); free(x->url); free(x->cab);
	x->c = -1;
}
static void fallo(con *x, int cod, const char *txt) {
	char b[300], c[100]; int n = sprintf(c, "<h2>%d %s</h2>\n", cod, txt);
	if (x->s >= 0) { close(x->s); x->s = -1; }
	sprintf(b, "HTTP/1.1 %d %s\r\nContent-Type: text/html\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", cod, txt, n, x->met && !strcmp(x->met, "HEAD") ? "" : c);
	bstr(&x->sal, b); x->code = cod; x->bytes = n; x->est = VACIA; x->cabok = 1;
	if (!x->url) { x->url = strdup("?"); x->met = strdup("?"); }
}
static void conecta(con *x) {
	while (x->intentos < nback) {
		int i = turno, r; turno = (turno + 1) % nback; x->intentos++;
		x->s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0); x->cual = i; x->de = back[i].nombre;
		r = connect(x->s, (struct sockaddr *)&back[i].d, sizeof back[i].d);
		if (r == 0 || errno == EINPROGRESS) {
			x->est = CONECTA; x->ult = ya(); bfree(&x->asrv);
			bput(&x->asrv, x->pedido.p + x->pedido.ini, blen(&x->pedido));
			return;
		}
		close(x->s); x->s = -1;
	}
	fallo(x, 502, "Bad Gateway");
}
/* el servidor no sirvio, se prueba con el siguiente */
static void otro(con *x) { close(x->s); x->s = -1; bfree(&x->resp); conecta(x); }

static void procesar(con *x) {
	int n; ent *e; char t[200];
	x->cabok = 1;
	if (!strcmp(x->met, "GET") && !hbusca(x->cab, "Authorization", &n) && (e = busca(x->url)) && e->listo && ya() - e->hora < ttl) {
		int f = open(e->arch, O_RDONLY);
		if (f >= 0) {
			static char b[200000]; ssize_t k = read(f, b, sizeof b - 1); char *p, *q; struct stat st;
			if (k > 0) { b[k] = 0; p = memchr(b, '\n', k); q = p ? strstr(p + 1, "\r\n\r\n") : NULL; } else p = q = NULL;
			if (q) {
				long cab = q + 4 - b; fstat(f, &st);
				bput(&x->sal, p + 1, q + 2 - p - 1);
				sprintf(t, "Content-Length: %ld\r\nAge: %d\r\nConnection: close\r\n\r\n", (long)st.st_size - cab, (int)(ya() - e->hora)); bstr(&x->sal, t);
				lseek(f, cab, SEEK_SET); x->fa = f; x->est = ARCHIVO; x->code = 200; x->de = "CACHE"; x->ult = ya();
				return;
			}
			close(f);
		}
	}
	buf *b = &x->pedido; char *l;
	bstr(b, x->met); bstr(b, " "); bstr(b, x->url); bstr(b, " HTTP/1.1\r\n");
	for (l = x->cab; strncmp(l, "\r\n", 2); l = strstr(l, "\r\n") + 2) if (!salto(l, x->cab)) bput(b, l, strstr(l, "\r\n") + 2 - l);
	if (x->tiene) { sprintf(t, "Content-Length: %zu\r\n", blen(&x->cuerpo)); bstr(b, t); }
	bstr(b, "Connection: close\r\n\r\n");
	if (blen(&x->cuerpo)) bput(b, x->cuerpo.p + x->cuerpo.ini, blen(&x->cuerpo));
	conecta(x);
}
/* llegaron datos del cliente */
static void entrada(con *x) {
	if (!x->cab) {
		char *f, *p, *u, *v; int n; char *h;
		while (blen(&x->ent) >= 2 && !memcmp(x->ent.p + x->ent.ini, "\r\n", 2)) x->ent.ini += 2;
		if (!blen(&x->ent)) return;
		p = x->ent.p + x->ent.ini; f = memmem(p, blen(&x->ent), "\r\n\r\n", 4);
		if (!f) { if (blen(&x->ent) > 65536) fallo(x, 431, "Request Header Fields Too Large"); return; }
		*f = 0; 
		if (strlen(p) != (size_t)(f - p)) { fallo(x, 400, "Bad Request"); return; }
		u = strchr(p, ' '); h = strstr(p, "\r\n"); if (h) *h = 0; v = strrchr(p, ' ');
		if (!u || v <= u || strncmp(v, " HTTP/1.", 8)) { fallo(x, 400, "Bad Request"); return; }
		*u++ = 0; *v = 0; x->menor = atoi(v + 8);
		if (!strncasecmp(u, "http://", 7)) { u = strchr(u + 7, '/'); if (!u) u = "/"; }
		x->met = strdup(p); x->url = strdup(u);
		if (h) { x->cab = malloc(f - h + 5); sprintf(x->cab, "%s\r\n\r\n", h + 2); } else x->cab = strdup("\r\n");
		x->ent.ini = f + 4 - x->ent.p;
		if (htiene(x->cab, "Expect", "100-continue")) bstr(&x->sal, "HTTP/1.1 100 Continue\r\n\r\n");
		if (hbusca(x->cab, "Transfer-Encoding", &n)) { x->porchk = 1; x->tiene = 1; }
		else if ((v = hbusca(x->cab, "Content-Length", &n))) { x->tiene = 1; x->cl = atol(v); if (x->cl < 0 || *v < '0' || *v > '9') { fallo(x, 400, "Bad Request"); return; } }
	}
	if (x->porchk) {
		x->ent.ini += chk_come(&x->ck, x->ent.p + x->ent.ini, blen(&x->ent), &x->cuerpo);
		if (x->ck.e == 6) fallo(x, 400, "Bad Request"); else if (x->ck.e == 5) procesar(x);
	} else {
		size_t k = blen(&x->ent); if (k > x->cl - blen(&x->cuerpo)) k = x->cl - blen(&x->cuerpo);
		if (k) bput(&x->cuerpo, x->ent.p + x->ent.ini, k);
		x->ent.ini += k;
		if (blen(&x->cuerpo) == (size_t)x->cl) procesar(x);
	}
}
static void al_cliente(con *x, const char *d, size_t n) {
	char t[30];
	if (!n) return;
	if (x->tro) { sprintf(t, "%zx\r\n", n); bstr(&x->sal, t); }
	bput(&x->sal, d, n); x->bytes += n;
	if (x->tro) bstr(&x->sal, "\r\n");
	if (x->fe >= 0 && write(x->fe, d, n) != (ssize_t)n) no_guardar(x);
}
static void terminado(con *x) {      // respuesta completa
	if (x->tro) bstr(&x->sal, "0\r\n\r\n");
	if (x->fe >= 0) { close(x->fe); x->fe = -1; x->e->hora = ya(); x->e->listo = 1; }
	close(x->s); x->s = -1; x->est = VACIA;
}
static void cortado(con *x) { x->mal = 1; no_guardar(x); close(x->s); x->s = -1; x->est = VACIA; }

/* datos del servidor (n==0 es fin) */
static void respuesta(con *x, const char *d, ssize_t n) {
	if (!x->cabresp) {
		char *f, *h, *l; buf g = { 0 }; int k;
		if (n <= 0) { otro(x); return; }
		bput(&x->resp, d, n);
	otra:
		f = memmem(x->resp.p + x->resp.ini, blen(&x->resp), "\r\n\r\n", 4);
		if (!f) { if (blen(&x->resp) > 150000) fallo(x, 502, "Bad Gateway"); return; }
		char *p = x->resp.p + x->resp.ini;
		if (sscanf(p, "HTTP/%*d.%*d %d", &x->code) != 1) { fallo(x, 502, "Bad Gateway"); return; }
		if (x->code / 100 == 1) { x->resp.ini = f + 4 - x->resp.p; goto otra; }
		x->cabresp = 1; x->est = PASA;
		char *cab = strndup(p, f + 4 - p); h = strstr(cab, "\r\n") + 2;
		x->sinc = !strcmp(x->met, "HEAD") || x->code == 204 || x->code == 304;
		x->rchk = htiene(h, "Transfer-Encoding", "chunked"); x->rcl = -1;
		char *v = hbusca(h, "Content-Length", &k); if (v && !x->rchk) x->rcl = atol(v);
		x->tro = x->rchk && !x->sinc && x->menor > 0;
		bstr(&g, "HTTP/1.1"); bput(&g, cab + 8, h - cab - 8);
		for (l = h; strncmp(l, "\r\n", 2); l = strstr(l, "\r\n") + 2) if (!salto(l, h)) bput(&g, l, strstr(l, "\r\n") + 2 - l);
		bput(&x->sal, g.p, g.fin);
		if (x->rcl >= 0) { char t[60]; sprintf(t, "Content-Length: %ld\r\n", x->rcl); bstr(&x->sal, t); }
		bstr(&x->sal, x->tro ? "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n" : "Connection: close\r\n\r\n");
		if (!strcmp(x->met, "GET") && x->code == 200 && !htiene(h, "Cache-Control", "no-store") && !hbusca(x->cab, "Authorization", &k) && !hbusca(x->cab, "Range", &k)) {
			ent *e = busca(x->url); int ocupado = 0;
			for (int i = 0; i < nc; i++) if (C[i]->c >= 0 && C[i]->fe >= 0 && C[i]->e == e) ocupado = 1;     // otro lo esta bajando
			if (!ocupado) {
				if (!e) e = nueva(x->url);
				e->listo = 0; unlink(e->arch);
				x->fe = open(e->arch, O_WRONLY | O_CREAT | O_TRUNC, 0644); x->e = e;
				if (x->fe >= 0) { dprintf(x->fe, "%s\n", x->url); if (write(x->fe, g.p, g.fin) < 0 || write(x->fe, "\r\n", 2) < 0) no_guardar(x); }
			}
		}
		bfree(&g); free(cab);
		d = f + 4; n = x->resp.p + x->resp.fin - d;
		if (x->sinc || x->rcl == 0) { terminado(x); return; }
		if (n == 0) return;
	}
	if (x->rchk) {
		buf o = { 0 };
		if (n <= 0) { cortado(x); return; }
		chk_come(&x->rk, d, n, &o);
		if (blen(&o)) al_cliente(x, o.p + o.ini, blen(&o));
		bfree(&o);
		if (x->rk.e == 5) terminado(x); else if (x->rk.e == 6) cortado(x);
	} else if (x->rcl >= 0) {
		if (n <= 0) { cortado(x); return; }
		if (n > x->rcl) n = x->rcl;
		al_cliente(x, d, n); x->rcl -= n;
		if (x->rcl == 0) terminado(x);
	} else { if (n > 0) al_cliente(x, d, n); else if (n == 0) terminado(x); else cortado(x); }
}

static void leer_ini(const char *a) {
	FILE *f = fopen(a, "r"); char l[400], sec[50] = ""; int n = 0;
	if (!f) { perror(a); exit(1); }
	while (fgets(l, sizeof l, f)) {
		char k[100], v[200]; n++;
		if (l[0] == ';' || l[0] == '#' || l[strspn(l, " \t\r\n")] == 0) continue;
		if (sscanf(l, "[%40[^]]]", sec) == 1) continue;
		if (sscanf(l, " %99[^= \t] = %199[^ \t\r\n;]", k, v) != 2) { fprintf(stderr, "%s linea %d: no se entiende\n", a, n); exit(1); }
		if (!strcmp(sec, "proxy")) {
			if (!strcmp(k, "puerto")) puerto = atoi(v);
			else if (!strcmp(k, "cache")) strcpy(dircache, v);
			else if (!strcmp(k, "log")) strcpy(nomlog, v);
		} else if (!strcmp(sec, "servidores") && nback < 32) {
			char *d = strchr(v, ':'); struct hostent *h; strcpy(back[nback].nombre, v);
			if (d) *d = 0;
			h = gethostbyname(v); if (!h) { fprintf(stderr, "no existe %s\n", v); exit(1); }
			back[nback].d.sin_family = AF_INET; back[nback].d.sin_port = htons(d ? atoi(d + 1) : 80); memcpy(&back[nback].d.sin_addr, h->h_addr, 4); nback++;
		}
	}
	fclose(f);
	if (!nback || puerto < 1) { fprintf(stderr, "%s: faltan servidores o puerto\n", a); exit(1); }
}

int main(int argc, char **argv) {
	static struct pollfd P[2 * MAXC + 1]; static char b[65536]; int ls, uno = 1; struct sockaddr_in d = { 0 };
	if (argc != 3) { fprintf(stderr, "uso: %s proxy.ini ttl\n", argv[0]); return 1; }
	leer_ini(argv[1]); ttl = atof(argv[2]);
	mkdir(dircache, 0755); flog = fopen(nomlog, "a"); if (!flog) { perror(nomlog); return 1; }
	signal(SIGPIPE, SIG_IGN);
	recuperar();
	ls = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0); setsockopt(ls, SOL_SOCKET, SO_REUSEADDR, &uno, sizeof uno);
	d.sin_family = AF_INET; d.sin_port = htons(puerto);
	if (bind(ls, (void *)&d, sizeof d)) { perror("bind"); return 1; }
	listen(ls, 1024);
	printf("proxy en %d, %d servidores, ttl=%g\n", puerto, nback, ttl); fflush(stdout);
	for (;;) {
		int np = 0, i, j, pi[MAXC], ps[MAXC]; double t; int lim = nc, prisa = 0;
		P[np].fd = ls; P[np++].events = nc < MAXC ? POLLIN : 0;
		for (i = 0; i < lim; i++) {
			con *x = C[i]; pi[i] = ps[i] = -1;
			P[np].fd = x->c; P[np].events = 0; P[np].revents = 0;
			if (x->est == PIDE) P[np].events |= POLLIN;
			if (blen(&x->sal) || x->est == ARCHIVO || x->est == VACIA) P[np].events |= POLLOUT;
			pi[i] = np++;
			if (x->s >= 0) {
				P[np].fd = x->s; P[np].revents = 0; P[np].events = 0;
				if (x->est == CONECTA || blen(&x->asrv)) P[np].events |= POLLOUT;
				if (x->est != CONECTA && blen(&x->sal) < MB_SALIDA) P[np].events |= POLLIN;
				if (P[np].events) ps[i] = np++;
			}
		}
		if (poll(P, np, prisa ? 0 : 1000) < 0) continue;
		t = ya();
		for (i = 0; i < lim; i++) {
			con *x = C[i]; short rc = P[pi[i]].revents, rs = ps[i] >= 0 ? P[ps[i]].revents : 0; ssize_t n;
			/* cliente */
			if (x->est == PIDE && (rc & (POLLIN | POLLHUP | POLLERR))) {
				n = recv(x->c, b, sizeof b, 0);
				if (n == 0 || (n < 0 && errno != EAGAIN)) { matar(x); continue; }
				if (n > 0) { bput(&x->ent, b, n); x->ult = t; entrada(x); }
			} else if (rc & (POLLERR | POLLHUP)) { if (x->est != VACIA || blen(&x->sal)) { matar(x); continue; } }
			if ((rc & POLLOUT) && blen(&x->sal)) {
				n = send(x->c, x->sal.p + x->sal.ini, blen(&x->sal), MSG_NOSIGNAL | MSG_DONTWAIT);
				if (n < 0 && errno != EAGAIN) { matar(x); continue; }
				if (n > 0) { x->sal.ini += n; x->ult = t; }
			}
			if (x->est == ARCHIVO && blen(&x->sal) < 65536) {
				n = read(x->fa, b, sizeof b);
				if (n > 0) { bput(&x->sal, b, n); x->bytes += n; } else { x->est = VACIA; }
			}
			/* servidor */
			if (x->s >= 0 && rs) {
				if (x->est == CONECTA) {
					int e = 0; socklen_t le = sizeof e; getsockopt(x->s, SOL_SOCKET, SO_ERROR, &e, &le);
					if (e) { otro(x); continue; }
					x->est = ESPERA; rs |= POLLOUT;
				}
				if ((rs & POLLOUT) && blen(&x->asrv)) {
					n = send(x->s, x->asrv.p + x->asrv.ini, blen(&x->asrv), MSG_NOSIGNAL | MSG_DONTWAIT);
					if (n > 0) { x->asrv.ini += n; x->ult = t; }
					else if (n < 0 && errno != EAGAIN) x->asrv.ini = x->asrv.fin;      // ya no recibe, a ver que contesta
				}
				if (rs & (POLLIN | POLLHUP | POLLERR)) {
					n = recv(x->s, b, sizeof b, MSG_DONTWAIT);
					if (n >= 0 || errno != EAGAIN) { x->ult = t; respuesta(x, b, n); }
				}
			}
			/* fin y tiempos */
			if (x->est == VACIA && !blen(&x->sal)) { if (x->cabok) registra(x); shutdown(x->c, SHUT_WR); matar(x); continue; }
			if (x->est == CONECTA && t - x->ult > 3) { otro(x); continue; }
			if (x->est == ESPERA && t - x->ult > T_BACK) { fallo(x, 504, "Gateway Timeout"); continue; }
			if ((x->est == PASA || x->est == PIDE || x->est == ARCHIVO || x->est == VACIA) && t - x->ult > T_CLI) matar(x);
		}
		if (P[0].revents & POLLIN) while (nc < MAXC) {
			socklen_t l = sizeof d; con *x; int c = accept4(ls, (void *)&d, &l, SOCK_NONBLOCK);
			if (c < 0) break;
			x = calloc(1, sizeof *x); x->c = c; x->s = x->fe = x->fa = -1; x->ult = ya(); strcpy(x->ip, inet_ntoa(d.sin_addr)); C[nc++] = x;
		}
		for (i = j = 0; i < nc; i++) if (C[i]->c >= 0) C[j++] = C[i]; else free(C[i]);
		nc = j;
	}
}
