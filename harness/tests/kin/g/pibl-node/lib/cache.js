'use strict';
// Cache en disco: carpeta cache/, un .json por recurso (cuerpo en base64).
const fs = require('fs');
const path = require('path');
const crypto = require('crypto');

const DIR = path.join(process.cwd(), 'cache');
let ttl = 60000;
let serie = 0;

exports.iniciar = (ms) => {
  ttl = ms;
  fs.mkdirSync(DIR, { recursive: true });
};

// /foto.png?v=2 es el mismo archivo /foto.png
function clave(destino) {
  return destino.split('?')[0];
}

function archivo(destino) {
  return path.join(DIR, crypto.createHash('sha1').update(clave(destino), 'latin1').digest('hex') + '.json');
}

function escribir(nombre, obj) {
  const tmp = `${nombre}.${process.pid}.${serie++}.tmp`;
  fs.writeFileSync(tmp, JSON.stringify(obj));
  fs.renameSync(tmp, nombre);
}

exports.buscar = (destino) => {
  const nombre = archivo(destino);
  let e;
  try {
    e = JSON.parse(fs.readFileSync(nombre, 'utf8'));
  } catch (x) {
    return null;
  }
  if (e.clave !== clave(destino)) return null;
  if (Date.now() - e.usado >= ttl) {
    try { fs.unlinkSync(nombre); } catch (x) { /* otro lo borro */ }
    return null;
  }
  e.usado = Date.now();
  escribir(nombre, e);
  return { estado: e.estado, campos: e.campos, cuerpo: Buffer.from(e.cuerpo, 'base64') };
};

exports.guardar = (destino, r) => {
  escribir(archivo(destino), {
    clave: clave(destino), usado: Date.now(), estado: r.estado, campos: r.campos,
    cuerpo: r.cuerpo.toString('base64'),
  });
};
