#include "comun.h"
#include <stdarg.h>
#include <time.h>

void buf_mas(Buf *b, const void *d, size_t n)
{
    if (b->n + n + 1 > b->cap) {
        size_t c = b->cap ? b->cap : 1024;
        while (c < b->n + n + 1) c *= 2;
        b->p = realloc(b->p, c);
        if (!b->p) { perror("realloc"); abort(); }
        b->cap = c;
    }
    if (n) memcpy(b->p + b->n, d, n);
    b->n += n;
    b->p[b->n] = 0;                 /* comodidad para str* en cabeceras */
}

void buf_txt(Buf *b, const char *fmt, ...)
{
    char *s = NULL;
    va_list a;
    va_start(a, fmt);
    int n = vasprintf(&s, fmt, a);
    va_end(a);
    if (n >= 0) { buf_mas(b, s, n); free(s); }
}

void buf_libre(Buf *b) { free(b->p); b->p = NULL; b->n = b->cap = 0; }

long long ahora_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}
