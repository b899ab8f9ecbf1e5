require('http').get('http://localhost:8080/', r => r.pipe(process.stdout))
