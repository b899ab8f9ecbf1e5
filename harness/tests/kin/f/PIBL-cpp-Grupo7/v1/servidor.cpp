#include <iostream>
int main() { std::cout << "servidor web de prueba (sin terminar)\n"; }
