'use strict';
// lee de un socket a pedido (con promesas)
class Lector {
  constructor(s) {
    this.buf = Buffer.alloc(0);
    this.partes = [];
    this.n = 0;
    this.fin = false;
    this.error = null;
    this.despertar = null;
    const avisar = () => { const d = this.despertar; this.despertar = null; if (d) d(); };
    s.on('data', (d) => { this.partes.push(d); this.n += d.length; avisar(); });
    s.on('end', () => { this.fin = true; avisar(); });
    s.on('error', (e) => { this.error = e; this.fin = true; avisar(); });
    s.on('close', () => { this.fin = true; avisar(); });
  }

  vacio() { return this.buf.length + this.n === 0; }

  juntar() {
    if (this.n) {
      this.buf = Buffer.concat([this.buf, ...this.partes]);
      this.partes = [];
      this.n = 0;
    }
  }

  async mas() {
    if (this.n) { this.juntar(); return true; }
    if (this.fin) return false;
    await new Promise((r) => { this.despertar = r; });
    const habia = this.n > 0;
    this.juntar();
    return habia || this.mas();
  }

  async hasta(marca, max) {
    for (;;) {
      this.juntar();
      const i = this.buf.indexOf(marca);
      if (i >= 0) {
        const r = this.buf.subarray(0, i);
        this.buf = this.buf.subarray(i + marca.length);
        return r;
      }
      if (this.buf.length > max) throw new Error('formato');
      if (!(await this.mas())) {
        if (this.buf.length === 0) return null;
        throw new Error('formato');
      }
    }
  }

  async cabecera() {
    this.juntar();
    while (this.buf.length > 1 && this.buf[0] === 13 && this.buf[1] === 10) this.buf = this.buf.subarray(2);
    const c = await this.hasta('\r\n\r\n', 65536);
    if (c === null) return null;
    const lineas = c.toString('latin1').split('\r\n');
    const campos = lineas.slice(1).map((l) => {
      const i = l.indexOf(':');
      if (i < 1) throw new Error('formato');
      return [l.slice(0, i), l.slice(i + 1).trim()];
    });
    return { linea: lineas[0], campos };
  }

  async exacto(n) {
    while (this.buf.length + this.n < n) {
      if (this.fin) throw new Error('incompleto');
      await new Promise((r) => { this.despertar = r; });
    }
    this.juntar();
    const r = this.buf.subarray(0, n);
    this.buf = this.buf.subarray(n);
    return r;
  }

  async pedazos() {
    const r = [];
    for (;;) {
      const l = await this.hasta('\r\n', 8192);
      if (l === null) throw new Error('incompleto');
      const n = parseInt(l.toString(), 16);
      if (Number.isNaN(n)) throw new Error('formato');
      if (n === 0) break;
      r.push(Buffer.from(await this.exacto(n)));
      await this.hasta('\r\n', 8192 + n);
    }
    for (;;) {
      const l = await this.hasta('\r\n', 8192);
      if (l === null || l.length === 0) return r;
    }
  }

  // une los pedazos de una respuesta chunked
  async chunked() {
    let texto = '';
    for (const p of await this.pedazos()) texto += p;
    return texto;
  }

  async resto() {
    while (!this.fin) await new Promise((r) => { this.despertar = r; });
    if (this.error) throw this.error;
    this.juntar();
    const r = this.buf;
    this.buf = Buffer.alloc(0);
    return r;
  }
}
exports.Lector = Lector;
