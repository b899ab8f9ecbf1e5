#include "comun.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static int fd = -1;

void registrar(const char *ip, const char *met, const char *url, const char *srv,
               int estado, size_t bytes, const char *cache, long long ms)
{
    Buf b = {0};
    char h[40];
    time_t t = time(NULL);
    struct tm tm;
    localtime_r(&t, &tm);
    strftime(h, sizeof h, "%d/%m/%Y %H:%M:%S", &tm);
    buf_txt(&b, "%s;%s;%s;%s;%s;%d;%zu;%s;%lld\n", h, ip, met, url, srv, estado, bytes, cache, ms);
    pthread_mutex_lock(&m);
    if (fd < 0) {                       /* se crea cuando llega el primer pedido */
        char d[256];
        snprintf(d, sizeof d, "%s", cfg.registro);
        for (char *p = d + 1; (p = strchr(p, '/')); p++) { *p = 0; mkdir(d, 0755); *p = '/'; }
        fd = open(cfg.registro, O_WRONLY | O_CREAT | O_APPEND, 0644);
    }
    if (fd >= 0 && write(fd, b.p, b.n) < 0) perror("registro");
    fwrite(b.p, 1, b.n, stdout);
    fflush(stdout);
    pthread_mutex_unlock(&m);
    buf_libre(&b);
}
