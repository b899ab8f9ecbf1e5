#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>
#include <netdb.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/time.h>
#include "pibl.h"

static int turno=0; static pthread_mutex_t mt=PTHREAD_MUTEX_INITIALIZER;

static int conectar(servidor_t *s){
    struct addrinfo h,*r=NULL; int fd,fl; struct pollfd pf; int err=0; socklen_t le=sizeof err;
    struct timeval tv={10,0};
    memset(&h,0,sizeof h); h.ai_family=AF_INET; h.ai_socktype=SOCK_STREAM;
    if(getaddrinfo(s->host,s->puerto,&h,&r)||!r) return -1;
    fd=socket(AF_INET,SOCK_STREAM,0);
    if(fd<0){ freeaddrinfo(r); return -1; }
    fl=fcntl(fd,F_GETFL); fcntl(fd,F_SETFL,fl|O_NONBLOCK);
    if(connect(fd,r->ai_addr,r->ai_addrlen)<0){
        if(errno!=EINPROGRESS) goto mal;
        pf.fd=fd; pf.events=POLLOUT;
        if(poll(&pf,1,3000)<=0) goto mal;
        getsockopt(fd,SOL_SOCKET,SO_ERROR,&err,&le);
        if(err) goto mal;
    }
    fcntl(fd,F_SETFL,fl);
    setsockopt(fd,SOL_SOCKET,SO_RCVTIMEO,&tv,sizeof tv);
    setsockopt(fd,SOL_SOCKET,SO_SNDTIMEO,&tv,sizeof tv);
    freeaddrinfo(r);
    return fd;
mal: close(fd); freeaddrinfo(r); return -1;
}
/* ROUND ROBIN: cada intento toma el siguiente turno, si no conecta se pasa al otro */
int conectar_turno(char *quien){
    int k;
    for(k=0;k<CONF.nserv;k++){
        int i,fd;
        pthread_mutex_lock(&mt); i=turno; turno=(turno+1)%CONF.nserv; pthread_mutex_unlock(&mt);
        fd=conectar(&CONF.serv[i]);
        if(fd>=0){ snprintf(quien,160,"%s:%s",CONF.serv[i].host,CONF.serv[i].puerto); return fd; }
        fprintf(stderr,"no responde %s:%s\n",CONF.serv[i].host,CONF.serv[i].puerto);
    }
    return -1;
}
void responder_error(int cli,pet_t *p,int cod,const char *txt){
    char b[600],c[200]; int k=snprintf(c,sizeof c,"<html><body><h1>%d %s</h1>PIBL equipo 3</body></html>\n",cod,txt);
    int n=snprintf(b,sizeof b,"HTTP/1.1 %d %s\r\nContent-Type: text/html\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",cod,txt,k,strcmp(p->metodo,"HEAD")?c:"");
    p->estado=cod; p->enviados=k;
    enviar(cli,b,n);
}

typedef struct { int cli; pet_t *p; guarda_t g; int trozos; int roto; } sal_t;
static void dar(sal_t *s,const char *b,size_t n){
    if(!n) return;
    if(s->trozos){ char t[20]; int k=sprintf(t,"%zx\r\n",n); if(enviar(s->cli,t,k)) s->roto=1; }
    if(!s->roto&&enviar(s->cli,b,n)) s->roto=1;
    if(!s->roto&&s->trozos&&enviar(s->cli,"\r\n",2)) s->roto=1;
    if(!s->roto) s->p->enviados+=n;
    cache_poner(&s->g,b,n);
}

void reenviar(int cli,pet_t *p){
    int fd=conectar_turno(p->de); char *buf,*lin,*cab; size_t n,ncab; const char *s; lec_t *l; char l1[512],v[64]; int est,r,sincuerpo,completo=0; sal_t o;
    if(fd<0){ strcpy(p->de,"ninguno"); responder_error(cli,p,502,"Bad Gateway"); return; }
    buf=malloc(strlen(p->lineas)*2+TAM_CAB+1000);
    n=sprintf(buf,"%s %s HTTP/1.1\r\n",p->metodo,p->objetivo);
    for(s=p->lineas;*s;){
        const char *f=strchr(s,'\n');
        if(!es_de_salto(s,p->lineas)&&strncasecmp(s,"Content-Length:",15)&&strncasecmp(s,"Expect:",7)){
            memcpy(buf+n,s,f-s); n+=f-s; buf[n++]='\r'; buf[n++]='\n';
        }
        s=f+1;
    }
    if(p->hay_cuerpo) n+=sprintf(buf+n,"Content-Length: %zu\r\n",p->ncuerpo);
    n+=sprintf(buf+n,"X-Forwarded-For: %s\r\nVia: 1.%d pibl-equipo3\r\nConnection: close\r\n\r\n",p->ip,p->menor);
    if(enviar(fd,buf,n)||(p->ncuerpo&&enviar(fd,p->cuerpo,p->ncuerpo))){
        /* a lo mejor contesto antes de leer todo, seguimos y miramos */
    }
    free(buf);
    l=malloc(sizeof *l); l->fd=fd; l->i=l->n=0;
    lin=malloc(TAM_CAB); cab=malloc(2*TAM_CAB);
    memset(&o,0,sizeof o); o.cli=cli; o.p=p; o.g.fd=-1;
otra:
    errno=0;
    r=lec_linea(l,l1,sizeof l1);
    if(r<0||sscanf(l1,"HTTP/%*d.%*d %d",&est)!=1){
        if(r==-1&&(errno==EAGAIN||errno==EWOULDBLOCK)) responder_error(cli,p,504,"Gateway Timeout");
        else responder_error(cli,p,502,"Bad Gateway");
        goto fin;
    }
    for(ncab=0,cab[0]=0;;){
        r=lec_linea(l,lin,TAM_CAB);
        if(r<0||ncab+r+2>2*TAM_CAB){ responder_error(cli,p,r==-1?504:502,r==-1?"Gateway Timeout":"Bad Gateway"); goto fin; }
        if(!r) break;
        memcpy(cab+ncab,lin,r); ncab+=r; cab[ncab++]='\n'; cab[ncab]=0;
    }
    if(est>=100&&est<200) goto otra;
    p->estado=est;
    sincuerpo=!strcmp(p->metodo,"HEAD")||est==204||est==304;
    {   /* cabeceras para el cliente y para el archivo */
        char *out=malloc(4*TAM_CAB),*gua=malloc(2*TAM_CAB); size_t a,b=0; long len=-1; int chk;
        gua[0]=0;
        chk=tiene_palabra(cab,"Transfer-Encoding","chunked");
        if(!chk&&valor_cab(cab,"Content-Length",v,sizeof v)) len=atol(v);
        a=sprintf(out,"HTTP/1.1 %s\r\n",strchr(l1,' ')+1);
        for(s=cab;*s;){
            const char *f=strchr(s,'\n'); int cl=!strncasecmp(s,"Content-Length:",15);
            if(!es_de_salto(s,cab)&&!(cl&&chk)){
                memcpy(out+a,s,f-s); a+=f-s; out[a++]='\r'; out[a++]='\n';
                if(!cl&&strncasecmp(s,"Age:",4)){ memcpy(gua+b,s,f-s+1); b+=f-s+1; gua[b]=0; }
            }
            s=f+1;
        }
        o.trozos=chk&&!sincuerpo&&p->menor>=1;
        if(o.trozos) a+=sprintf(out+a,"Transfer-Encoding: chunked\r\n");
        a+=sprintf(out+a,"Via: 1.1 pibl-equipo3\r\nConnection: close\r\n\r\n");
        if(!sincuerpo){ char e[560]; snprintf(e,sizeof e,"HTTP/1.1 %s",strchr(l1,' ')+1); cache_abrir(&o.g,p,est,e,gua); }
        if(enviar(cli,out,a)) o.roto=1;
        free(out); free(gua);
        if(sincuerpo) completo=1;
        else if(chk){
            while(!o.roto){
                unsigned long t; char *f;
                if(lec_linea(l,lin,1000)<0) break;
                t=strtoul(lin,&f,16); if(f==lin) break;
                if(!t){ while((r=lec_linea(l,lin,TAM_CAB))>0); completo=(r==0); break; }
                while(t&&!o.roto){ r=lec_bytes(l,cab,t>BLOQUE?BLOQUE:t); if(r<=0) goto cortado; dar(&o,cab,r); t-=r; }
                if(lec_linea(l,lin,100)!=0) break;
            }
            if(completo&&o.trozos&&enviar(cli,"0\r\n\r\n",5)) o.roto=1;
        } else if(len>=0){
            while(len&&!o.roto){ r=lec_bytes(l,cab,len>BLOQUE?BLOQUE:len); if(r<=0) goto cortado; dar(&o,cab,r); len-=r; }
            completo=!len;
        } else {
            while(!o.roto&&(r=lec_bytes(l,cab,BLOQUE))>0) dar(&o,cab,r);
            completo=!o.roto&&r==0;
        }
    }
cortado:
    if(completo&&!o.roto) cache_listo(&o.g); else cache_botar(&o.g);
    if(!completo) strcat(p->de," (cortado)");
fin:
    close(fd); free(l); free(lin); free(cab);
}
