require('http').get('http://localhost:8080' + (process.argv[2] || '/'), (r) => { console.log(r.statusCode); r.pipe(process.stdout); });
