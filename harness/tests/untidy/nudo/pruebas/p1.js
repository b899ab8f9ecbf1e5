const net=require("net")
net.connect(8080).write("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
