'use strict';
const SALTO = ['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade'];

exports.valor = (campos, nombre) => {
  const c = campos.find(([n]) => n.toLowerCase() === nombre);
  return c && c[1];
};
exports.tiene = (campos, nombre) => exports.valor(campos, nombre) !== undefined;

exports.limpiar = (campos, ademas) => {
  const nombrados = (exports.valor(campos, 'connection') || '').toLowerCase().split(',').map((x) => x.trim());
  return campos.filter(([n]) => {
    const l = n.toLowerCase();
    return !SALTO.includes(l) && !ademas.includes(l) && !nombrados.includes(l);
  });
};

exports.cabecera = (linea, campos) =>
  Buffer.from(`${linea}\r\n${campos.map(([n, v]) => `${n}: ${v}\r\n`).join('')}\r\n`, 'latin1');
