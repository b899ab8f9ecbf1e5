#include "pibl.h"
#include <signal.h>

int ttl;

int main(int argc, char **argv) {
    if (argc < 2) {
        printf("Uso: %s <ttl> [pibl.conf]\n", argv[0]);
        return 1;
    }
    ttl = atoi(argv[1]);
    if (leer_config(argc > 2 ? argv[2] : "pibl.conf") < 0) return 1;
    signal(SIGPIPE, SIG_IGN);
    bitacora_abrir("pibl.log");
    cache_iniciar();

    int s = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in dir;
    memset(&dir, 0, sizeof dir);
    dir.sin_family = AF_INET;
    dir.sin_addr.s_addr = INADDR_ANY;
    dir.sin_port = htons(puerto_escucha);
    if (bind(s, (struct sockaddr *)&dir, sizeof dir) < 0) { perror("bind"); return 1; }
    listen(s, 100);
    printf("PIBL listo en el puerto %d, ttl=%d, %d servidores\n", puerto_escucha, ttl, nserv);
    fflush(stdout);
    for (;;) {
        int *c = malloc(sizeof(int));      /* si no, los hilos se pisan el fd!! */
        *c = accept(s, NULL, NULL);
        if (*c < 0) { free(c); usleep(1000); continue; }
        pthread_t h;
        if (pthread_create(&h, NULL, atender, c) != 0) { close(*c); free(c); continue; }
        pthread_detach(h);
    }
}
