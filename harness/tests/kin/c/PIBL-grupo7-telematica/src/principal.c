/* PIBL grupo 7. Hilo por conexion. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <ctype.h>
#include <unistd.h>
#include <pthread.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <netinet/in.h>
#include "pibl.h"

static void contestar_error(int fd, int codigo, const char *texto, const char *pedido) {
    char r[400];
    int n = snprintf(r, sizeof r, "HTTP/1.1 %d %s\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n"
                     "Connection: close\r\n\r\n%s", codigo, texto, strlen(texto), texto);
    enviar_todo(fd, r, n);
    bitacora("PETICION %s RESPUESTA %d %zu bytes (error)", pedido, codigo, strlen(texto));
}

/* lee el cuerpo de la peticion que falta y lo deja todo en b */
static int completar_cuerpo(int fd, struct bolsa *b, long fin) {
    char t[16384], *cab = strndup(b->datos, fin);
    long largo = 0;
    int trozos = strcasestr(cab, "\ntransfer-encoding: chunked") != NULL;
    char *cl = strstr(cab, "\nContent-Length:");
    if (cl) largo = atol(cl + 16);
    free(cab);
    while (trozos ? (b->tam - fin < 5 || memcmp(b->datos + b->tam - 5, "0\r\n\r\n", 5)) : (long)b->tam < fin + largo) {
        ssize_t k = recv(fd, t, sizeof t, 0);
        if (k <= 0) return -1;
        meter(b, t, k);
    }
    return 0;
}

/* copia la cabecera quitando lo de la conexion y agregando Connection: close */
static void copiar_cabecera(struct bolsa *salida, const char *cab, long fin, int es_peticion) {
    const char *p = cab, *tope = cab + fin - 2;
    while (p < tope) {
        const char *q = memmem(p, tope - p, "\r\n", 2);
        if (!q) break;
        q += 2;
        if (strncasecmp(p, "connection:", 11) && strncasecmp(p, "keep-alive:", 11) &&
            strncasecmp(p, "proxy-connection:", 17) && !(es_peticion && !strncasecmp(p, "expect:", 7)))
            meter(salida, p, q - p);
        p = q;
    }
    meter(salida, "Connection: close\r\n\r\n", 21);
}

static void *atender(void *arg) {
    int fd = (int)(long)arg, cual = 0;
    struct bolsa ped = { 0 }, sale = { 0 }, resp = { 0 }, cab = { 0 }, cuerpo = { 0 };
    char pedido[1200] = "-", metodo[20], *url = NULL, *host = strdup(""), *llave = NULL, t[16384];
    int b = -1;
    poner_tiempo(fd, 20);
    long fin = leer_cabecera(fd, &ped);
    if (fin == 0 || fin == -1) goto salir;
    if (fin == -2) { if (ped.tam) contestar_error(fd, 408, "Request Timeout", pedido); goto salir; }
    if (fin == -3) { contestar_error(fd, 431, "Request Header Fields Too Large", pedido); goto salir; }

    url = malloc(fin);
    char version[20];
    snprintf(pedido, sizeof pedido, "%.*s", (int)strcspn(ped.datos, "\r\n"), ped.datos);
    if (sscanf(ped.datos, "%19[A-Za-z] %[^ \r\n] %19s", metodo, url, version) != 3 || strncmp(version, "HTTP/1.", 7)) {
        contestar_error(fd, 400, "Bad Request", pedido);
        goto salir;
    }
    char *h = strcasestr(ped.datos, "\nhost:");
    if (h && h < ped.datos + fin) {
        free(host);
        h += 6;
        h += strspn(h, " ");
        host = strndup(h, strcspn(h, "\r\n"));
    }
    if (completar_cuerpo(fd, &ped, fin) < 0) { contestar_error(fd, 400, "Bad Request", pedido); goto salir; }

    int es_get = strcmp(metodo, "GET") == 0;
    if (asprintf(&llave, "GET %s %s", host, url) < 0) goto salir;
    if (es_get && cache_buscar(llave, &cab, &cuerpo)) {
        int mal = enviar_todo(fd, cab.datos, cab.tam) < 0 || (cuerpo.tam && enviar_todo(fd, cuerpo.datos, cuerpo.tam) < 0);
        bitacora("PETICION %s RESPUESTA %d %zu bytes (cache)%s", pedido, atoi(cab.datos + 9), cuerpo.tam, mal ? " CORTADA" : "");
        goto salir;
    }

    b = conectar_backend(&cual);
    if (b < 0) { contestar_error(fd, 502, "Bad Gateway", pedido); goto salir; }
    copiar_cabecera(&sale, ped.datos, fin, 1);
    meter(&sale, ped.datos + fin, ped.tam - fin);
    enviar_todo(b, sale.datos, sale.tam);

    long rfin;
    for (;;) {                                  /* se salta los 100 Continue */
        rfin = leer_cabecera(b, &resp);
        if (rfin <= 0 || strncmp(resp.datos + 8, " 1", 2)) break;
        memmove(resp.datos, resp.datos + rfin, resp.tam - rfin);
        resp.tam -= rfin;
    }
    avanzar_turno(cual);
    if (rfin == -2) { contestar_error(fd, 504, "Gateway Timeout", pedido); goto salir; }
    if (rfin <= 0) { contestar_error(fd, 502, "Bad Gateway", pedido); goto salir; }

    int codigo = atoi(resp.datos + 9), entero = 1, cliente_ok;
    copiar_cabecera(&cab, resp.datos, rfin, 0);
    meter(&cuerpo, resp.datos + rfin, resp.tam - rfin);
    cliente_ok = enviar_todo(fd, cab.datos, cab.tam) == 0 && enviar_todo(fd, cuerpo.datos, cuerpo.tam) == 0;

    char *cl = strcasestr(cab.datos, "\ncontent-length:");
    long largo = cl ? atol(cl + 16) : -1;
    if (!strcmp(metodo, "HEAD") || codigo == 204 || codigo == 304) largo = 0;
    while (largo < 0 || (long)cuerpo.tam < largo) {     /* hasta que el servidor cierre */
        ssize_t k = recv(b, t, sizeof t, 0);
        if (k < 0) entero = 0;
        if (k <= 0) break;
        meter(&cuerpo, t, k);
        if (enviar_todo(fd, t, k) < 0) cliente_ok = 0;
    }
    if (largo >= 0 && (long)cuerpo.tam < largo) entero = 0;
    if (largo < 0 && strcasestr(cab.datos, "\ntransfer-encoding: chunked") &&
        (cuerpo.tam < 5 || memcmp(cuerpo.datos + cuerpo.tam - 5, "0\r\n\r\n", 5))) entero = 0;
    if (es_get && codigo == 200 && entero && !strcasestr(cab.datos, "no-store") && !strcasestr(cab.datos, "private"))
        cache_guardar(llave, &cab, &cuerpo);
    bitacora("PETICION %s RESPUESTA %d %zu bytes (servidor %s:%d)%s", pedido, codigo, cuerpo.tam,
             CONF.serv[cual].ip, CONF.serv[cual].puerto, cliente_ok && entero ? "" : " CORTADA");
salir:
    if (b >= 0) close(b);
    shutdown(fd, SHUT_WR);
    poner_tiempo(fd, 1);
    while (recv(fd, t, sizeof t, 0) > 0) ;
    close(fd);
    free(url); free(host); free(llave);
    free(ped.datos); free(sale.datos); free(resp.datos); free(cab.datos); free(cuerpo.datos);
    return NULL;
}

int main(int argc, char **argv) {
    const char *conf = "pibl.xml";
    int o, si = 1;
    CONF.ttl = -1;
    while ((o = getopt(argc, argv, "t:c:")) != -1) {
        if (o == 't') CONF.ttl = atoi(optarg);
        else if (o == 'c') conf = optarg;
    }
    if (CONF.ttl < 0) { fprintf(stderr, "uso: %s -t segundos [-c pibl.xml]\n", argv[0]); return 1; }
    if (cargar_config(conf) < 0) return 1;
    mkdir("cache", 0755);
    if (bitacora_abrir("pibl.log") < 0) { perror("pibl.log"); return 1; }
    int s = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &si, sizeof si);
    struct sockaddr_in d = { 0 };
    d.sin_family = AF_INET;
    d.sin_port = htons(CONF.puerto);
    if (bind(s, (struct sockaddr *)&d, sizeof d) < 0 || listen(s, 200) < 0) { perror("bind"); return 1; }
    printf("PIBL en el puerto %d, ttl %d s, %d servidores\n", CONF.puerto, CONF.ttl, CONF.nserv);
    for (;;) {
        int c = accept(s, NULL, NULL);
        if (c < 0) continue;
        pthread_t h;
        if (pthread_create(&h, NULL, atender, (void *)(long)c) != 0) { close(c); continue; }
        pthread_detach(h);
    }
}
