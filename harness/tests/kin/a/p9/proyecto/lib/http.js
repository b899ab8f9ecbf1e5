// lee y escribe mensajes HTTP/1.1

function analizar(cabeza) {
  const lineas = cabeza.split('\r\n');
  const campos = [];
  for (const l of lineas.slice(1)) {
    const i = l.indexOf(':');
    if (i < 1) throw new Error('campo malo');
    campos.push([l.slice(0, i).trim(), l.slice(i + 1).trim()]);
  }
  return { primera: lineas[0], campos };
}

function campo(campos, nombre) {
  const c = campos.find(([k]) => k.toLowerCase() === nombre);
  return c ? c[1] : '';
}

function armar(primera, campos, cuerpo) {
  const cabeza = `${primera}\r\n${campos.map(([k, v]) => `${k}: ${v}\r\n`).join('')}\r\n`;
  return Buffer.concat([Buffer.from(cabeza, 'latin1'), cuerpo]);
}

class Lector {
  constructor() { this.partes = []; this.largo = 0; this.falta = 0; this.aviso = false; }

  agregar(d) { this.partes.push(d); this.largo += d.length; }

  get todo() {
    if (this.partes.length !== 1) this.partes = [Buffer.concat(this.partes)];
    return this.partes[0];
  }

  gastar(n) { this.partes = [this.todo.subarray(n)]; this.largo -= n; this.falta = 0; this.aviso = false; }

  cabeza() {
    const i = this.todo.indexOf('\r\n\r\n');
    if (i < 0) {
      if (this.largo > 65536) throw new Error('cabeza muy larga');
      return null;
    }
    return { ...analizar(this.todo.toString('latin1', 0, i)), pos: i + 4 };
  }

  // [cuerpo, donde termina] o null si falta
  cuerpo(m, hastaFin, fin) {
    const b = this.todo;
    if (campo(m.campos, 'transfer-encoding').toLowerCase().includes('chunked')) {
      const trozos = [];
      let pos = m.pos;
      for (;;) {
        const j = b.indexOf('\r\n', pos);
        if (j < 0) return null;
        const n = parseInt(b.toString('latin1', pos, j), 16);
        if (Number.isNaN(n)) throw new Error('chunk malo');
        if (n === 0) {
          const k = b.indexOf('\r\n\r\n', j);
          return k < 0 ? null : [Buffer.concat(trozos), k + 4];
        }
        if (b.length < j + 2 + n + 2) return null;
        trozos.push(b.subarray(j + 2, j + 2 + n));
        pos = j + 2 + n + 2;
      }
    }
    const cl = campo(m.campos, 'content-length');
    if (cl !== '') {
      const n = Number(cl);
      if (!Number.isInteger(n) || n < 0) throw new Error('Content-Length malo');
      if (b.length < m.pos + n) { this.falta = m.pos + n; return null; }
      return [b.subarray(m.pos, m.pos + n), m.pos + n];
    }
    if (hastaFin) return fin ? [b.subarray(m.pos), b.length] : null;
    return [Buffer.alloc(0), m.pos];
  }

  peticion() {
    if (this.largo === 0 || this.largo < this.falta) return null;
    const m = this.cabeza();
    if (!m) return null;
    const p = m.primera.split(' ');
    if (p.length !== 3) throw new Error('linea mala');
    const c = this.cuerpo(m, false, false);
    if (!c) return null;
    this.gastar(c[1]);
    return { ...m, metodo: p[0], destino: p[1], version: p[2], cuerpo: c[0] };
  }

  pide100() {
    if (this.aviso || this.largo === 0) return false;
    const m = this.cabeza();
    this.aviso = Boolean(m) && campo(m.campos, 'expect') !== '';
    return this.aviso;
  }

  respuesta(metodo, fin) {
    if (this.largo < this.falta) return null;
    for (;;) {
      const m = this.largo ? this.cabeza() : null;
      if (!m) return null;
      const estado = Number(m.primera.split(' ')[1]);
      if (!(estado >= 100)) throw new Error('respuesta mala');
      if (estado < 200) { this.gastar(m.pos); continue; }
      if (metodo === 'HEAD' || estado === 204 || estado === 304) return { primera: m.primera, campos: m.campos, cuerpo: Buffer.alloc(0) };
      const c = this.cuerpo(m, true, fin);
      return c && { primera: m.primera, campos: m.campos, cuerpo: c[0] };
    }
  }
}

module.exports = { Lector, analizar, campo, armar };
