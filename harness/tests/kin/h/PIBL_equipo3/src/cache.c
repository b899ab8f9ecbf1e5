/* cache en disco. Un archivo por recurso:
     linea 1: objetivo
     linea 2: momento en que se guardo (segundos con decimales)
     linea 3: linea de estado
     ...    : cabeceras
     (vacia)
     cuerpo
   Se escribe con otro nombre y al final rename(), asi nunca queda a medias. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <fcntl.h>
#include <unistd.h>
#include <errno.h>
#include <sys/time.h>
#include <sys/stat.h>
#include <pthread.h>
#include "pibl.h"

static double ahora(void){ struct timeval t; gettimeofday(&t,NULL); return t.tv_sec+t.tv_usec/1e6; }

static void nombre(const char *obj,char *out,int max){
    unsigned long long h=1469598103934665603ULL; const unsigned char *s=(const unsigned char*)obj;
    for(;*s;s++){ h^=*s; h*=1099511628211ULL; }
    snprintf(out,max,"%s/%016llx.pibl",CONF.dir,h);
}
static long num=0; static pthread_mutex_t m=PTHREAD_MUTEX_INITIALIZER;

int cache_abrir(guarda_t *g,pet_t *p,int estado,const char *lin1,const char *cab){
    FILE *f; long mio;
    g->fd=-1;
    if(strcmp(p->metodo,"GET")||estado!=200) return 0;
    { char x[8]; if(valor_cab(p->lineas,"Authorization",x,sizeof x)) return 0;
      if(valor_cab(p->lineas,"Range",x,sizeof x)) return 0; }
    if(tiene_palabra(cab,"Cache-Control","no-store")||tiene_palabra(cab,"Cache-Control","private")||
       tiene_palabra(cab,"Cache-Control","no-cache")||tiene_palabra(p->lineas,"Cache-Control","no-store")) return 0;
    nombre(p->objetivo,g->fin,sizeof g->fin);
    pthread_mutex_lock(&m); mio=++num; pthread_mutex_unlock(&m);
    snprintf(g->tmp,sizeof g->tmp,"%s.%d-%ld.tmp",g->fin,(int)getpid(),mio);
    f=fopen(g->tmp,"w");
    if(!f) return 0;
    fprintf(f,"%s\n                    \n%s\n%s\n",p->objetivo,lin1,cab);   /* el hueco del tiempo se llena al final */
    fflush(f);
    g->fd=dup(fileno(f)); fclose(f);
    return 1;
}
void cache_poner(guarda_t *g,const char *b,size_t n){
    while(g->fd>=0&&n){
        ssize_t r=write(g->fd,b,n);
        if(r<=0){ cache_botar(g); return; }
        b+=r; n-=r;
    }
}
void cache_botar(guarda_t *g){ if(g->fd>=0){ close(g->fd); unlink(g->tmp); g->fd=-1; } }
void cache_listo(guarda_t *g){
    char t[32],c; off_t pos=0;
    if(g->fd<0) return;
    { int r=open(g->tmp,O_RDONLY); while(read(r,&c,1)==1&&c!='\n') pos++; close(r); }
    snprintf(t,sizeof t,"%20.6f",ahora());
    if(pwrite(g->fd,t,20,pos+1)!=20){ cache_botar(g); return; }
    close(g->fd); g->fd=-1;
    if(rename(g->tmp,g->fin)) unlink(g->tmp);
}

/* 1 si se respondio desde el cache */
int cache_servir(int cli,pet_t *p){
    char nom[360],*lin,x[8]; FILE *f; double t; size_t n; struct stat st; char *buf; long ini; char cab[400];
    if(strcmp(p->metodo,"GET")||valor_cab(p->lineas,"Authorization",x,sizeof x)) return 0;
    nombre(p->objetivo,nom,sizeof nom);
    f=fopen(nom,"r");
    if(!f) return 0;
    lin=malloc(TAM_CAB+10);
    if(!fgets(lin,TAM_CAB+10,f)) goto no;
    lin[strcspn(lin,"\n")]=0;
    if(strcmp(lin,p->objetivo)) goto no;
    if(!fgets(lin,TAM_CAB,f)) goto no;
    t=atof(lin);
    if(t<=0||ahora()-t>=CONF.ttl) goto no;           /* vencido: se pide otra vez */
    /* estado + cabeceras */
    buf=malloc(2*TAM_CAB+1000); n=0;
    while(fgets(lin,TAM_CAB,f)&&lin[0]!='\n'){ size_t k=strcspn(lin,"\n"); memcpy(buf+n,lin,k); n+=k; buf[n++]='\r'; buf[n++]='\n'; }
    ini=ftell(f); fstat(fileno(f),&st);
    n+=sprintf(buf+n,"Content-Length: %ld\r\nAge: %d\r\nVia: 1.1 pibl-equipo3\r\nConnection: close\r\n\r\n",(long)st.st_size-ini,(int)(ahora()-t));
    (void)cab;
    p->estado=200; strcpy(p->de,"CACHE");
    if(!enviar(cli,buf,n)){
        while((n=fread(buf,1,65536,f))>0){ if(enviar(cli,buf,n)) break; p->enviados+=n; }
    }
    free(buf); free(lin); fclose(f);
    return 1;
no: free(lin); fclose(f); return 0;
}
