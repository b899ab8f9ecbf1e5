#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <ctype.h>
#include <errno.h>
#include <unistd.h>
#include <sys/socket.h>
#include "pibl.h"

int lec_llenar(lec_t *l){
    int r;
    if(l->i<l->n) return l->n-l->i;
    do r=recv(l->fd,l->b,sizeof l->b,0); while(r<0&&errno==EINTR);
    l->i=0; l->n=r>0?r:0;
    return r;
}
int lec_linea(lec_t *l, char *out, int max){
    int k=0;
    for(;;){
        int r; char c;
        if(l->i>=l->n){ r=lec_llenar(l); if(r<=0) return r<0?-1:-2; }
        c=l->b[l->i++];
        if(c=='\n'){ if(k&&out[k-1]=='\r') k--; out[k]=0; return k; }
        if(k>=max-1) return -3;
        out[k++]=c;
    }
}
int lec_bytes(lec_t *l, char *out, int max){
    int r=lec_llenar(l);
    if(r<=0) return r;
    r=l->n-l->i; if(r>max) r=max;
    memcpy(out,l->b+l->i,r); l->i+=r;
    return r;
}
int enviar(int fd,const void *b,size_t n){
    const char *p=b;
    while(n){
        ssize_t r=send(fd,p,n,MSG_NOSIGNAL);
        if(r<0){ if(errno==EINTR) continue; return -1; }
        p+=r; n-=r;
    }
    return 0;
}
/* busca una cabecera en el bloque de lineas terminadas en \n */
char *valor_cab(const char *ls,const char *nom,char *out,int max){
    size_t k=strlen(nom);
    while(*ls){
        const char *f=strchr(ls,'\n'); 
        if(!strncasecmp(ls,nom,k)&&ls[k]==':'){
            const char *v=ls+k+1; int n;
            while(*v==' '||*v=='\t') v++;
            n=f-v; while(n>0&&isspace((unsigned char)v[n-1])) n--;
            if(n>=max) n=max-1;
            memcpy(out,v,n); out[n]=0;
            return out;
        }
        ls=f+1;
    }
    return NULL;
}
/* mira en TODAS las cabeceras con ese nombre si esta la palabra (separadas por coma) */
int tiene_palabra(const char *ls,const char *nom,const char *pal){
    size_t k=strlen(nom), kp=strlen(pal);
    while(*ls){
        const char *f=strchr(ls,'\n');
        if(!strncasecmp(ls,nom,k)&&ls[k]==':'){
            const char *v=ls+k+1;
            while(v<f){
                while(v<f&&(*v==' '||*v=='\t'||*v==',')) v++;
                if((size_t)(f-v)>=kp&&!strncasecmp(v,pal,kp)&&!isalnum((unsigned char)v[kp])&&v[kp]!='-') return 1;
                while(v<f&&*v!=',') v++;
            }
        }
        ls=f+1;
    }
    return 0;
}
static const char *SALTO[]={"Connection","Proxy-Connection","Keep-Alive","TE","Trailer","Transfer-Encoding","Upgrade",NULL};
int es_de_salto(const char *lin,const char *ls){
    char nom[128]; int i; const char *dp=strchr(lin,':');
    if(!dp||dp-lin>=(int)sizeof nom) return 0;
    memcpy(nom,lin,dp-lin); nom[dp-lin]=0;
    for(i=0;SALTO[i];i++) if(!strcasecmp(nom,SALTO[i])) return 1;
    return tiene_palabra(ls,"Connection",nom);
}

static int cuerpo_trozos(lec_t *l,pet_t *p){
    char lin[1024]; size_t cap=0;
    for(;;){
        unsigned long t; char *fin;
        if(lec_linea(l,lin,sizeof lin)<0) return -1;
        t=strtoul(lin,&fin,16);
        if(fin==lin) return 400;
        if(t==0) break;
        if(t>(1ul<<30)||p->ncuerpo+t>(1ul<<30)) return 413;
        if(p->ncuerpo+t>cap){ cap=(p->ncuerpo+t)*2; p->cuerpo=realloc(p->cuerpo,cap); }
        while(t){
            int r=lec_bytes(l,p->cuerpo+p->ncuerpo,t>BLOQUE?BLOQUE:t);
            if(r<=0) return -1;
            p->ncuerpo+=r; t-=r;
        }
        if(lec_linea(l,lin,sizeof lin)!=0) return 400;
    }
    while(1){ int n=lec_linea(l,lin,sizeof lin); if(n<0) return -1; if(n==0) break; }
    return 0;
}

int leer_peticion(lec_t *l,pet_t *p){
    char *lin=malloc(TAM_CAB),*obj,*ver; char v[64]; int n,tot=0,vacias=0;
    size_t cap=2048,k=0;
    p->lineas=malloc(cap); p->lineas[0]=0;
    do { n=lec_linea(l,lin,TAM_CAB); } while(n==0&&++vacias<5);
    if(n==-3){ free(lin); return 431; }
    if(n<=0){ free(lin); return -1; }
    obj=strchr(lin,' ');
    if(!obj||obj-lin>30){ free(lin); return 400; }
    *obj++=0; ver=strrchr(obj,' ');
    if(!ver||strncmp(ver+1,"HTTP/1.",7)||!isdigit((unsigned char)ver[8])){ free(lin); return 400; }
    *ver=0; p->menor=ver[8]-'0';
    strcpy(p->metodo,lin);
    if(!strncasecmp(obj,"http://",7)){          /* forma absoluta */
        char *b=strchr(obj+7,'/');
        p->objetivo=strdup(b?b:"/");
    } else p->objetivo=strdup(obj);
    if(p->objetivo[0]!='/'&&strcmp(p->objetivo,"*")){ free(lin); return 400; }
    for(;;){
        n=lec_linea(l,lin,TAM_CAB);
        if(n==-3||(n>0&&(tot+=n)>TAM_CAB)){ free(lin); return 431; }
        if(n<0){ free(lin); return -1; }
        if(n==0) break;
        if(!strchr(lin,':')||lin[0]==':'||lin[0]==' '){ free(lin); return 400; }
        if(k+n+2>cap){ cap=(k+n+2)*2; p->lineas=realloc(p->lineas,cap); }
        memcpy(p->lineas+k,lin,n); k+=n; p->lineas[k++]='\n'; p->lineas[k]=0;
    }
    free(lin);
    if(tiene_palabra(p->lineas,"Expect","100-continue")) enviar(l->fd,"HTTP/1.1 100 Continue\r\n\r\n",25);
    if(valor_cab(p->lineas,"Transfer-Encoding",v,sizeof v)){
        if(!tiene_palabra(p->lineas,"Transfer-Encoding","chunked")) return 501;
        p->hay_cuerpo=1;
        return cuerpo_trozos(l,p);
    }
    if(valor_cab(p->lineas,"Content-Length",v,sizeof v)){
        char *f; unsigned long t=strtoul(v,&f,10); size_t ya=0;
        if(f==v||*f) return 400;
        if(t>(1ul<<30)) return 413;
        p->hay_cuerpo=1; p->ncuerpo=t; p->cuerpo=malloc(t+1);
        while(ya<t){
            int r=lec_bytes(l,p->cuerpo+ya,t-ya>BLOQUE?BLOQUE:t-ya);
            if(r<=0) return -1;
            ya+=r;
        }
    }
    return 0;
}
