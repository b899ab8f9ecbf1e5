const net = require('net')
const fs = require('fs')
const path = require('path')

// node proxy.js <ttl en segundos> [archivo de configuracion]
if (process.argv.length < 3 || isNaN(process.argv[2])) {
  console.error('uso: node proxy.js ttl [config.json]')
  process.exit(1)
}
const TTL = 60000 // TODO por parametro
const config = JSON.parse(fs.readFileSync(process.argv[3] || 'config.json', 'utf8'))
const puerto = config.puerto || 8080
const carpeta = config.cache || 'cache'
const archivoLog = config.log || 'nudo.log'

fs.mkdirSync(carpeta, { recursive: true })
fs.mkdirSync(path.dirname(archivoLog), { recursive: true })

function log(ip, pedido, respuesta, bytes, origen) {
  const linea = `${new Date().toISOString()} ${ip} "${pedido}" ${respuesta} ${bytes}B ${origen}`
  console.log(linea)
  fs.appendFileSync(archivoLog, linea + '\n')
}

/* ---------- round robin ---------- */
let turno = 0
function siguiente() {
  const s = config.servidores[turno]
  turno = (turno + 1) % config.servidores.length
  return s
}

/* ---------- cache ---------- */
const nombre = (url) => path.join(carpeta, encodeURIComponent(url))

function leerCache(url) {
  try {
    const f = nombre(url)
    const edad = Date.now() - fs.statSync(f).mtimeMs
    if (edad >= TTL) {
      fs.unlinkSync(f)
      return null
    }
    return fs.readFileSync(f)
  } catch (e) {
    return null
  }
}

function guardarCache(url, datos) {
  try {
    fs.writeFileSync(nombre(url), datos)
  } catch (e) {
    console.error('no se pudo guardar ' + url + ': ' + e.code)
  }
}

/* ---------- http ---------- */
// devuelve el largo total del mensaje que hay en buf, -1 si todavia falta, Infinity si es hasta que cierren
function largoMensaje(buf, esRespuesta, metodo) {
  const fin = buf.indexOf('\r\n\r\n')
  if (fin < 0) return -1
  const cab = buf.toString('latin1', 0, fin + 2)
  const cuerpo = fin + 4
  if (esRespuesta) {
    const st = estado(buf)
    if (metodo === 'HEAD' || st == 204 || st == 304) return cuerpo
  }
  if (/\r\ntransfer-encoding:.*chunked/i.test(cab)) {
    let p = cuerpo
    for (;;) {
      const e = buf.indexOf('\r\n', p)
      if (e < 0) return -1
      const n = parseInt(buf.toString('latin1', p, e), 16)
      p = e + 2 + n + 2
      if (p > buf.length) return -1
      if (n === 0) return p
    }
  }
  const cl = /\r\ncontent-length:\s*(\d+)/i.exec(cab)
  if (cl) {
    const total = cuerpo + Number(cl[1])
    return buf.length >= total ? total : -1
  }
  return esRespuesta ? Infinity : cuerpo
}

function estado(buf) {
  return Number(buf.toString('latin1', 9, 12))
}

const servidor = net.createServer((cliente) => {
  // cada cliente queda con el servidor que le toca
  const destino = siguiente()
  const ip = cliente.remoteAddress
  let pendiente = Buffer.alloc(0)
  let ocupado = false

  cliente.on('data', (d) => {
    pendiente = Buffer.concat([pendiente, d])
    revisar()
  })

  function revisar() {
    if (ocupado) return
    const n = largoMensaje(pendiente, false)
    if (n < 0 || n > pendiente.length) return
    const pedido = pendiente.subarray(0, n)
    pendiente = pendiente.subarray(n)
    ocupado = true
    atender(pedido)
  }

  function responder(datos, cerrar) {
    if (cerrar) return cliente.end(datos)
    cliente.write(datos)
    ocupado = false
    if (pendiente.length) revisar()
  }

  function atender(pedido) {
    const linea = pedido.toString('latin1', 0, pedido.indexOf('\r\n'))
    const [metodo, url] = linea.split(' ')
    const cabeza = pedido.toString('latin1', 0, pedido.indexOf('\r\n\r\n'))
    const quiereCerrar = /\r\nconnection:\s*close/i.test(cabeza) || / HTTP\/1\.0$/.test(linea)

    if (metodo === 'GET') {
      const guardado = leerCache(url)
      if (guardado) {
        log(ip, linea, estado(guardado), guardado.length, 'CACHE')
        return responder(guardado, quiereCerrar || largoMensaje(guardado, true, metodo) === Infinity)
      }
    }

    const socket = net.connect(destino.puerto, destino.ip)
    let trozos = Buffer.alloc(0)
    let listo = false

    socket.on('connect', () => socket.write(pedido))
    socket.on('data', (d) => {
      trozos = Buffer.concat([trozos, d])
      const n = largoMensaje(trozos, true, metodo)
      if (n > 0 && n !== Infinity) terminar(trozos.subarray(0, n), true, false)
    })
    socket.on('end', () => {
      if (listo) return
      const n = largoMensaje(trozos, true, metodo)
      terminar(trozos, n === Infinity, true)
    })
    socket.on('error', (e) => {
      if (listo) return
      listo = true
      const cuerpo = 'Error con el servidor: ' + e.code
      log(ip, linea, 502, cuerpo.length, `${destino.ip}:${destino.puerto}`)
      responder(Buffer.from(`HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/plain\r\nContent-Length: ${cuerpo.length}\r\n\r\n${cuerpo}`), true)
    })

    function terminar(resp, completa, cerrar) {
      listo = true
      socket.end()
      if (metodo === 'GET' && completa && estado(resp) === 200) guardarCache(url, resp)
      log(ip, linea, estado(resp), resp.length - resp.indexOf('\r\n\r\n') - 4, `${destino.ip}:${destino.puerto}`)
      responder(resp, cerrar || quiereCerrar)
    }
  }
})

servidor.listen(puerto, () => console.log('nudo escuchando en ' + puerto))
