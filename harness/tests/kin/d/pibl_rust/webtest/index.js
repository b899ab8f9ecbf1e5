require("http").createServer((a,b)=>b.end("ok")).listen(9000)
