#define _GNU_SOURCE
/*
 *  PROXY INVERSO + BALANCEADOR DE CARGA
 *  Telematica - Proyecto I
 *  (no hay README aparte, todo esta explicado aqui)
 *
 *  Introduccion
 *  ------------
 *  El PIBL recibe las peticiones en un puerto (8080) y las reparte por Round Robin.
 *  Un proceso por conexion (fork), asi si un hijo se muere los demas siguen.
 *
 *  Desarrollo
 *  ----------
 *  compilar:   gcc -o pibl pibl.c          (o  sh compilar.sh)
 *  correr:     ./pibl <ttl en segundos> [archivo de configuracion]
 *              por defecto  servidores.cfg
 *  variables de ambiente (opcionales):
 *              PIBL_CACHE  carpeta del cache      (./cache_pibl)
 *              PIBL_LOG    archivo del registro   (./registro.txt)
 *  servidores.cfg: 
 *        PORT 8080
 *        SERVER 10.0.0.1 80
 *        SERVER 10.0.0.2 80
 *  El turno del round robin esta en memoria compartida (mmap) porque cada hijo
 *  tiene su copia de las variables!!  (nos demoramos 2 dias en ver eso)
 *
 *  Conclusiones
 *  ------------
 *  fork es facil pero lento. Con mas tiempo se haria con hilos.
 *
 *  Referencias
 *  -----------
 *  Beej's guide, man 2 fork, RFC 7230
 */
#include <stdio.h>
#include <stdlib.h>
#include <stdarg.h>
#include <string.h>
#include <strings.h>
#include <ctype.h>
#include <unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <time.h>
#include <sys/types.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/time.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <netdb.h>

#define ESPERA_SERVIDOR 8     /* segundos */
#define ESPERA_CLIENTE 20

char *servidores[20]; int puertos[20]; int nser=0; int PUERTO=8080;
double TTL; char *CACHE="cache_pibl", *REG="registro.txt";
unsigned int *turno;   /* compartido */

/* ------- texto que crece ------ */
typedef struct { char *d; size_t n, cap; } T;
void t_add(T *t,const char *x,size_t n){ if(t->n+n+1>t->cap){ t->cap=(t->n+n+1)*2; t->d=realloc(t->d,t->cap); if(!t->d) _exit(9);} memcpy(t->d+t->n,x,n); t->n+=n; t->d[t->n]=0; }
void t_str(T *t,const char *x){ t_add(t,x,strlen(x)); }
void t_f(T *t,const char *f,...){ char b[1024]; va_list a; va_start(a,f); vsnprintf(b,sizeof b,f,a); va_end(a); t_str(t,b); }

int manda(int s,const char *p,size_t n){ while(n){ ssize_t r=write(s,p,n); if(r<0&&errno==EINTR) continue; if(r<=0) return -1; p+=r; n-=r;} return 0; }

void registrar(const char *ip,const char *req,size_t cuerpo,int estado,long bytes,const char *de){
    T t={0}; char h[64]; time_t x=time(0); int f;
    strftime(h,64,"%F %T",localtime(&x));
    t_f(&t,"%s pid=%d cliente=%s ",h,getpid(),ip); t_str(&t,"peticion=\""); t_str(&t,req); t_f(&t,"\" (%zu) respuesta=%d largo=%ld de=%s\n",cuerpo,estado,bytes,de);
    f=open(REG,O_WRONLY|O_APPEND|O_CREAT,0666);
    if(f>=0){ if(write(f,t.d,t.n)<0) perror(REG); close(f); }
    if(write(1,t.d,t.n)<0){}
    free(t.d);
}

/* busca cabecera, devuelve el puntero al valor (termina en \r) y su largo. *desde sirve para seguir buscando */
char *cabecera(char *cab,const char *nombre,int *largo,char **desde){
    char *p=desde&&*desde?*desde:cab; size_t k=strlen(nombre);
    while(p&&*p&&!(p[0]=='\r'&&p[1]=='\n')){
        char *fin=strstr(p,"\r\n"); if(!fin) break;
        if(!strncasecmp(p,nombre,k)&&p[k]==':'){
            char *v=p+k+1; while(*v==' '||*v=='\t') v++;
            *largo=fin-v; while(*largo>0&&(v[*largo-1]==' '||v[*largo-1]=='\t')) (*largo)--;
            if(desde) *desde=fin+2;
            return v;
        }
        p=fin+2;
    }
    return NULL;
}
int contiene(char *cab,const char *nombre,const char *que){
    char *d=NULL,*v; int n; int k=strlen(que);
    while((v=cabecera(cab,nombre,&n,&d))){
        int i=0;
        while(i<n){
            while(i<n&&(v[i]==','||v[i]==' '||v[i]=='\t')) i++;
            int j=i; while(j<n&&v[j]!=','&&v[j]!='='&&v[j]!=';'&&v[j]!=' ') j++;
            if(j-i==k&&!strncasecmp(v+i,que,k)) return 1;
            while(j<n&&v[j]!=',') j++;
            i=j;
        }
    }
    return 0;
}
int quitar(char *lin,char *cab){    /* hop-by-hop */
    char nom[200]; char *l[]={"connection","proxy-connection","keep-alive","te","trailer","transfer-encoding","upgrade","expect",0}; int i;
    char *dp=strchr(lin,':'); if(!dp||dp-lin>199) return 0;
    memcpy(nom,lin,dp-lin); nom[dp-lin]=0;
    for(i=0;l[i];i++) if(!strcasecmp(nom,l[i])) return 1;
    return contiene(cab,"connection",nom);
}

/* lectura con lo que sobro */
typedef struct { int s; T b; size_t pos; int error; } L;
int llenar(L *l){ char x[20000]; ssize_t r;
    if(l->pos>60000){ memmove(l->b.d,l->b.d+l->pos,l->b.n-l->pos+1); l->b.n-=l->pos; l->pos=0; }
    do r=read(l->s,x,sizeof x); while(r<0&&errno==EINTR); if(r<0) l->error=errno; if(r<=0) return r; t_add(&l->b,x,r); return r; }
/* devuelve una cabecera completa (malloc), NULL si no */
char *leer_cab(L *l,int *grande){
    if(grande) *grande=0;
    for(;;){
        char *p,*f;
        if(l->b.n-l->pos>=2){                            /* lineas vacias antes: se botan */
            while(l->b.n-l->pos>=2&&l->b.d[l->pos]=='\r'&&l->b.d[l->pos+1]=='\n') l->pos+=2;
        }
        if(l->b.n>l->pos){
            p=l->b.d+l->pos; f=memmem(p,l->b.n-l->pos,"\r\n\r\n",4);
            if(f){ size_t n=f+4-p; char *c=malloc(n+1); memcpy(c,p,n); c[n]=0; l->pos+=n; if(strlen(c)!=n){ free(c); return NULL; } return c; }
            if(l->b.n-l->pos>70000){ if(grande)*grande=1; return NULL; }
        }
        if(llenar(l)<=0) return NULL;
    }
}
int leer_linea(L *l,char *o,int max){
    for(;;){
        char *f=l->b.n>l->pos?memchr(l->b.d+l->pos,'\n',l->b.n-l->pos):NULL;
        if(f){ int n=f-(l->b.d+l->pos); if(n>=max) return -1; memcpy(o,l->b.d+l->pos,n); l->pos+=n+1; if(n&&o[n-1]=='\r') n--; o[n]=0; return n; }
        if(l->b.n-l->pos>(size_t)max) return -1;
        if(llenar(l)<=0) return -1;
    }
}
ssize_t leer_algo(L *l,char **p,size_t max){
    size_t n;
    if(l->b.n==l->pos){ int r; l->b.n=l->pos=0; r=llenar(l); if(r<=0) return r; }
    n=l->b.n-l->pos; if(n>max) n=max;
    *p=l->b.d+l->pos; l->pos+=n; return n;
}

/* nombre del archivo: letras y numeros quedan, lo demas =XX. Si es muy largo se corta y lleva un numero */
void nombre_archivo(const char *url,char *o){
    int n=sprintf(o,"%s/",CACHE); const char *p; unsigned long long h=5381; int k=0;
    for(p=url;*p;p++) h=h*33+(unsigned char)*p;
    for(p=url;*p&&k<180;p++) if(isalnum((unsigned char)*p)){ o[n++]=*p; k++; } else { n+=sprintf(o+n,"=%02X",(unsigned char)*p); k+=3; }
    if(*p) n+=sprintf(o+n,"~%llx",h);
    o[n]=0;
}
double reloj(){ struct timeval t; gettimeofday(&t,0); return t.tv_sec+t.tv_usec*1e-6; }

void error_http(int s,int cod,const char *txt,const char *ip,const char *req,int head){
    T t={0}; char c[100]; sprintf(c,"Error %d: %s\n",cod,txt);
    t_f(&t,"HTTP/1.1 %d %s\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",cod,txt,strlen(c)); if(!head) t_str(&t,c);
    manda(s,t.d,t.n); registrar(ip,req,0,cod,strlen(c),"PIBL"); free(t.d);
}
int conectar(int i){
    struct hostent *h=gethostbyname(servidores[i]); struct sockaddr_in a; int s; struct timeval tv={3,0};
    if(!h) return -1;
    s=socket(AF_INET,SOCK_STREAM,0); memset(&a,0,sizeof a); a.sin_family=AF_INET; a.sin_port=htons(puertos[i]); memcpy(&a.sin_addr,h->h_addr,4);
    setsockopt(s,SOL_SOCKET,SO_SNDTIMEO,&tv,sizeof tv);      /* en linux vale tambien para connect */
    if(connect(s,(struct sockaddr*)&a,sizeof a)<0){ close(s); return -1; }
    tv.tv_sec=ESPERA_SERVIDOR; setsockopt(s,SOL_SOCKET,SO_RCVTIMEO,&tv,sizeof tv); setsockopt(s,SOL_SOCKET,SO_SNDTIMEO,&tv,sizeof tv);
    return s;
}

char tmp[600]="";
void limpiar_tmp(){ if(tmp[0]) unlink(tmp); tmp[0]=0; }

void hijo(int c,char *ip){
    L l={c}, r={0}; char *cab,*met,*url,*ver,*resto,*v,lin[2048]; int n,grande,tiene=0,menor,head,s=-1,i,est,cach,chunked,sinc,completo=0,trozos,roto=0; T cuerpo={0},q={0},o={0},g={0}; long bytes=0; char *req,arch[1200],de[200]; struct timeval tv={ESPERA_CLIENTE,0}; char *p,*rc; long largo=-1; FILE *f=NULL; char *d;
    setsockopt(c,SOL_SOCKET,SO_RCVTIMEO,&tv,sizeof tv); tv.tv_sec=60; setsockopt(c,SOL_SOCKET,SO_SNDTIMEO,&tv,sizeof tv);
    cab=leer_cab(&l,&grande);
    if(!cab){ if(grande) error_http(c,431,"Request Header Fields Too Large",ip,"-",0); else if(l.b.n>l.pos&&!l.error) error_http(c,400,"Bad Request",ip,"-",0); return; }
    resto=strstr(cab,"\r\n"); *resto=0; resto+=2; req=strdup(cab);
    met=cab; url=strchr(cab,' '); ver=strrchr(cab,' ');
    if(!url||ver<=url||strncmp(ver,  " HTTP/1.",8)||strlen(ver)!=9){ error_http(c,400,"Bad Request",ip,req,0); return; }
    *url++=0; *ver=0; menor=ver[8]-'0';
    if(!strncasecmp(url,"http://",7)){ char *b=strchr(url+7,'/'); url=b?b:"/"; }
    head=!strcmp(met,"HEAD");
    if(contiene(resto,"expect","100-continue")) manda(c,"HTTP/1.1 100 Continue\r\n\r\n",25);
    /* cuerpo */
    if(cabecera(resto,"transfer-encoding",&n,NULL)){
        tiene=1;
        if(!contiene(resto,"transfer-encoding","chunked")){ error_http(c,501,"Not Implemented",ip,req,head); return; }
        for(;;){
            char *fin; unsigned long k;
            if(leer_linea(&l,lin,sizeof lin)<0) return;
            k=strtoul(lin,&fin,16); if(fin==lin||k>1000000000){ error_http(c,400,"Bad Request",ip,req,head); return; }
            if(!k) break;
            while(k){ ssize_t x=leer_algo(&l,&p,k); if(x<=0) return; t_add(&cuerpo,p,x); k-=x; }
            if(leer_linea(&l,lin,sizeof lin)){ error_http(c,400,"Bad Request",ip,req,head); return; }
        }
        while((n=leer_linea(&l,lin,sizeof lin))>0); if(n<0) return;
    } else if((v=cabecera(resto,"content-length",&n,NULL))){
        char *fin; unsigned long k=strtoul(v,&fin,10); tiene=1;
        if(fin!=v+n){ error_http(c,400,"Bad Request",ip,req,head); return; }
        while(k){ ssize_t x=leer_algo(&l,&p,k); if(x<=0) return; t_add(&cuerpo,p,x); k-=x; }
    }
    /* ---- cache ---- */
    cach=!strcmp(met,"GET")&&!cabecera(resto,"authorization",&n,NULL);
    nombre_archivo(url,arch);
    if(cach&&(f=fopen(arch,"rb"))){
        /* formato: "<segundos> <largo de url> <largo de cabecera>\n" url cabecera cuerpo */
        double t; int nu,nc; struct stat st;
        if(fgets(lin,200,f)&&sscanf(lin,"%lf %d %d",&t,&nu,&nc)==3&&reloj()-t<TTL&&nu==(int)strlen(url)){
            char *u=malloc(nu+nc+2); 
            if((int)fread(u,1,nu,f)==nu&&!memcmp(u,url,nu)&&(int)fread(u,1,nc,f)==nc){
                long pos=ftell(f); char bl[30000]; size_t k;
                fstat(fileno(f),&st);
                t_add(&o,u,nc); t_f(&o,"Content-Length: %ld\r\nAge: %d\r\nConnection: close\r\n\r\n",(long)st.st_size-pos,(int)(reloj()-t));
                if(!manda(c,o.d,o.n)) while((k=fread(bl,1,sizeof bl,f))>0){ if(manda(c,bl,k)) break; bytes+=k; }
                registrar(ip,req,0,200,bytes,"cache");
                return;
            }
        }
        fclose(f);
    }
    /* ---- servidor ---- */
    for(i=0;i<nser&&s<0;i++){
        int k=__sync_fetch_and_add(turno,1)%nser;
        s=conectar(k);
        if(s>=0) snprintf(de,sizeof de,"%s:%d",servidores[k],puertos[k]);
    }
    if(s<0){ error_http(c,502,"Bad Gateway",ip,req,head); return; }
    t_str(&q,met); t_str(&q," "); t_str(&q,url); t_str(&q," HTTP/1.1\r\n");
    for(d=resto;!(d[0]=='\r'&&d[1]=='\n');){ char *fin=strstr(d,"\r\n")+2; if(!quitar(d,resto)&&strncasecmp(d,"content-length:",15)) t_add(&q,d,fin-d); d=fin; }
    if(tiene) t_f(&q,"Content-Length: %zu\r\n",cuerpo.n);
    t_f(&q,"X-Forwarded-For: %s\r\nConnection: close\r\n\r\n",ip);
    if(!manda(s,q.d,q.n)&&cuerpo.n) manda(s,cuerpo.d,cuerpo.n);
    r.s=s;
    do {
        rc=leer_cab(&r,NULL);
        if(!rc||sscanf(rc,"HTTP/1.%*d %d",&est)!=1){
            if(r.error==EAGAIN) error_http(c,504,"Gateway Timeout",ip,req,head); else error_http(c,502,"Bad Gateway",ip,req,head);
            return;
        }
    } while(est<200);
    d=strstr(rc,"\r\n")+2;
    sinc=head||est==204||est==304;
    chunked=contiene(d,"transfer-encoding","chunked");
    if(!chunked&&(v=cabecera(d,"content-length",&n,NULL))) largo=atol(v);
    trozos=chunked&&menor>0&&!sinc;
    t_add(&o,"HTTP/1.1",8); t_add(&o,rc+8,d-rc-8); t_add(&g,o.d,o.n);
    { char *x=d; while(!(x[0]=='\r'&&x[1]=='\n')){ char *fin=strstr(x,"\r\n")+2; int cl=!strncasecmp(x,"content-length:",15);
        if(!quitar(x,d)&&!(cl&&chunked)){ t_add(&o,x,fin-x); if(!cl&&strncasecmp(x,"age:",4)) t_add(&g,x,fin-x); }
        x=fin; } }
    if(trozos) t_str(&o,"Transfer-Encoding: chunked\r\n");
    t_str(&o,"Connection: close\r\n\r\n");
    if(cach&&est==200&&!contiene(d,"cache-control","no-store")&&!contiene(d,"cache-control","private")&&!contiene(d,"cache-control","no-cache")&&!contiene(resto,"cache-control","no-store")&&!cabecera(resto,"range",&n,NULL)){
        sprintf(tmp,"%s/.nuevo-%d-%ld",CACHE,getpid(),(long)time(0));
        f=fopen(tmp,"wb");
        if(f){ fprintf(f,"%20.4f %zu %zu\n",0.0,strlen(url),g.n); fwrite(url,1,strlen(url),f); fwrite(g.d,1,g.n,f); }
    } else f=NULL;
    if(manda(c,o.d,o.n)) roto=1;
#define DAR(b,k) do{ char z[30]; if(f) fwrite(b,1,k,f); if(trozos){ sprintf(z,"%lx\r\n",(long)(k)); if(manda(c,z,strlen(z))) roto=1; } if(!roto&&manda(c,b,k)) roto=1; if(!roto&&trozos&&manda(c,"\r\n",2)) roto=1; if(!roto) bytes+=k; }while(0)
    if(sinc) completo=1;
    else if(chunked){
        while(!roto){
            char *fin; unsigned long k; ssize_t x=1;
            if(leer_linea(&r,lin,sizeof lin)<0) break;
            k=strtoul(lin,&fin,16); if(fin==lin) break;
            if(!k){ while((n=leer_linea(&r,lin,sizeof lin))>0); if(n==0) completo=1; break; }
            while(k&&!roto){ x=leer_algo(&r,&p,k); if(x<=0) break; DAR(p,x); k-=x; }
            if(x<=0||leer_linea(&r,lin,sizeof lin)) break;
        }
    } else if(largo>=0){
        while(largo&&!roto){ ssize_t x=leer_algo(&r,&p,largo); if(x<=0) break; DAR(p,x); largo-=x; }
        completo=!largo;
    } else { ssize_t x=0; while(!roto&&(x=leer_algo(&r,&p,20000))>0) DAR(p,x); completo=x==0; }
    if(f){
        if(completo&&!roto){ rewind(f); fprintf(f,"%20.4f",reloj()); if(fclose(f)==0) rename(tmp,arch); tmp[0]=0; }
        else { fclose(f); limpiar_tmp(); }
    }
    registrar(ip,req,cuerpo.n,est,bytes,de);
    if(completo&&!roto&&trozos) manda(c,"0\r\n\r\n",5);
    close(s);
}

int main(int argc,char *argv[]){
    int s,uno=1; struct sockaddr_in a; FILE *f; char lin[300],h[200]; int p; char *cfg=argc>2?argv[2]:"servidores.cfg";
    if(argc<2||(TTL=atof(argv[1]))<=0){ printf("Uso: %s ttl [servidores.cfg]\n",argv[0]); return 1; }
    if(getenv("PIBL_CACHE")) CACHE=getenv("PIBL_CACHE");
    if(getenv("PIBL_LOG")) REG=getenv("PIBL_LOG");
    f=fopen(cfg,"r"); if(!f){ perror(cfg); return 1; }
    while(fgets(lin,sizeof lin,f)){
        if(lin[0]=='#'||lin[strspn(lin," \t\r\n")]==0) continue;
        if(sscanf(lin,"PORT %d",&p)==1&&p>0&&p<65536) PUERTO=p;
        else if(sscanf(lin,"SERVER %199s %d",h,&p)==2&&nser<20){ servidores[nser]=strdup(h); puertos[nser++]=p; }
        else { fprintf(stderr,"%s: linea mala: %s",cfg,lin); return 1; }
    }
    fclose(f);
    if(!nser){ fprintf(stderr,"%s: no hay SERVER\n",cfg); return 1; }
    mkdir(CACHE,0777);
    turno=mmap(NULL,4096,PROT_READ|PROT_WRITE,MAP_SHARED|MAP_ANONYMOUS,-1,0);
    signal(SIGPIPE,SIG_IGN); signal(SIGCHLD,SIG_IGN);
    s=socket(AF_INET,SOCK_STREAM,0); setsockopt(s,SOL_SOCKET,SO_REUSEADDR,&uno,sizeof uno);
    memset(&a,0,sizeof a); a.sin_family=AF_INET; a.sin_port=htons(PUERTO);
    if(bind(s,(struct sockaddr*)&a,sizeof a)<0){ perror("bind"); return 1; }
    listen(s,500);
    printf("escuchando en %d con %d servidores, TTL=%g\n",PUERTO,nser,TTL); fflush(stdout);
    while(1){
        socklen_t n=sizeof a; int c=accept(s,(struct sockaddr*)&a,&n); pid_t pid;
        if(c<0) continue;
        while((pid=fork())<0) usleep(10000);
        if(pid==0){
            char b[4000]; close(s); srand(getpid());
            hijo(c,inet_ntoa(a.sin_addr));
            limpiar_tmp();
            while(recv(c,b,sizeof b,MSG_DONTWAIT)>0);
            shutdown(c,SHUT_WR);
            close(c); _exit(0);
        }
        close(c);
    }
}
