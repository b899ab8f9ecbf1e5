// round robin
let lista = []
let i = 0
module.exports = {
  init (l) { lista = l.map(x => { const [host, port] = x.replace('http://', '').split(':'); return { host, port: +port } }) },
  cuantos: () => lista.length,
  proximo () { const b = lista[i]; i = (i + 1) % lista.length; return b }
}
