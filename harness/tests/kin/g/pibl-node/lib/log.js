'use strict';
const fs = require('fs');
const path = require('path');

let fd = null;

exports.abrir = (nombre) => {
  fs.mkdirSync(path.dirname(nombre), { recursive: true });
  fd = fs.openSync(nombre, 'a');
};

exports.escribir = (quien, metodo, destino, estado, bytes, de) => {
  const linea = `${new Date().toISOString()} ${quien} | ${metodo} ${destino} | ${estado} | ${bytes} bytes | ${de}\n`;
  fs.writeSync(fd, linea);
  process.stdout.write(linea);
};
