# Everything that other programs would be told.
PORT = 8080
TTL = 60  # seconds
SERVERS = ["10.20.0.1", "10.20.0.2", "uno.interno"]
SERVER_PORT = 80
