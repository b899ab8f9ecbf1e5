const fs = require('fs');
const path = require('path');
const crypto = require('crypto');

const CARPETA = path.join(process.cwd(), '.cache_pibl');
fs.mkdirSync(CARPETA, { recursive: true });

const archivo = (clave) => path.join(CARPETA, crypto.createHash('md5').update(clave).digest('hex'));

// un solo archivo: los datos en JSON, un caracter nulo para separar, y el cuerpo
function guardarCache(clave, r) {
  const datos = JSON.stringify({ clave, primera: r.primera, campos: r.campos, guardado: Date.now() });
  const tmp = `${archivo(clave)}.tmp`;
  fs.writeFileSync(tmp, Buffer.concat([Buffer.from(`${datos}\0`, 'latin1'), r.cuerpo]));
  fs.renameSync(tmp, archivo(clave));
}

function leerCache(clave, ttl) {
  let contenido;
  try {
    contenido = fs.readFileSync(archivo(clave), 'latin1');
  } catch (e) {
    return null;
  }
  const [datos, cuerpo] = contenido.split('\0');
  let d;
  try { d = JSON.parse(datos); } catch (e) { return null; }
  const edad = (Date.now() - d.guardado) / 1000;
  if (edad > ttl) return null;
  const campos = d.campos.filter(([k]) => k.toLowerCase() !== 'content-length');
  const b = Buffer.from(cuerpo, 'latin1');
  return { primera: d.primera, campos: [...campos, ['Content-Length', String(b.length)], ['X-Cache', 'HIT']], cuerpo: b };
}

module.exports = { guardarCache, leerCache };
