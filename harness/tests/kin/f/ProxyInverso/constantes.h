/* constantes.h  --  cambiar aqui y volver a compilar */
#ifndef CONSTANTES_H
#define CONSTANTES_H

#ifndef PUERTO
#define PUERTO          8080
#endif

/* segundos que vive un recurso en la cache */
#ifndef TTL
#define TTL             60
#endif

#ifndef ARCHIVO_LOG
#define ARCHIVO_LOG     "logs/proxy.log"
#endif

#ifndef CARPETA_CACHE
#define CARPETA_CACHE   "cache"
#endif

/* servidores web (ip, puerto) */
#ifndef SERVIDORES
#define SERVIDORES      { "10.0.2.11", 80 }, { "10.0.2.12", 80 }, { "10.0.2.13", 80 }
#endif

#define ESPERA_SERVIDOR 10      /* segundos */
#define ESPERA_CLIENTE  20
#define TAM_CABECERA    32768
#define TAM_BLOQUE      16384

#endif
