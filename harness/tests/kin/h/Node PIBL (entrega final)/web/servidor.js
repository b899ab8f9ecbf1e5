const http = require('http');
http.createServer((q, r) => { r.setHeader('Content-Type', 'text/plain'); r.end(`servidor ${process.argv[2]} ${q.url}\n`); }).listen(+process.argv[2]);
