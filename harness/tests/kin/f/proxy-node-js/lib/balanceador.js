'use strict';
// round robin sobre los que estan vivos
class Balanceador {
  constructor(backends) {
    this.vivos = backends.slice();
    this.turno = 0;
  }

  siguiente() {
    if (this.vivos.length === 0) return null;
    if (this.turno >= this.vivos.length) this.turno = 0;
    return this.vivos[this.turno++];
  }

  caido(b) {
    const i = this.vivos.indexOf(b);
    if (i < 0) return;
    this.vivos.splice(i, 1);
    if (this.turno > i) this.turno--;
  }
}
exports.Balanceador = Balanceador;
