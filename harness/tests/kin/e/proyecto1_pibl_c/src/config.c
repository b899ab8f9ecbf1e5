#include "pibl.h"

servidor_t servidores[MAX_SERV];
int nserv = 0, puerto_escucha = 8080;

/* formato:
 *   PUERTO 8080
 *   BACKEND 127.0.0.1 9001
 */
int leer_config(const char *archivo) {
    FILE *f = fopen(archivo, "r");
    if (!f) { perror(archivo); return -1; }
    char l[256];
    while (fgets(l, sizeof l, f)) {
        char h[128]; int p;
        if (l[0] == '#' || l[0] == '\n') continue;
        if (sscanf(l, "PUERTO %d", &p) == 1) puerto_escucha = p;
        else if (sscanf(l, "BACKEND %127s %d", h, &p) == 2 && nserv < MAX_SERV) {
            strcpy(servidores[nserv].host, h);
            servidores[nserv].puerto = p;
            servidores[nserv].vivo = 1;
            nserv++;
        }
    }
    fclose(f);
    if (nserv == 0) { printf("config sin BACKEND\n"); return -1; }
    return 0;
}
