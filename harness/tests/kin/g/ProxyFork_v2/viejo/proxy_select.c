/* intento con select(), lo dejamos por fork */
#include <sys/select.h>
#include <stdio.h>
int main(void) { fd_set r; FD_ZERO(&r); puts("pendiente"); return 0; }
