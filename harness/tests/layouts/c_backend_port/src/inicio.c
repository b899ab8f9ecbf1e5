#include "comun.h"
#include <math.h>
#include <stdio.h>
int main(void) {
    printf("Escuchando %d\n", (int)floor(PUERTO_ESCUCHA));
    fflush(stdout);
    return serve_on(PUERTO_ESCUCHA);
}
