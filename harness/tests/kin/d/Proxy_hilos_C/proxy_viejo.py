# viejo
import socket
print("hola mundo sockets")
