/*
  BALANZA  proxy inverso + balanceo round robin + cache
  Telematica - proyecto 1
  un proceso (fork) por cada cliente
*/
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <signal.h>
#include <time.h>
#include <sys/types.h>
#include <sys/stat.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <arpa/inet.h>

#define TAM 16384

char ips[20][64];
int puertos[20];
int cuantos = 0;
int puerto = 8080;
char archivo_log[200] = "balanza.log";
char carpeta[200] = "cache";
int TTL;

void leer_cfg(){
	char linea[300];
	FILE *f = fopen("balanza.cfg","r");
	if(f==NULL){ perror("balanza.cfg"); exit(1); }
	while(fgets(linea,300,f)!=NULL){
		linea[strcspn(linea,"\r\n")]='\0';
		if(linea[0]=='#' || linea[0]=='\0') continue;
		char *valor = strchr(linea,'=');
		if(valor==NULL){ printf("linea mala en balanza.cfg: %s\n",linea); exit(1); }
		*valor='\0'; valor++;
		if(strcmp(linea,"puerto")==0) puerto=atoi(valor);
		else if(strcmp(linea,"servidor")==0){
			char *dp=strchr(valor,':');
			if(dp==NULL){ printf("servidor sin puerto: %s\n",valor); exit(1); }
			*dp='\0';
			strcpy(ips[cuantos],valor);
			puertos[cuantos]=atoi(dp+1);
			cuantos++;
		}
		else if(strcmp(linea,"log")==0) strcpy(archivo_log,valor);
		else if(strcmp(linea,"cache")==0) strcpy(carpeta,valor);
	}
	fclose(f);
	if(cuantos==0){ printf("no hay servidores\n"); exit(1); }
}

void escribir_log(char *cliente,char *peticion,char *respuesta,int bytes,char *de){
	char fecha[50];
	time_t t=time(NULL);
	strftime(fecha,50,"%d/%m/%Y %H:%M:%S",localtime(&t));
	FILE *f=fopen(archivo_log,"a");
	if(f!=NULL){
		fprintf(f,"%s | %s | %s | %s | %d | %s\n",fecha,cliente,peticion,respuesta,bytes,de);
		fclose(f);
	}
	printf("%s | %s | %s | %s | %d | %s\n",fecha,cliente,peticion,respuesta,bytes,de);
	fflush(stdout);
}

int enviar(int fd,char *p,int n){
	int total=0,k;
	while(total<n){
		k=send(fd,p+total,n-total,0);
		if(k<=0) return -1;
		total+=k;
	}
	return total;
}

int conectar(int i){
	struct sockaddr_in d;
	int s=socket(AF_INET,SOCK_STREAM,0);
	memset(&d,0,sizeof(d));
	d.sin_family=AF_INET;
	d.sin_port=htons(puertos[i]);
	inet_pton(AF_INET,ips[i],&d.sin_addr);
	if(connect(s,(struct sockaddr*)&d,sizeof(d))<0){ close(s); return -1; }
	return s;
}

/* /img/foto.png?x=1  ->  cache/_img_foto.png_x=1 */
void nombre_cache(char *url,char *dst){
	int i,j=strlen(carpeta);
	strcpy(dst,carpeta);
	dst[j++]='/';
	for(i=0;url[i]!='\0';i++){
		if(url[i]=='/' || url[i]=='?') dst[j++]='_';
		else dst[j++]=url[i];
	}
	dst[j]='\0';
}

void atender(int c,int turno,char *cliente){
	char *pet=malloc(TAM*4+1),*buf=malloc(TAM+1);
	int n,total=0;
	char *fin=NULL;
	// leer la cabecera completa
	while(fin==NULL && total<TAM*4){
		n=recv(c,pet+total,TAM*4-total,0);
		if(n<=0) return;
		total+=n;
		pet[total]='\0';
		fin=strstr(pet,"\r\n\r\n");
	}
	if(fin==NULL) return;
	char metodo[20],linea[9000],url[8192];
	if(sscanf(pet,"%19s %8191s",metodo,url)!=2) return;
	int ll=strcspn(pet,"\r\n");
	if(ll>8999) ll=8999;
	memcpy(linea,pet,ll); linea[ll]='\0';
	// si falta el cuerpo del POST leer otra vez
	char *cl=strcasestr(pet,"\r\nContent-Length:");
	if(cl!=NULL && cl<fin){
		int falta=atoi(cl+17)-(total-(int)(fin+4-pet));
		if(falta>0){
			n=recv(c,pet+total,TAM*4-total,0);
			if(n>0) total+=n;
		}
	}
	char nom[9000];
	struct stat st;
	nombre_cache(url,nom);
	if(strcmp(metodo,"GET")==0 && stat(nom,&st)==0){
		if(time(NULL)-st.st_mtime<TTL){
			FILE *f=fopen(nom,"r");
			while((n=fread(buf,1,TAM,f))>0) enviar(c,buf,n);
			fclose(f);
			return;
		}
		unlink(nom);
	}
	// buscar un servidor vivo empezando por el que toca
	int s=-1,i,b=0;
	for(i=0;i<cuantos && s<0;i++){
		b=(turno+i)%cuantos;
		s=conectar(b);
	}
	if(s<0){
		char *e="HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nContent-Length: 21\r\nConnection: close\r\n\r\nNo hay servidores :( ";
		enviar(c,e,strlen(e));
		escribir_log(cliente,linea,"HTTP/1.1 503",21,"-");
		return;
	}
	enviar(s,pet,total);
	FILE *fc=NULL;
	if(strcmp(metodo,"GET")==0) fc=fopen(nom,"w");
	char estado[200]="";
	int recibido=0,largo=-1,cab=0;
	while((n=recv(s,buf,TAM,0))>0){
		buf[n]='\0';
		if(estado[0]=='\0'){
			sscanf(buf,"%199[^\r\n]",estado);
			char *h=strstr(buf,"\r\n\r\n");
			char *l=strcasestr(buf,"Content-Length:");
			if(h!=NULL){
				cab=h+4-buf;
				if(l!=NULL && l<h) largo=atoi(l+15);
			}
		}
		enviar(c,buf,n);
		if(fc!=NULL) fwrite(buf,1,strlen(buf),fc);
		recibido+=n;
		if(strcmp(metodo,"HEAD")==0 || strstr(estado," 204")!=NULL || strstr(estado," 304")!=NULL) break;
		if(largo>=0 && recibido>=cab+largo) break;
		if(largo<0 && n>=5 && memcmp(buf+n-5,"0\r\n\r\n",5)==0) break;   // ultimo chunk
	}
	if(fc!=NULL) fclose(fc);
	close(s);
	char de[100];
	sprintf(de,"%s:%d",ips[b],puertos[b]);
	escribir_log(cliente,linea,estado,recibido-cab,de);
}

int main(int argc,char *argv[]){
	if(argc<2){ printf("Uso: %s TTL\n",argv[0]); return 1; }
	TTL=atoi(argv[1]);
	leer_cfg();
	mkdir(carpeta,0777);
	signal(SIGCHLD,SIG_IGN);
	int s=socket(AF_INET,SOCK_STREAM,0),uno=1;
	setsockopt(s,SOL_SOCKET,SO_REUSEADDR,&uno,sizeof(uno));
	struct sockaddr_in d,cli;
	memset(&d,0,sizeof(d));
	d.sin_family=AF_INET; d.sin_port=htons(puerto); d.sin_addr.s_addr=htonl(INADDR_ANY);
	if(bind(s,(struct sockaddr*)&d,sizeof(d))<0){ perror("bind"); return 1; }
	listen(s,100);
	printf("Balanza escuchando en %d\n",puerto); fflush(stdout);
	int turno=0;
	while(1){
		socklen_t t=sizeof(cli);
		int c=accept(s,(struct sockaddr*)&cli,&t);
		if(c<0) continue;
		if(fork()==0){
			close(s);
			atender(c,turno,inet_ntoa(cli.sin_addr));
			shutdown(c,SHUT_WR);
			close(c);
			exit(0);
		}
		close(c);
		turno=(turno+1)%cuantos;
	}
}
