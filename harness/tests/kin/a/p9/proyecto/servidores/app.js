require('http').createServer((q, s) => { s.setHeader('X-Servidor', process.argv[2]); s.end('<h1>Servidor ' + process.argv[2] + '</h1>'); }).listen(+process.argv[2]);
