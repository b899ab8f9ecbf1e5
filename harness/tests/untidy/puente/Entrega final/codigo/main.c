/* PIBL - proxy inverso con balanceador de carga
 * uso: pibl <archivo de configuracion> <ttl en segundos>
 */
#include <stdio.h>
#include <stdlib.h>
#include <signal.h>
#include <sys/stat.h>
#include "pibl.h"

config_t cfg;

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "uso: %s <config> <ttl>\n", argv[0]);
        return 1;
    }
    leer_config(argv[1]);
    char *fin;
    cfg.ttl = strtol(argv[2], &fin, 10);
    if (*fin != 0 || cfg.ttl < 0) { fprintf(stderr, "ttl invalido: %s\n", argv[2]); return 1; }

    signal(SIGPIPE, SIG_IGN);
    mkdir(cfg.dir_cache, 0755);
    registro_abrir();

    int fd = abrir_escucha(cfg.puerto);
    if (fd < 0) return 2;
    fprintf(stderr, "PIBL en el puerto %d, %d servidores, ttl %ld\n", cfg.puerto, cfg.nserv, cfg.ttl);
    ciclo_aceptar(fd);
    return 0;
}
