#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ctype.h>
#include "pibl.h"

conf_t CONF = { 8080, 128, 60, "cache", "logs/pibl.log", {{"",""}}, 0 };

static char *limpiar(char *s){
    char *f;
    while(isspace((unsigned char)*s)) s++;
    f = s + strlen(s);
    while(f > s && isspace((unsigned char)f[-1])) *--f = 0;
    return s;
}
/* formato:   clave = valor      # comentario
 *            servidor = host:puerto      (una linea por servidor) */
int leer_conf(const char *arch){
    FILE *f = fopen(arch,"r"); char l[512]; int n=0;
    if(!f){ perror(arch); return -1; }
    while(fgets(l,sizeof l,f)){
        char *c,*v,*eq;
        n++;
        if((c=strchr(l,'#'))) *c=0;
        c = limpiar(l);
        if(!*c) continue;
        eq = strchr(c,'=');
        if(!eq){ fprintf(stderr,"%s:%d: falta el '=' en \"%s\"\n",arch,n,c); fclose(f); return -1; }
        *eq=0; v=limpiar(eq+1); c=limpiar(c);
        if(!strcmp(c,"puerto")){
            CONF.puerto=atoi(v);
            if(CONF.puerto<=0||CONF.puerto>65535){ fprintf(stderr,"%s:%d: puerto malo\n",arch,n); fclose(f); return -1; }
        }
        else if(!strcmp(c,"hilos")) { CONF.hilos=atoi(v); if(CONF.hilos<2) CONF.hilos=2; }
        else if(!strcmp(c,"cache")) snprintf(CONF.dir,sizeof CONF.dir,"%s",v);
        else if(!strcmp(c,"log")) snprintf(CONF.log,sizeof CONF.log,"%s",v);
        else if(!strcmp(c,"servidor")){
            char *dp=strrchr(v,':');
            if(CONF.nserv==MAXSERV){ fprintf(stderr,"demasiados servidores\n"); fclose(f); return -1; }
            if(!dp) { snprintf(CONF.serv[CONF.nserv].puerto,8,"80"); }
            else { *dp=0; snprintf(CONF.serv[CONF.nserv].puerto,8,"%.6s",dp+1); }
            snprintf(CONF.serv[CONF.nserv].host,128,"%s",v);
            CONF.nserv++;
        }
        else { fprintf(stderr,"%s:%d: no conozco \"%s\"\n",arch,n,c); fclose(f); return -1; }
    }
    fclose(f);
    if(!CONF.nserv){ fprintf(stderr,"%s: no hay ningun servidor\n",arch); return -1; }
    return 0;
}
