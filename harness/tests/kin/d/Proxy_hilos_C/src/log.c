#include <stdio.h>
#include <string.h>
#include <time.h>
#include <pthread.h>
#include "proxy.h"
static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;

void log_linea(const char *req, const char *resp, long bytes, const char *srv) {
    char t[40];
    time_t n = time(NULL);
    struct tm tm;
    localtime_r(&n, &tm);
    strftime(t, 40, "%F %T", &tm);
    pthread_mutex_lock(&m);
    printf("%s | %s | %s | %ld bytes | %s\n", t, req, resp, bytes, srv);
    fflush(stdout);
    FILE *f = fopen("proxy.log", "a");
    if (f) {
        fprintf(f, "%s | %s | %s | %ld bytes | %s\n", t, req, resp, bytes, srv);
        fclose(f);
    }
    pthread_mutex_unlock(&m);
}
