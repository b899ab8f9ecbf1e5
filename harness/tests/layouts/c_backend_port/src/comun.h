int serve_on(int port);
#define PUERTO_ESCUCHA 9090
