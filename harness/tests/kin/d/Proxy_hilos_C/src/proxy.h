#ifndef PROXY_H
#define PROXY_H
#define N_HILOS 32
#define COLA 256
#define TAM 65536
typedef struct { char ip[64]; int puerto; } backend_t;
extern backend_t lista[32];
extern int total_backends, mi_puerto, ttl_cache;
/* cache.c */
void cache_init(void);
long cache_leer(const char *url, char **datos);
void cache_guardar(const char *url, const char *d, long n);
/* log.c */
void log_linea(const char *req, const char *resp, long bytes, const char *srv);
#endif
