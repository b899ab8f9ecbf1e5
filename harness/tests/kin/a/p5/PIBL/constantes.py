# constantes del proyecto

DIR_CACHE = "./cache"
TIMEOUT = 10

SERVIDORES = [("127.0.0.1", 7151), ("127.0.0.1", 7152), ("127.0.0.1", 7153)]

NO_PASAN = ("connection", "keep-alive", "proxy-connection", "transfer-encoding", "te", "trailer", "upgrade")
