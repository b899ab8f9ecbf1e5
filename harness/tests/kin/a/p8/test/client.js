const http = require('http');
for (let i = 0; i < 6; i += 1) http.get(`http://127.0.0.1:8080/?${i}`, (r) => r.on('data', (d) => process.stdout.write(d)));
