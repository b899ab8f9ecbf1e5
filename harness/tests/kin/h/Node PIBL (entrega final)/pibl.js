// PIBL en Node, net a mano.      node pibl.js <ttl>
const net = require('net');
const fs = require('fs');
const cluster = require('cluster');
const cache = require('./lib/cache');
const { separar, valor, lista, limpias, Trozos } = require('./lib/http');

let conf;
try {
  conf = JSON.parse(fs.readFileSync(process.env.PIBL_CONFIG || 'config.json', 'utf8'));
} catch (e) {
  console.error('config.json: ' + e.message);
  process.exit(1);
}
const PUERTO = conf.puerto || 8080;
const BACKENDS = conf.backends || [];
const LOG = conf.log || 'pibl.log';
const TTL = Number(process.argv[2] || 60);
if (!BACKENDS.length || !(TTL > 0)) { console.error('uso: node pibl.js <ttl>   (y backends en config.json)'); process.exit(1); }

if (cluster.isPrimary) {
  // varios procesos para aprovechar los nucleos
  cluster.schedulingPolicy = cluster.SCHED_RR;
  for (let i = 0; i < (conf.procesos || 3); i++) cluster.fork();
  cluster.on('exit', () => cluster.fork());
  console.log(`PIBL puerto ${PUERTO} backends ${BACKENDS.map((b) => b.host + ':' + b.puerto).join(' ')} ttl ${TTL}`);
} else {
  cache.iniciar(conf.cache || 'cache', TTL);
  net.createServer({ allowHalfOpen: true }, atender).on('error', (e) => { console.error(e.message); process.exit(1); }).listen({ port: PUERTO, host: '0.0.0.0', backlog: 511 });
}

let turno = 0;
const siguiente = () => BACKENDS[turno++ % BACKENDS.length];

function log(x) {
  const l = `${new Date().toISOString()} ${x.ip} ${x.metodo} ${x.url} (${x.entraron}) => ${x.estado} ${x.salieron} bytes ${x.de}\n`;
  process.stdout.write(l);
  fs.appendFileSync(LOG, l);
}

function atender(c) {
  const x = { ip: c.remoteAddress, metodo: '-', url: '-', entraron: 0, estado: 0, salieron: 0, de: '-', hecho: false };
  let ent = Buffer.alloc(0), p = null, partes = [], largo = 0, ch = null, listo = false;
  c.setTimeout(60000, () => c.destroy());
  c.on('error', () => {});
  const fin = () => { if (!x.hecho) { x.hecho = true; log(x); } };
  const error = (cod, txt) => {
    listo = true;
    const t = `<h1>${cod} ${txt}</h1>`;
    x.estado = cod; x.salieron = t.length;
    c.write(`HTTP/1.1 ${cod} ${txt}\r\nContent-Type: text/html\r\nContent-Length: ${t.length}\r\n\r\n${x.metodo === 'HEAD' ? '' : t}`);
    fin(); c.end();
  };
  c.on('end', () => { if (!listo) c.end(); });
  c.on('data', (d) => {
    if (listo) return;
    if (!p) {
      ent = Buffer.concat([ent, d]);
      while (ent[0] === 13 && ent[1] === 10) ent = ent.subarray(2);
      p = separar(ent);
      if (!p) { if (ent.length > 65536) error(431, 'Request Header Fields Too Large'); return; }
      d = p.resto;
      const [m, u, v] = p.primera.split(' ');
      if (!v || !v.startsWith('HTTP/1.') || p.cabs.some((y) => y.mala)) return error(400, 'Bad Request');
      x.metodo = m; x.version = v;
      x.url = /^http:\/\//i.test(u) ? u.replace(/^http:\/\/[^/]*/i, '') || '/' : u;
      if (lista(p.cabs, 'expect').includes('100-continue')) c.write('HTTP/1.1 100 Continue\r\n\r\n');
      if (valor(p.cabs, 'transfer-encoding')) { ch = new Trozos(); } else largo = Number(valor(p.cabs, 'content-length') || 0);
      if (!(largo >= 0)) return error(400, 'Bad Request');
    }
    if (ch) {
      for (const t of ch.dar(d)) { partes.push(t); x.entraron += t.length; }
      if (ch.malo) return error(400, 'Bad Request');
      if (!ch.fin) return;
    } else {
      if (d.length) { d = d.subarray(0, largo - x.entraron); partes.push(d); x.entraron += d.length; }
      if (x.entraron < largo) return;
    }
    listo = true;
    procesar(c, x, p, Buffer.concat(partes), ch || valor(p.cabs, 'content-length') !== undefined, fin, error);
  });
}

function procesar(c, x, p, cuerpo, tieneCuerpo, fin, error) {
  const guardable = (x.metodo === 'GET' || x.metodo === 'HEAD') && valor(p.cabs, 'authorization') === undefined;
  if (guardable) {
    const e = cache.buscar(x.url);
    if (e) {
      x.estado = 200; x.de = 'cache';
      c.write(Buffer.from('HTTP/1.1 200 OK\r\n' + e.cabeceras.map((l) => l + '\r\n').join('') + `Content-Length: ${e.cuerpo.length}\r\nAge: ${Math.floor((Date.now() - e.hora) / 1000)}\r\n\r\n`, 'latin1'));
      if (x.metodo !== 'HEAD') { c.write(e.cuerpo); x.salieron = e.cuerpo.length; }
      fin(); c.end();
      return;
    }
  }
  const b = siguiente();
  x.de = `${b.host}:${b.puerto}`;
  const s = net.connect({ host: b.host, port: b.puerto });
  let r = null, buf = Buffer.alloc(0), falta = -1, ch = null, completo = false, partes = [], guardar = false, rech = false, cabs, sin = false;
  s.setTimeout(12000, () => { if (!r) error(504, 'Gateway Timeout'); else c.destroy(); s.destroy(); });
  s.on('connect', () => {
    let q = `${x.metodo} ${x.url} HTTP/1.1\r\n` + limpias(p.cabs).map((l) => l + '\r\n').join('');
    if (tieneCuerpo) q += `Content-Length: ${cuerpo.length}\r\n`;
    q += `X-Forwarded-For: ${String(x.ip).replace('::ffff:', '')}\r\nConnection: close\r\n\r\n`;
    s.write(q, 'latin1');
    if (cuerpo.length) s.write(cuerpo);
  });
  c.on('close', () => { if (!completo) { s.destroy(); if (r) fin(); } });
  c.on('drain', () => s.resume());
  const terminar = () => {
    if (completo) return;
    completo = true;
    if (rech) c.write('0\r\n\r\n');
    if (guardar) cache.guardar(x.url, limpias(cabs), partes);
    fin(); c.end(); s.destroy();
  };
  const sacar = (d) => {
    if (!d.length) return;
    x.salieron += d.length;
    if (guardar) partes.push(d);
    let ok;
    if (rech) { c.write(d.length.toString(16) + '\r\n'); c.write(d); ok = c.write('\r\n'); } else ok = c.write(d);
    if (!ok) s.pause();
  };
  s.on('data', (d) => {
    if (completo) return;
    if (!r) {
      buf = Buffer.concat([buf, d]);
      for (;;) {
        const t = separar(buf);
        if (!t) return;
        x.estado = Number(t.primera.split(' ')[1]);
        if (!(x.estado >= 100)) { error(502, 'Bad Gateway'); completo = true; s.destroy(); return; }
        if (x.estado >= 200) { r = t; break; }
        buf = t.resto;
      }
      cabs = r.cabs; d = r.resto;
      sin = x.metodo === 'HEAD' || x.estado === 204 || x.estado === 304;
      const cl = valor(cabs, 'content-length');
      if (lista(cabs, 'transfer-encoding').includes('chunked')) ch = new Trozos(); else if (cl !== undefined) falta = Number(cl);
      rech = !!ch && !sin && x.version !== 'HTTP/1.0';
      const cc = lista(cabs, 'cache-control');
      guardar = guardable && (x.estado === 200 || x.estado === 404) && !cc.includes('no-store') && !cc.some((z) => z.startsWith('private')) && valor(p.cabs, 'range') === undefined;
      let h = 'HTTP/1.1' + r.primera.slice(8) + '\r\n' + limpias(cabs).map((l) => l + '\r\n').join('');
      if (falta >= 0) h += `Content-Length: ${falta}\r\n`;
      if (rech) h += 'Transfer-Encoding: chunked\r\n';
      c.write(h + '\r\n', 'latin1');
      if (sin || falta === 0) return terminar();
    }
    if (ch) {
      for (const t of ch.dar(d)) sacar(t);
      if (ch.fin) terminar();
      else if (ch.malo) { c.destroy(); s.destroy(); }
    } else if (falta >= 0) {
      d = d.subarray(0, falta); falta -= d.length;
      sacar(d);
      if (falta === 0) terminar();
    } else sacar(d);
  });
  s.on('end', () => {
    if (completo) return;
    if (!r) { completo = true; error(502, 'Bad Gateway'); } else if (!ch && falta < 0) terminar();
    else { completo = true; x.de += ' (incompleto)'; fin(); c.destroy(); }
  });
  s.on('error', () => {
    if (completo) return;
    completo = true;
    if (!r) error(502, 'Bad Gateway'); else { x.de += ' (incompleto)'; fin(); c.destroy(); }
  });
}
