#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <unistd.h>
#include <errno.h>
#include <pthread.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include "pibl.h"

/* cola de conexiones para el pool */
#define COLA 2048
static struct { int fd; char ip[64]; } cola[COLA];
static int ini=0,cuantos=0;
static pthread_mutex_t mc=PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t hay=PTHREAD_COND_INITIALIZER, cabe=PTHREAD_COND_INITIALIZER;

static void atender(int fd,const char *ip){
    pet_t p; lec_t *l=malloc(sizeof *l); int r; struct timeval tv={15,0}; char basura[4096];
    memset(&p,0,sizeof p); snprintf(p.ip,sizeof p.ip,"%s",ip); strcpy(p.de,"-"); strcpy(p.metodo,"-");
    l->fd=fd; l->i=l->n=0;
    setsockopt(fd,SOL_SOCKET,SO_RCVTIMEO,&tv,sizeof tv);
    tv.tv_sec=60; setsockopt(fd,SOL_SOCKET,SO_SNDTIMEO,&tv,sizeof tv);
    r=leer_peticion(l,&p);
    if(r>0){ responder_error(fd,&p,r,r==431?"Request Header Fields Too Large":r==413?"Content Too Large":r==501?"Not Implemented":"Bad Request"); anotar(&p);
             shutdown(fd,SHUT_WR); tv.tv_sec=1; setsockopt(fd,SOL_SOCKET,SO_RCVTIMEO,&tv,sizeof tv); { int k=0; while(k++<300&&recv(fd,basura,sizeof basura,0)>0); } }
    else if(r==0){
        if(!cache_servir(fd,&p)) reenviar(fd,&p);
        anotar(&p);
    }
    while(recv(fd,basura,sizeof basura,MSG_DONTWAIT)>0);
    shutdown(fd,SHUT_WR);
    close(fd);
    free(l); free(p.objetivo); free(p.lineas); free(p.cuerpo);
}
static void *obrero(void *x){
    (void)x;
    for(;;){
        int fd; char ip[64];
        pthread_mutex_lock(&mc);
        while(!cuantos) pthread_cond_wait(&hay,&mc);
        fd=cola[ini].fd; strcpy(ip,cola[ini].ip); ini=(ini+1)%COLA; cuantos--;
        pthread_cond_signal(&cabe);
        pthread_mutex_unlock(&mc);
        atender(fd,ip);
    }
    return NULL;
}
static void uso(const char *yo){ fprintf(stderr,"Uso: %s [-c pibl.conf] -t TTL_segundos [-p puerto]\n",yo); exit(2); }

int main(int argc,char **argv){
    int op,s,uno=1,i,pto=0; const char *arch="pibl.conf"; struct sockaddr_in a; pthread_t h; pthread_attr_t at; double ttl=-1;
    while((op=getopt(argc,argv,"c:t:p:h"))!=-1) switch(op){
        case 'c': arch=optarg; break;
        case 't': ttl=atof(optarg); if(ttl<=0) uso(argv[0]); break;
        case 'p': pto=atoi(optarg); break;
        default: uso(argv[0]);
    }
    if(leer_conf(arch)) return 1;
    if(ttl>0) CONF.ttl=ttl;
    if(pto) CONF.puerto=pto;
    signal(SIGPIPE,SIG_IGN);
    mkdir(CONF.dir,0755);
    if(abrir_log()) return 1;
    s=socket(AF_INET,SOCK_STREAM,0);
    setsockopt(s,SOL_SOCKET,SO_REUSEADDR,&uno,sizeof uno);
    memset(&a,0,sizeof a); a.sin_family=AF_INET; a.sin_addr.s_addr=INADDR_ANY; a.sin_port=htons(CONF.puerto);
    if(bind(s,(void*)&a,sizeof a)){ perror("bind"); return 1; }
    if(listen(s,SOMAXCONN)){ perror("listen"); return 1; }
    pthread_attr_init(&at); pthread_attr_setstacksize(&at,512*1024);
    for(i=0;i<CONF.hilos;i++) if(pthread_create(&h,&at,obrero,NULL)){ perror("hilo"); break; }
    printf("PIBL en el puerto %d, %d servidores, ttl %.1f s, %d hilos\n",CONF.puerto,CONF.nserv,CONF.ttl,i); fflush(stdout);
    for(;;){
        socklen_t la=sizeof a; int c=accept(s,(void*)&a,&la);
        if(c<0){ if(errno==EMFILE||errno==ENFILE) usleep(20000); continue; }
        pthread_mutex_lock(&mc);
        while(cuantos==COLA) pthread_cond_wait(&cabe,&mc);
        i=(ini+cuantos)%COLA; cola[i].fd=c; strcpy(cola[i].ip,inet_ntoa(a.sin_addr)); cuantos++;
        pthread_cond_signal(&hay);
        pthread_mutex_unlock(&mc);
    }
}
