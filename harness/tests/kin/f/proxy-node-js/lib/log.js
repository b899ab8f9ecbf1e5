'use strict';
const fs = require('fs');
class Log {
  constructor(archivo) { this.fd = fs.openSync(archivo, 'a'); }
  linea(t) {
    const l = `[${new Date().toISOString()}] ${t}\n`;
    fs.writeSync(this.fd, l);
    process.stdout.write(l);
  }
}
exports.Log = Log;
