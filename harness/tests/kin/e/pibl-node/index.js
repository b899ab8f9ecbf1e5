// PIBL - equipo rocket
// node index.js [ttl]     (o TTL=30 node index.js)
const http = require('http')
const fs = require('fs')
const Cache = require('./lib/cache')
const log = require('./lib/bitacora')
const { proximo, cuantos } = require('./lib/rueda')

const conf = JSON.parse(fs.readFileSync(process.env.PIBL_CONFIG || './config.json', 'utf8'))
const PORT = process.env.PORT || conf.port || 8080
const TTL = Number(process.argv[2] || process.env.TTL || conf.ttl || 60)

require('./lib/rueda').init(conf.backends)
const cache = new Cache('./cache', TTL)
const agente = new http.Agent({ keepAlive: false })

const server = http.createServer((req, res) => {
  const trozos = []
  req.on('data', d => trozos.push(d))
  req.on('error', () => {})
  res.on('error', () => {})
  req.on('end', () => manejar(req, res, Buffer.concat(trozos)))
})

function manejar (req, res, body) {
  const key = (req.headers.host || '') + req.url
  const cacheable = (req.method === 'GET' || req.method === 'HEAD') && !req.headers.authorization && !req.headers.range
  if (cacheable) {
    const c = cache.get(key)
    if (c) {
      responder(req, res, c, 'CACHE')
      return
    }
  }
  intentar(req, res, body, key, cacheable, cuantos())
}

function intentar (req, res, body, key, cacheable, quedan) {
  const b = proximo()
  const headers = { ...req.headers }
  delete headers.connection
  delete headers['keep-alive']
  delete headers['transfer-encoding']
  delete headers.expect
  if (body.length > 0) headers['content-length'] = body.length
  let conectado = false
  const p = http.request({ host: b.host, port: b.port, method: req.method, path: req.url, headers, agent: agente }, r => {
    const partes = []
    r.on('data', d => partes.push(d))
    r.on('error', () => error(req, res, b))
    r.on('end', () => {
      if (!r.complete) return
      const h = { ...r.headers }
      delete h.connection
      delete h['keep-alive']
      delete h['transfer-encoding']
      const o = { status: r.statusCode, msg: r.statusMessage, headers: h, body: Buffer.concat(partes) }
      // los headers ya vienen en minuscula, http no distingue
      if (cacheable && o.status === 200 && !/no-store|private/i.test(h['cache-control'] || '')) cache.put(key, o)
      responder(req, res, o, b.host + ':' + b.port)
    })
  })
  p.on('socket', s => s.on('connect', () => { conectado = true }))
  p.on('error', () => {
    if (!conectado && quedan > 1) return intentar(req, res, body, key, cacheable, quedan - 1)
    error(req, res, b)
  })
  p.end(body)
}

function responder (req, res, o, de) {
  const h = { ...o.headers }
  const sinCuerpo = req.method === 'HEAD' || o.status === 204 || o.status === 304
  if (!sinCuerpo) h['content-length'] = o.body.length
  res.writeHead(o.status, o.msg, h)
  res.end(sinCuerpo ? undefined : o.body)
  log.escribir(req, o.status + ' ' + o.msg + ' ' + o.body.length + 'B', de)
}

function error (req, res, b) {
  if (res.headersSent) return
  res.writeHead(502, { 'Content-Type': 'text/plain' })
  res.end('502 no hay servidor disponible\n')
  log.escribir(req, '502 Bad Gateway', b.host + ':' + b.port)
}

server.listen(PORT, () => console.log('PIBL en http://localhost:' + PORT + ' ttl=' + TTL))
