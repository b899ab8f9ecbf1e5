// funciones para entender HTTP a mano (con Buffer, no con strings: los binarios se danan!)

exports.separar = (buf) => {
  const i = buf.indexOf('\r\n\r\n');
  if (i < 0) return null;
  const lineas = buf.subarray(0, i).toString('latin1').split('\r\n');
  const primera = lineas.shift();
  const cabs = lineas.map((l) => { const k = l.indexOf(':'); return { n: l.slice(0, k).toLowerCase(), v: l.slice(k + 1).trim(), l, mala: k < 1 }; });
  return { primera, cabs, resto: buf.subarray(i + 4) };
};
exports.valor = (cabs, n) => { const c = cabs.find((x) => x.n === n); return c && c.v; };
exports.lista = (cabs, n) => cabs.filter((x) => x.n === n).flatMap((x) => x.v.split(',').map((y) => y.trim().toLowerCase()));

const SALTO = ['connection', 'proxy-connection', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'expect'];
exports.limpias = (cabs) => {
  const fuera = SALTO.concat(exports.lista(cabs, 'connection'));
  return cabs.filter((c) => !fuera.includes(c.n) && c.n !== 'content-length').map((c) => c.l);
};

// decodificador de chunked, se le va dando y devuelve los datos
exports.Trozos = class {
  constructor() { this.b = Buffer.alloc(0); this.falta = -1; this.fin = false; this.malo = false; }
  dar(d) {
    this.b = this.b.length ? Buffer.concat([this.b, d]) : d;
    const out = [];
    while (!this.fin && !this.malo) {
      if (this.falta > 0) {
        if (!this.b.length) break;
        const k = Math.min(this.falta, this.b.length);
        out.push(this.b.subarray(0, k)); this.b = this.b.subarray(k); this.falta -= k;
        if (this.falta === 0) this.falta = -2;          // sigue el \r\n
      } else if (this.falta === -2) {
        if (this.b.length < 2) break;
        this.b = this.b.subarray(2); this.falta = -1;
      } else if (this.falta === -3) {                    // trailers
        const i = this.b.indexOf('\r\n');
        if (i < 0) break;
        this.b = this.b.subarray(i + 2);
        if (i === 0) this.fin = true;
      } else {
        const i = this.b.indexOf('\r\n');
        if (i < 0) { if (this.b.length > 5000) this.malo = true; break; }
        const t = parseInt(this.b.subarray(0, i).toString('latin1'), 16);
        if (!(t >= 0)) { this.malo = true; break; }
        this.b = this.b.subarray(i + 2);
        this.falta = t === 0 ? -3 : t;
      }
    }
    return out;
  }
};
