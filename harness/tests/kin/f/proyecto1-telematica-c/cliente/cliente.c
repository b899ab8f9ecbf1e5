#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
int main(void)
{
    char b[1024]; int n, s = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in d = { .sin_family = AF_INET, .sin_port = htons(8080) };
    inet_pton(AF_INET, "127.0.0.1", &d.sin_addr);
    if (connect(s, (void *)&d, sizeof d)) return 1;
    strcpy(b, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    write(s, b, strlen(b));
    while ((n = read(s, b, sizeof b)) > 0) fwrite(b, 1, n, stdout);
    return 0;
}
