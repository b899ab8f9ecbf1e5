const fs = require('fs');

// un archivo por dia
function anotar(quien, peticion, r, origen) {
  const ahora = new Date().toISOString();
  const linea = `${ahora} ${quien} [${peticion}] => [${r.primera}] ${r.cuerpo.length} bytes ${origen}`;
  console.log(linea);
  fs.appendFileSync(`bitacoras/${ahora.slice(0, 10)}.log`, `${linea}\n`);
}

module.exports = { anotar };
