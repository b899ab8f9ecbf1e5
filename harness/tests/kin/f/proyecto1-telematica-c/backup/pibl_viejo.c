/* primera entrega, ya no se usa */
#include <stdio.h>
int main() { printf("hola\n"); return 0; }
