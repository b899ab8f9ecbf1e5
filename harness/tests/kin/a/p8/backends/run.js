// three test servers: npm run backends
const http = require('http');
for (const port of [7181, 7182, 7183]) {
  http.createServer((q, s) => s.end(`hello from ${port}: ${q.url}\n`)).listen(port);
}
