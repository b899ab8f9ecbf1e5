const http = require('http');
const fs = require('fs');
const { port, servers, ttl } = require('./config.json');
let turno = 0;
fs.mkdirSync('cache', { recursive: true });
http.createServer((req, res) => {
  const nombre = 'cache/' + Buffer.from(req.url).toString('hex');
  if (req.method === 'GET' && fs.existsSync(nombre) && Date.now() - fs.statSync(nombre).mtimeMs < ttl * 1000) {
    const { status, headers, body } = JSON.parse(fs.readFileSync(nombre));
    res.writeHead(status, headers);
    return res.end(Buffer.from(body, 'base64'));
  }
  const [hostname, p] = servers[turno++ % servers.length].split(':');
  const up = http.request({ hostname, port: p, path: req.url, method: req.method, headers: { ...req.headers, connection: 'close' } }, (r) => {
    const parts = [];
    r.on('data', (d) => parts.push(d));
    r.on('end', () => {
      const body = Buffer.concat(parts);
      const headers = { ...r.headers };
      delete headers.connection;
      if (req.method === 'GET' && r.statusCode === 200) fs.writeFileSync(nombre, JSON.stringify({ status: r.statusCode, headers, body: body.toString('base64') }));
      fs.appendFileSync('accesos.log', `${req.method} ${req.url} ${r.statusCode}\n`);
      res.writeHead(r.statusCode, headers);
      res.end(body);
    });
  });
  up.on('error', () => { res.writeHead(502); res.end(); });
  req.pipe(up);
}).listen(port);
