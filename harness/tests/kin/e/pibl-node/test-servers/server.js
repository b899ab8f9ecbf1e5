const http = require('http'); const p = process.argv[2] || 3001
http.createServer((q, r) => { r.setHeader('X-From', p); r.end('server ' + p + ' ' + q.url + '\n') }).listen(p, '127.0.0.1')
