// aplicacion de prueba: node servidor-web.js 9001
const http = require('http');
const fs = require('fs');
const puerto = Number(process.argv[2] || 9001);
http.createServer((q, r) => {
  const f = 'public' + (q.url === '/' ? '/index.html' : q.url.split('?')[0]);
  fs.readFile(f, (e, d) => { r.statusCode = e ? 404 : 200; r.end(e ? 'no esta' : d); });
}).listen(puerto);
