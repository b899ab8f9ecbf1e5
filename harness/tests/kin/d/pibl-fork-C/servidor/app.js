// servidor de pruebas (node app.js 9001)
const http = require('http');
http.createServer((q, r) => { r.end('hola ' + process.argv[2] + ' ' + q.url); }).listen(process.argv[2]);
