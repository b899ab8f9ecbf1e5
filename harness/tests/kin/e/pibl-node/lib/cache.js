const fs = require('fs')
const path = require('path')
const crypto = require('crypto')

class Cache {
  constructor (dir, ttl) {
    this.dir = dir
    this.ttl = ttl * 1000
    this.indice = new Map()
    fs.mkdirSync(dir, { recursive: true })
    // recuperar lo que habia (persistencia!!)
    for (const f of fs.readdirSync(dir)) {
      if (!f.endsWith('.json')) continue
      try {
        const j = JSON.parse(fs.readFileSync(path.join(dir, f), 'utf8'))
        this.indice.set(j.key, { archivo: f, hora: Date.now() })
      } catch (e) { console.log('cache dañado', f) }
    }
    console.log('cache con', this.indice.size, 'recursos')
  }

  get (key) {
    const e = this.indice.get(key)
    if (!e) return null
    if (Date.now() - e.hora > this.ttl) {
      this.indice.delete(key)
      fs.unlink(path.join(this.dir, e.archivo), () => {})
      return null
    }
    try {
      const j = JSON.parse(fs.readFileSync(path.join(this.dir, e.archivo), 'utf8'))
      return { status: j.status, msg: j.msg, headers: j.headers, body: Buffer.from(j.body, 'base64') }
    } catch (e) { return null }
  }

  put (key, o) {
    const archivo = crypto.createHash('md5').update(key).digest('hex') + '.json'
    const tmp = path.join(this.dir, archivo + '.tmp')
    fs.writeFileSync(tmp, JSON.stringify({ key, status: o.status, msg: o.msg, headers: o.headers, body: o.body.toString('base64') }))
    fs.renameSync(tmp, path.join(this.dir, archivo))
    this.indice.set(key, { archivo, hora: Date.now() })
  }
}
module.exports = Cache
