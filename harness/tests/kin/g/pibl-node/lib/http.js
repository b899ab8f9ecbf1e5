'use strict';
// Analizador de mensajes HTTP/1.1 sobre un socket. No usamos el modulo http.

const SALTO = new Set(['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade']);

class Lector {
  constructor(socket) {
    this.socket = socket;
    this.trozos = [];
    this.n = 0;
    this.fin = false;
    this.error = null;
    this.aviso = null;
    const avisar = () => { const a = this.aviso; this.aviso = null; if (a) a(); };
    socket.on('data', (d) => { this.trozos.push(d); this.n += d.length; avisar(); });
    socket.on('end', () => { this.fin = true; avisar(); });
    socket.on('close', () => { this.fin = true; avisar(); });
    socket.on('error', (e) => { this.error = e; this.fin = true; avisar(); });
  }

  juntar() {
    if (this.trozos.length > 1) this.trozos = [Buffer.concat(this.trozos)];
    return this.trozos[0] || Buffer.alloc(0);
  }

  quitar(k) {
    const b = this.juntar();
    this.trozos = k < b.length ? [b.subarray(k)] : [];
    this.n -= k;
    return b.subarray(0, k);
  }

  esperar(ms) {
    if (this.fin) return Promise.resolve();
    return new Promise((si, no) => {
      const t = setTimeout(() => { this.aviso = null; no(Object.assign(new Error('tiempo'), { tiempo: true })); }, ms);
      this.aviso = () => { clearTimeout(t); si(); };
    });
  }

  async hasta(marca, max, ms) {
    for (;;) {
      const i = this.juntar().indexOf(marca);
      if (i >= 0) return this.quitar(i + marca.length);
      if (this.n > max) throw new Error('largo');
      if (this.fin) throw Object.assign(new Error('fin'), { vacio: this.n === 0 });
      await this.esperar(ms);
    }
  }

  async exacto(k, ms) {
    while (this.n < k) {
      if (this.fin) throw new Error('incompleto');
      await this.esperar(ms);
    }
    return k ? this.quitar(k) : Buffer.alloc(0);
  }

  async todo(ms) {
    while (!this.fin) await this.esperar(ms);
    if (this.error) throw this.error;
    return this.n ? this.quitar(this.n) : Buffer.alloc(0);
  }
}

async function cabecera(l, ms) {
  const b = (await l.hasta('\r\n\r\n', 262144, ms)).toString('latin1').replace(/^(\r\n)+/, '');
  const lineas = b.slice(0, -4).split('\r\n');
  const campos = lineas.slice(1).map((x) => {
    const i = x.indexOf(':');
    if (i <= 0) throw new Error('campo');
    return [x.slice(0, i), x.slice(i + 1).trim()];
  });
  return { linea: lineas[0], campos };
}

function valor(campos, n) {
  const c = campos.find((x) => x[0].toLowerCase() === n);
  return c ? c[1] : undefined;
}

function tiene(campos, n, palabra) {
  return campos.some((c) => c[0].toLowerCase() === n && c[1].toLowerCase().split(/[,;= ]+/).includes(palabra));
}

function finAFin(campos) {
  const fuera = new Set(SALTO);
  campos.filter((c) => c[0].toLowerCase() === 'connection')
    .forEach((c) => c[1].split(',').forEach((x) => fuera.add(x.trim().toLowerCase())));
  fuera.delete('host');
  fuera.add('content-length');
  return campos.filter((c) => !fuera.has(c[0].toLowerCase()));
}

async function trozos(l, ms) {
  const partes = [];
  for (;;) {
    const t = (await l.hasta('\r\n', 4096 + l.n, ms)).toString('latin1');
    const n = parseInt(t.split(';')[0], 16);
    if (Number.isNaN(n)) throw new Error('trozo');
    if (n === 0) break;
    partes.push(await l.exacto(n, ms));
    await l.exacto(2, ms);
  }
  while ((await l.hasta('\r\n', 65536 + l.n, ms)).length > 2);
  return Buffer.concat(partes);
}

module.exports = { Lector, cabecera, valor, tiene, finAFin, trozos };
