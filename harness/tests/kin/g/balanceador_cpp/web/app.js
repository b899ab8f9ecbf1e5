// npm no hace falta: node app.js 9001
require('http').createServer((q, r) => r.end('hola desde ' + process.argv[2] + '\n')).listen(+process.argv[2]);
