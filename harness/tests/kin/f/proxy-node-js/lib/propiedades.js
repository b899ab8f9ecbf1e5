'use strict';
const fs = require('fs');

exports.leerPropiedades = function (archivo) {
  const p = {};
  let texto;
  try {
    texto = fs.readFileSync(archivo, 'utf8');
  } catch (e) {
    console.error('no se pudo leer', archivo, e.code);
    process.exit(2);
  }
  for (const l of texto.split(/\r?\n/)) {
    if (!l.trim() || l.trim().startsWith('#')) continue;
    const i = l.indexOf('=');
    p[l.slice(0, i).trim()] = l.slice(i + 1).trim();
  }
  const backends = Object.keys(p).filter((k) => /^backend\.\d+$/.test(k))
    .sort((a, b) => a.slice(8) - b.slice(8))
    .map((k) => {
      const [host, puerto] = p[k].split(':');
      return { nombre: p[k], host, puerto: Number(puerto || 80) };
    });
  if (!backends.length) {
    console.error('no hay backends');
    process.exit(2);
  }
  return {
    puerto: Number(p['proxy.puerto'] || 8080),
    log: p['proxy.log'] || 'logs/access.log',
    carpeta: p['cache.carpeta'] || 'cache',
    ttl: Number(p['cache.ttl'] || 60),
    backends,
  };
};
