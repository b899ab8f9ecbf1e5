#include <sys/socket.h>
int main(void) { return connect(socket(2, 1, 0), 0, 0); }
