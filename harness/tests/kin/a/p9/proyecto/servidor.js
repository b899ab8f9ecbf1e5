// PIBL - Telematica - grupo 12
// node servidor.js [--conf=conf/pibl.json] [--ttl=60]

const net = require('net');
const fs = require('fs');
const { Lector, analizar, campo, armar } = require('./lib/http');
const { guardarCache, leerCache } = require('./lib/cache');
const { anotar } = require('./lib/bitacora');

const opciones = { conf: 'conf/pibl.json', ttl: '60' };
for (const a of process.argv.slice(2)) {
  const m = /^--(\w+)=(.*)$/.exec(a);
  if (m) opciones[m[1]] = m[2];
}

let conf;
try {
  conf = JSON.parse(fs.readFileSync(opciones.conf, 'utf8'));
  if (!conf.servidores.length) throw new Error('no hay servidores');
} catch (e) {
  console.error('Error en la configuracion:', e.message);
  process.exit(1);
}
const TTL = Number(opciones.ttl);
const ESPERA = 5000;
let turno = 0;

const SALTO = ['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'te', 'trailer', 'upgrade'];
const quitar = (campos, mas = []) => campos.filter(([k]) => !SALTO.concat(mas).includes(k.toLowerCase()));

function siguiente() {
  const s = conf.servidores[turno];
  turno = (turno + 1) % conf.servidores.length;
  return s;
}

function error(codigo, razon) {
  const cuerpo = Buffer.from(`<h1>${codigo} ${razon}</h1>\n`);
  return { primera: `HTTP/1.1 ${codigo} ${razon}`, campos: [['Content-Type', 'text/html'], ['Content-Length', String(cuerpo.length)]], cuerpo };
}

// pide a un servidor y espera la respuesta entera
function pedirA(servidor, metodo, mensaje) {
  return new Promise((bien, mal) => {
    const s = net.connect(servidor.puerto, servidor.ip);
    s.setTimeout(ESPERA, () => { const e = new Error('tarda mucho'); e.tarde = true; mal(e); s.destroy(); });
    const lector = new Lector();
    s.on('connect', () => s.write(mensaje));
    s.on('data', (d) => {
      try {
        lector.agregar(d);
        const r = lector.respuesta(metodo, false);
        if (r) { bien(r); s.destroy(); }
      } catch (e) { mal(e); s.destroy(); }
    });
    s.on('end', () => {
      try {
        const r = lector.respuesta(metodo, true);
        if (r) bien(r); else mal(new Error('respuesta incompleta'));
      } catch (e) { mal(e); }
      s.destroy();
    });
    s.on('error', mal);
  });
}

async function reenviar(p) {
  const campos = quitar(p.campos, ['content-length', 'expect']);
  if (p.cuerpo.length || ['POST', 'PUT', 'PATCH'].includes(p.metodo)) campos.push(['Content-Length', String(p.cuerpo.length)]);
  campos.push(['Connection', 'close']);
  const mensaje = armar(`${p.metodo} ${p.destino} HTTP/1.1`, campos, p.cuerpo);
  let tarde = false;
  for (let i = 0; i < conf.servidores.length; i++) {
    const servidor = siguiente();
    try {
      const r = await pedirA(servidor, p.metodo, mensaje);
      return { r, origen: `${servidor.ip}:${servidor.puerto}` };
    } catch (e) {
      tarde = tarde || e.tarde;
      console.log(`   ${servidor.ip}:${servidor.puerto} fallo (${e.message}), probamos con otro`);
    }
  }
  return { r: tarde ? error(504, 'Gateway Timeout') : error(502, 'Bad Gateway'), origen: '-' };
}

function sePuedeGuardar(p, r) {
  const cc = (campo(r.campos, 'cache-control') + campo(p.campos, 'cache-control')).toLowerCase();
  return r.primera.split(' ')[1] === '200' && !cc.includes('no-store') && !cc.includes('private')
    && !campo(r.campos, 'set-cookie') && !campo(r.campos, 'vary');
}

async function contestar(p) {
  const usaCache = p.metodo === 'GET' && !campo(p.campos, 'authorization') && !campo(p.campos, 'range');
  const clave = `${campo(p.campos, 'host')} ${p.destino}`;
  if (usaCache) {
    const r = leerCache(clave, opciones.TTL);
    if (r) return { r, origen: 'CACHE' };
  }
  const { r, origen } = await reenviar(p);
  const estado = r.primera.split(' ')[1];
  r.campos = quitar(r.campos);
  if (p.metodo !== 'HEAD' && estado !== '204' && estado !== '304') {
    r.campos = quitar(r.campos, ['content-length']);
    r.campos.push(['Content-Length', String(r.cuerpo.length)]);
  }
  if (usaCache && origen !== '-' && sePuedeGuardar(p, r)) guardarCache(clave, r);
  return { r, origen };
}

const servidor = net.createServer({ allowHalfOpen: true }, (cliente) => {
  const lector = new Lector();
  const quien = cliente.remoteAddress;
  let ocupado = false;
  let fin = false;

  async function atender() {
    if (ocupado) return;
    ocupado = true;
    for (;;) {
      let p;
      try {
        p = lector.peticion();
        if (!p && lector.pide100()) cliente.write('HTTP/1.1 100 Continue\r\n\r\n');
      } catch (e) {
        const r = error(400, 'Bad Request');
        anotar(quien, '-', r, '-');
        cliente.end(armar(r.primera, [...r.campos, ['Connection', 'close']], r.cuerpo));
        return;
      }
      if (!p) break;
      const { r, origen } = await contestar(p);
      const cierra = p.version === 'HTTP/1.0' || campo(p.campos, 'connection').toLowerCase().includes('close');
      if (p.metodo === 'HEAD') r.cuerpo = Buffer.alloc(0);
      anotar(quien, p.primera, r, origen);
      cliente.write(armar(r.primera, [...r.campos, ['Connection', cierra ? 'close' : 'keep-alive']], r.cuerpo));
      if (cierra) { cliente.end(); return; }
    }
    ocupado = false;
    if (fin) cliente.end();
  }

  cliente.setTimeout(60000, () => cliente.destroy());
  cliente.on('data', (d) => { lector.agregar(d); atender(); });
  cliente.on('end', () => { fin = true; if (!ocupado) cliente.end(); });
});

servidor.on('error', (e) => { console.error(e.message); process.exit(1); });
const puerto = conf.puerto || 8080;
servidor.listen(puerto, '0.0.0.0', 511, () => console.log(`PIBL en el puerto ${puerto}, TTL ${TTL} segundos`));
