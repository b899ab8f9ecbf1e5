#include "pibl.h"
static FILE *arch;
static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;

void bitacora_abrir(const char *n) { arch = fopen(n, "a"); if (!arch) perror(n); }

void bitacora(const char *ip, const char *pet, const char *resp, const char *de, long n) {
    char h[64]; time_t t = time(NULL); struct tm tt;
    strftime(h, sizeof h, "%F %T", localtime_r(&t, &tt));
    pthread_mutex_lock(&m);
    printf("%s %s [%s] -> [%s] %s (%ld bytes)\n", h, ip, pet, resp, de, n);
    fflush(stdout);
    if (arch) { fprintf(arch, "%s %s [%s] -> [%s] %s (%ld bytes)\n", h, ip, pet, resp, de, n); fflush(arch); }
    pthread_mutex_unlock(&m);
}
