/* PIBL - hilo principal: acepta, junta las cabeceras con poll() y
 * las pasa a una cola; 16 hilos trabajadores las sacan (semaforo). */
#include "comun.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/socket.h>

#define MAX_ESPERA 900
#define PACIENCIA_MS 20000

typedef struct Nodo { Conexion c; struct Nodo *sig; } Nodo;
static Nodo *primero, *ultimo;
static pthread_mutex_t mcola = PTHREAD_MUTEX_INITIALIZER;
static sem_t hay;

static void encolar(Conexion *c)
{
    Nodo *n = malloc(sizeof *n);
    n->c = *c; n->sig = NULL;
    pthread_mutex_lock(&mcola);
    if (ultimo) ultimo->sig = n; else primero = n;
    ultimo = n;
    pthread_mutex_unlock(&mcola);
    sem_post(&hay);
}

static void *trabajador(void *a)
{
    int id = (int)(long)a;
    for (;;) {
        while (sem_wait(&hay)) ;
        pthread_mutex_lock(&mcola);
        Nodo *n = primero;
        primero = n->sig;
        if (!primero) ultimo = NULL;
        pthread_mutex_unlock(&mcola);
        fcntl(n->c.fd, F_SETFL, fcntl(n->c.fd, F_GETFL) & ~O_NONBLOCK);
        atender(&n->c, id);
        buf_libre(&n->c.ent);
        free(n);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    static Conexion esp[MAX_ESPERA];
    static struct pollfd pf[MAX_ESPERA + 1];
    int n = 0, uno = 1;
    leer_config(argc > 1 ? argv[1] : "pibl.env");
    signal(SIGPIPE, SIG_IGN);
    int s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &uno, sizeof uno);
    struct sockaddr_in d = { .sin_family = AF_INET, .sin_port = htons(cfg.puerto) };
    if (bind(s, (struct sockaddr *)&d, sizeof d) || listen(s, 512)) { perror("bind"); return 1; }
    cache_iniciar();
    sem_init(&hay, 0, 0);
    for (long i = 0; i < HILOS; i++) { pthread_t t; pthread_create(&t, NULL, trabajador, (void *)i); }
    printf("*** PIBL en el puerto %d, %d servidores, ttl %ld ms ***\n", cfg.puerto, cfg.nserv, cfg.ttl_ms);
    fflush(stdout);
    for (;;) {
        pf[0].fd = s;
        pf[0].events = n < MAX_ESPERA ? POLLIN : 0;
        for (int i = 0; i < n; i++) { pf[i + 1].fd = esp[i].fd; pf[i + 1].events = POLLIN; pf[i + 1].revents = 0; }
        if (poll(pf, n + 1, 1000) < 0) continue;
        long long t = ahora_ms();
        int quedan = 0, habia = n;
        for (int i = 0; i < habia; i++) {
            Conexion c = esp[i];
            int r = 1, fuera = 0;
            if (pf[i + 1].revents) {
                r = leer_mas(c.fd, &c.ent);
                while (c.ent.n >= 2 && !memcmp(c.ent.p, "\r\n", 2)) {
                    memmove(c.ent.p, c.ent.p + 2, c.ent.n - 1);
                    c.ent.n -= 2;
                }
                if (fin_cabecera(&c.ent) >= 0) { encolar(&c); continue; }
                if (c.ent.n > MAX_CABECERA) { buf_mas(&c.ent, "\r\n\r\n", 4); encolar(&c); continue; }
            }
            fuera = r == 0 || r == -1 || t - c.desde > PACIENCIA_MS;
            if (fuera) { close(c.fd); buf_libre(&c.ent); }
            else esp[quedan++] = c;
        }
        n = quedan;
        if (pf[0].revents & POLLIN) {
            struct sockaddr_in de; socklen_t l = sizeof de;
            while (n < MAX_ESPERA) {
                int fd = accept4(s, (struct sockaddr *)&de, &l, SOCK_NONBLOCK | SOCK_CLOEXEC);
                if (fd < 0) { if (errno == EMFILE) usleep(20000); break; }
                setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &uno, sizeof uno);
                Conexion c = { .fd = fd, .desde = t };
                inet_ntop(AF_INET, &de.sin_addr, c.ip, sizeof c.ip);
                esp[n++] = c;
            }
        }
    }
}
