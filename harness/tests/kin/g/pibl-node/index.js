'use strict';
// PIBL - Proxy Inverso + Balanceador de Carga
// node index.js --ttl 60 [--config config.json]
const net = require('net');
const fs = require('fs');
const cache = require('./lib/cache');
const log = require('./lib/log');
const { Lector, cabecera, valor, tiene, finAFin, trozos } = require('./lib/http');

const arg = (n, d) => { const i = process.argv.indexOf(n); return i > 0 ? process.argv[i + 1] : d; };
const config = JSON.parse(fs.readFileSync(arg('--config', 'config.json'), 'utf8'));
const PUERTO = config.puerto || 8080;
const ESPERA = 10000;

// los tres servidores de la aplicacion
const servidores = config.servidores.slice(0, 3).map((s) => {
  const [host, puerto] = s.split(':');
  return { host, puerto: Number(puerto), nombre: s };
});
let turno = 0;

const TEXTO = { 400: 'Bad Request', 502: 'Bad Gateway', 503: 'Service Unavailable', 504: 'Gateway Timeout' };

function conectar(s) {
  return new Promise((si, no) => {
    const k = net.connect({ host: s.host, port: s.puerto });
    const t = setTimeout(() => { k.destroy(); no(new Error('no conecta')); }, 3000);
    k.once('connect', () => { clearTimeout(t); k.setNoDelay(true); si(k); });
    k.once('error', (e) => { clearTimeout(t); no(e); });
  });
}

async function leerPeticion(l, socket) {
  const p = await cabecera(l, 60000);
  const partes = p.linea.split(' ');
  if (partes.length !== 3 || !partes[2].startsWith('HTTP/')) throw new Error('peticion');
  [p.metodo, p.destino] = partes;
  const porTrozos = tiene(p.campos, 'transfer-encoding', 'chunked');
  const largo = valor(p.campos, 'content-length');
  p.conCuerpo = porTrozos || largo !== undefined;
  if (p.conCuerpo && tiene(p.campos, 'expect', '100-continue')) socket.write('HTTP/1.1 100 Continue\r\n\r\n');
  if (porTrozos) p.cuerpo = await trozos(l, 60000);
  else p.cuerpo = await l.exacto(Number(largo || 0), 60000);
  return p;
}

async function preguntar(s, p) {
  const k = await conectar(s);
  const l = new Lector(k);
  try {
    const campos = finAFin(p.campos).filter((c) => c[0].toLowerCase() !== 'expect');
    if (p.conCuerpo) campos.push(['Content-Length', String(p.cuerpo.length)]);
    campos.push(['Connection', 'close']);
    k.write(Buffer.concat([
      Buffer.from(`${p.metodo} ${p.destino} HTTP/1.1\r\n${campos.map((c) => c.join(': ')).join('\r\n')}\r\n\r\n`, 'latin1'),
      p.cuerpo]));
    let r;
    do {
      r = await cabecera(l, ESPERA);
      r.estado = r.linea.slice(r.linea.indexOf(' ') + 1);
      r.codigo = parseInt(r.estado, 10);
      if (!r.codigo) throw new Error('estado');
    } while (r.codigo < 200);
    r.largo = valor(r.campos, 'content-length');
    r.sinCuerpo = p.metodo === 'HEAD' || r.codigo === 204 || r.codigo === 304;
    if (r.sinCuerpo) r.cuerpo = Buffer.alloc(0);
    else if (tiene(r.campos, 'transfer-encoding', 'chunked')) r.cuerpo = await trozos(l, ESPERA);
    else if (r.largo !== undefined) r.cuerpo = await l.exacto(Number(r.largo), ESPERA);
    else r.cuerpo = await l.todo(ESPERA);
    r.campos = finAFin(r.campos);
    r.de = s.nombre;
    return r;
  } finally {
    k.destroy();
  }
}

async function repartir(p) {
  let codigo = 503;
  const repetible = p.metodo === 'GET' || p.metodo === 'HEAD';
  for (let i = 0; i < servidores.length; i++) {
    const s = servidores[turno++ % servidores.length];
    let conectado = false;
    try {
      return await preguntar(s, p);
    } catch (e) {
      conectado = e.code !== 'ECONNREFUSED' && e.message !== 'no conecta';
      if (e.tiempo) { codigo = 504; break; }
      if (conectado) {
        codigo = 502;
        if (!repetible || !e.vacio) break;
      }
    }
  }
  const cuerpo = Buffer.from(`<h1>${codigo} ${TEXTO[codigo]}</h1>\n`);
  return { estado: `${codigo} ${TEXTO[codigo]}`, codigo, campos: [['Content-Type', 'text/html']], cuerpo, de: 'pibl',
    sinCuerpo: false, error: true };
}

function seGuarda(p, r) {
  return p.metodo === 'GET' && r.codigo === 200 && !r.error
    && valor(p.campos, 'authorization') === undefined && valor(p.campos, 'range') === undefined
    && !tiene(r.campos, 'cache-control', 'no-store') && !tiene(r.campos, 'cache-control', 'private');
}

function entregar(socket, p, r) {
  const campos = r.campos.slice();
  if (!r.sinCuerpo) campos.push(['Content-Length', String(r.cuerpo.length)]);
  else if (r.largo !== undefined) campos.push(['Content-Length', r.largo]);
  const quien = socket.remoteAddress || '-';
  log.escribir(quien, p.metodo, p.destino, r.estado, r.cuerpo.length, r.de);
  const cab = `HTTP/1.1 ${r.estado}\r\n${campos.map((c) => c.join(': ') + '\r\n').join('')}\r\n`;
  socket.end(Buffer.concat([Buffer.from(cab, 'latin1'), r.cuerpo]));
}

async function atender(socket) {
  socket.setNoDelay(true);
  const l = new Lector(socket);
  let p;
  try {
    p = await leerPeticion(l, socket);
  } catch (e) {
    if (!l.fin && !e.tiempo) {
      entregar(socket, { metodo: '-', destino: '-' },
        { estado: '400 Bad Request', campos: [], cuerpo: Buffer.from('400\n'), de: 'pibl' });
    } else {
      socket.destroy();
    }
    return;
  }
  // GET y HEAD preguntan por el mismo recurso
  if ((p.metodo === 'GET' || p.metodo === 'HEAD') && valor(p.campos, 'authorization') === undefined) {
    const g = cache.buscar(p.destino);
    if (g) {
      entregar(socket, p, { ...g, de: 'cache' });
      return;
    }
  }
  const r = await repartir(p);
  if (p.metodo === 'HEAD' && r.error) { r.sinCuerpo = true; r.largo = String(r.cuerpo.length); r.cuerpo = Buffer.alloc(0); }
  if (seGuarda(p, r)) cache.guardar(p.destino, r);
  entregar(socket, p, r);
}

if (!servidores.length) {
  console.error('config.json no tiene servidores');
  process.exit(1);
}
cache.iniciar(Number(arg('--ttl', '60')) * 1000);
log.abrir(config.log || 'logs/pibl.log');
net.createServer({ allowHalfOpen: true }, (s) => {
  s.on('error', () => {});
  atender(s).catch((e) => { console.error(e); s.destroy(); });
}).listen(PUERTO, '0.0.0.0', 1024, () => console.log(`PIBL escuchando en el puerto ${PUERTO}`));
