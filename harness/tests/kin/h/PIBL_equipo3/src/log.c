#include <stdio.h>
#include <string.h>
#include <time.h>
#include <fcntl.h>
#include <unistd.h>
#include <sys/stat.h>
#include "pibl.h"

static int fdlog=-1;

int abrir_log(void){
    char d[256]; char *b;
    snprintf(d,sizeof d,"%s",CONF.log);
    if((b=strrchr(d,'/'))){ *b=0; mkdir(d,0755); }
    fdlog=open(CONF.log,O_WRONLY|O_CREAT|O_APPEND,0644);
    if(fdlog<0){ perror(CONF.log); return -1; }
    return 0;
}
/* una sola linea por peticion, con un solo write para que no se mezclen los hilos */
void anotar(pet_t *p){
    char l[TAM_CAB+600], h[40]; time_t t=time(NULL); struct tm tm; int n; ssize_t r;
    localtime_r(&t,&tm);
    strftime(h,sizeof h,"%d/%m/%Y %H:%M:%S",&tm);
    n=snprintf(l,sizeof l,"[%s] %s | PETICION %s %s HTTP/1.%d (%zu bytes) | RESPUESTA %d, %zu bytes | %s\n",
        h,p->ip,p->metodo,p->objetivo?p->objetivo:"-",p->menor,p->ncuerpo,p->estado,p->enviados,p->de);
    r=write(fdlog,l,n); r=write(1,l,n); (void)r;
}
