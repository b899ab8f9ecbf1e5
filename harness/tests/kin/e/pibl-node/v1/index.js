const http=require('http')
// primera prueba
http.createServer((q,s)=>{ q.pipe(http.request({port:3001,path:q.url,method:q.method},r=>r.pipe(s))) }).listen(8080)
