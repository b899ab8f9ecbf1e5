from red.servidor import escuchar
from red import ajustes

if __name__ == '__main__':
    escuchar(ajustes.PUERTO)
