const http = require('http');
http.createServer((q, r) => r.end('hola')).listen(8080);
