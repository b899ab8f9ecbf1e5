# AJUSTES DEL PROXY (editar aca)
PUERTO = 8080
SERVIDORES = [
    ("127.0.0.1", 9001),
    ("127.0.0.1", 9002),
    ("127.0.0.1", 9003),
]
TTL = 60            # segundos
CACHE = "cache"
LOG = "log.csv"
