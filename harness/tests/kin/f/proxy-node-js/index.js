'use strict';
// Proxy inverso + balanceador con sockets (net).   node index.js [pibl.properties]
const net = require('net');
const fs = require('fs');
const { leerPropiedades } = require('./lib/propiedades');
const { Lector } = require('./lib/lector');
const { Cache } = require('./lib/cache');
const { Balanceador } = require('./lib/balanceador');
const { Log } = require('./lib/log');
const http = require('./lib/mensaje');

const cfg = leerPropiedades(process.argv[2] || 'pibl.properties');
const log = new Log(cfg.log);
const cache = new Cache(cfg.carpeta, cfg.ttl);
const balanceador = new Balanceador(cfg.backends);

function respuestaError(codigo, texto) {
  const cuerpo = Buffer.from(`${codigo} ${texto}\n`);
  return { estado: codigo, linea: `${codigo} ${texto}`, campos: [['Content-Type', 'text/plain']], cuerpo };
}

// manda el pedido a un backend; la promesa da la respuesta completa
function conversar(backend, metodo, mensaje) {
  return new Promise((resolve, reject) => {
    const s = net.connect(backend.puerto, backend.host);
    let conectado = false;
    const lector = new Lector(s);
    const plazo = setTimeout(() => s.destroy(new Error('no conecta')), 2500);
    s.on('connect', () => {
      conectado = true;
      clearTimeout(plazo);
      s.write(mensaje);
      leer().then(resolve, (e) => { e.enviado = true; reject(e); }).finally(() => s.destroy());
    });
    s.on('error', (e) => {
      clearTimeout(plazo);
      if (!conectado) reject(e);
    });
    async function leer() {
      for (;;) {
        const cab = await lector.cabecera();
        if (!cab) throw new Error('el backend cerro');
        const m = /^HTTP\/1\.\d (\d{3})(.*)$/.exec(cab.linea);
        if (!m) throw new Error('respuesta mala');
        const estado = Number(m[1]);
        if (estado < 200) continue;
        let cuerpo = null;
        if (metodo !== 'HEAD' && estado !== 204 && estado !== 304) {
          const largo = http.valor(cab.campos, 'content-length');
          if (/chunked/i.test(http.valor(cab.campos, 'transfer-encoding') || '')) {
            const texto = await lector.chunked();
            cuerpo = Buffer.from(texto);
          } else if (largo !== undefined) cuerpo = await lector.exacto(Number(largo));
          else cuerpo = await lector.resto();
        }
        return { estado, linea: m[1] + m[2], campos: cab.campos, cuerpo };
      }
    }
  });
}

async function pedir(metodo, mensaje) {
  for (;;) {
    const b = balanceador.siguiente();
    if (!b) return { r: respuestaError(502, 'Bad Gateway'), quien: '-' };
    try {
      return { r: await conversar(b, metodo, mensaje), quien: b.nombre, bueno: true };
    } catch (e) {
      if (!e.enviado) {
        console.log(`backend ${b.nombre} caido (${e.message})`);
        balanceador.caido(b);
        continue;
      }
      return { r: respuestaError(502, 'Bad Gateway'), quien: b.nombre };
    }
  }
}

async function uno(s, lector, ip) {
  const cab = await lector.cabecera();
  if (!cab) return false;
  const inicio = Date.now();
  const partes = cab.linea.split(' ');
  let r, quien = '-', origen = 'MISS', cerrar = true;
  const metodo = partes[0];
  let url = partes[1] || '-';
  if (partes.length !== 3 || !/^HTTP\/1\.[01]$/.test(partes[2])) {
    r = respuestaError(400, 'Bad Request');
  } else {
    if (/^http:\/\//i.test(url)) url = url.replace(/^http:\/\/[^/]*/i, '') || '/';
    const conexion = (http.valor(cab.campos, 'connection') || '').toLowerCase();
    cerrar = partes[2] === 'HTTP/1.0' || conexion.includes('close');
    const te = http.valor(cab.campos, 'transfer-encoding');
    const largo = http.valor(cab.campos, 'content-length');
    if (/100-continue/i.test(http.valor(cab.campos, 'expect') || '') && lector.vacio()) s.write('HTTP/1.1 100 Continue\r\n\r\n');
    let cuerpo = null;
    if (te) cuerpo = Buffer.concat(await lector.pedazos());
    else if (largo !== undefined) cuerpo = await lector.exacto(Number(largo));

    const llave = `${(http.valor(cab.campos, 'host') || '').toLowerCase()} ${url}`;
    const sirve = metodo === 'GET' && !http.tiene(cab.campos, 'authorization') && !http.tiene(cab.campos, 'range');
    const guardada = sirve ? cache.buscar(llave) : null;
    if (guardada) {
      r = guardada;
      origen = 'HIT';
      quien = 'cache';
    } else {
      const campos = http.limpiar(cab.campos, ['content-length', 'expect']);
      if (!http.tiene(campos, 'host')) campos.push(['Host', 'localhost']);
      if (cuerpo) campos.push(['Content-Length', cuerpo.length]);
      campos.push(['X-Forwarded-For', ip], ['Connection', 'close']);
      const mensaje = Buffer.concat([http.cabecera(`${metodo} ${url} HTTP/1.1`, campos), cuerpo || Buffer.alloc(0)]);
      const p = await pedir(metodo, mensaje);
      r = p.r;
      quien = p.quien;
      r.campos = http.limpiar(r.campos, r.cuerpo ? ['content-length'] : []);
      if (sirve && p.bueno && r.estado === 200 && !/no-store|private|no-cache/i.test(http.valor(r.campos, 'cache-control') || '')) {
        cache.guardar(llave, r);
      }
    }
  }
  const campos = r.campos.slice();
  if (r.cuerpo) campos.push(['Content-Length', r.cuerpo.length]);
  campos.push(['X-Cache', origen], ['Connection', cerrar ? 'close' : 'keep-alive']);
  log.linea(`${ip} "${cab.linea}" ${quien} ${r.estado} ${r.cuerpo ? r.cuerpo.length : 0} ${origen} ${Date.now() - inicio}ms`);
  s.write(http.cabecera(`HTTP/1.1 ${r.linea}`, campos));
  if (r.cuerpo && metodo !== 'HEAD') s.write(r.cuerpo);
  return !cerrar;
}

const servidor = net.createServer({ allowHalfOpen: true }, async (s) => {
  const ip = (s.remoteAddress || '-').replace('::ffff:', '');
  s.setNoDelay(true);
  s.on('error', () => s.destroy());
  s.setTimeout(30000, () => { if (s.bytesRead === 0 || s.bytesWritten > 0) s.end(); });
  const lector = new Lector(s);
  try {
    while (await uno(s, lector, ip)) { /* siguiente pedido en la misma conexion */ }
  } catch (e) {
    if (e.message === 'formato' && !s.destroyed) s.write('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
  }
  s.end();
});

servidor.on('error', (e) => { console.error(e.message); process.exit(1); });
servidor.listen(cfg.puerto, '0.0.0.0', () => console.log(`escuchando en ${cfg.puerto}, ttl ${cfg.ttl}s`));

function adios() {
  cache.guardarIndice();
  process.exit(0);
}
process.on('SIGINT', adios);
process.on('SIGTERM', adios);
process.on('uncaughtException', (e) => console.log('!!', e.message));
