// version con http, antes de hacerlo a mano
const http = require('http'); let i = 0;
http.createServer((q, r) => { const p = http.request({ port: 9001 + i++ % 3, path: q.url, method: q.method, headers: q.headers }, (x) => { r.writeHead(x.statusCode, x.headers); x.pipe(r); }); q.pipe(p); }).listen(8080);
