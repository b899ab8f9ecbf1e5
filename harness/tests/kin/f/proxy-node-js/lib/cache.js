'use strict';
const fs = require('fs');
const path = require('path');
const crypto = require('crypto');

// cada recurso en carpeta/<md5>.bin, el indice en carpeta/indice.json
class Cache {
  constructor(carpeta, ttl) {
    this.carpeta = carpeta;
    this.ttl = ttl * 1000;
    fs.mkdirSync(carpeta, { recursive: true });
    this.indice = new Map();
    this.reloj = null;
    try {
      const o = JSON.parse(fs.readFileSync(this.ruta('indice.json'), 'utf8'));
      this.indice = new Map(o.recursos);
      const falta = Math.max(0, o.vence - Date.now());
      this.reloj = setTimeout(() => this.vaciar(), falta);
      this.vence = o.vence;
      console.log('cache: habia', this.indice.size);
    } catch (e) { /* no habia */ }
  }

  ruta(n) { return path.join(this.carpeta, n); }

  vaciar() {
    for (const e of this.indice.values()) fs.unlink(this.ruta(e.archivo), () => {});
    this.indice.clear();
    console.log('cache vencida');
  }

  buscar(llave) {
    const e = this.indice.get(llave);
    if (!e) return null;
    try {
      return { estado: e.estado, linea: e.linea, campos: e.campos, cuerpo: fs.readFileSync(this.ruta(e.archivo)) };
    } catch (err) {
      this.indice.delete(llave);
      return null;
    }
  }

  guardar(llave, r) {
    const archivo = crypto.createHash('md5').update(llave).digest('hex') + '.bin';
    fs.writeFileSync(this.ruta(archivo + '.tmp'), r.cuerpo);
    fs.renameSync(this.ruta(archivo + '.tmp'), this.ruta(archivo));
    this.indice.set(llave, { archivo, estado: r.estado, linea: r.linea, campos: r.campos });
    clearTimeout(this.reloj);
    this.vence = Date.now() + this.ttl;
    this.reloj = setTimeout(() => this.vaciar(), this.ttl);
  }

  guardarIndice() {
    fs.writeFileSync(this.ruta('indice.json'), JSON.stringify({ vence: this.vence, recursos: [...this.indice] }));
    console.log('indice guardado');
  }
}
exports.Cache = Cache;
