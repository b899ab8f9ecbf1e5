const fs = require('fs')
// se guarda en memoria y se escribe de una vez, para no hacer lento el proxy
let lineas = []

function volcar () {
  if (lineas.length) fs.appendFileSync('pibl.log', lineas.join('\n') + '\n')
  lineas = []
}

module.exports.escribir = (req, resp, de) => {
  const l = new Date().toISOString() + ' ' + req.socket.remoteAddress + ' ' + req.method + ' ' + req.url + ' -> ' + resp + ' (' + de + ')'
  console.log(l)
  lineas.push(l)
}

process.on('SIGINT', () => { volcar(); process.exit(0) })
process.on('exit', volcar)
