const fs = require('fs');
const path = require('path');
const crypto = require('crypto');

let dir, ttl, n = 0;

exports.iniciar = (d, segundos) => {
  dir = d; ttl = segundos * 1000;
  if (!fs.existsSync(dir)) fs.mkdirSync(dir);
};

const archivo = (url) => path.join(dir, crypto.createHash('md5').update(url, 'latin1').digest('hex'));

// primera linea JSON con los datos, despues el cuerpo
exports.buscar = (url) => {
  let b;
  try { b = fs.readFileSync(archivo(url)); } catch (e) { return null; }
  const i = b.indexOf(10);
  if (i < 0) return null;
  let m;
  try { m = JSON.parse(b.subarray(0, i).toString('utf8')); } catch (e) { return null; }
  if (m.url !== url || Date.now() - m.hora >= ttl) return null;
  return { cabeceras: m.cabeceras, hora: m.hora, cuerpo: b.subarray(i + 1) };
};

exports.guardar = (url, cabeceras, partes) => {
  const f = archivo(url);
  const tmp = `${f}.${process.pid}.${++n}`;
  try {
    fs.writeFileSync(tmp, Buffer.concat([Buffer.from(JSON.stringify({ url, hora: Date.now(), cabeceras }) + '\n'), ...partes]));
    fs.renameSync(tmp, f);
  } catch (e) { console.error('cache:', e.message); }
};
