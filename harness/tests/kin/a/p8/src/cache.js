const fs = require('fs');
const os = require('os');
const path = require('path');
const crypto = require('crypto');
const { ttl } = require('./config');

const DIR = path.join(os.tmpdir(), 'pibl-cache');
fs.mkdirSync(DIR, { recursive: true });

function names(key) {
  const h = crypto.createHash('sha256').update(key).digest('hex');
  return { meta: path.join(DIR, `${h}.json`), body: path.join(DIR, `${h}.body`) };
}

/** takes the body while it comes */
exports.open = (key, status, headers) => {
  const n = names(key);
  fs.writeFileSync(n.meta, JSON.stringify({ key, status, headers, saved: Date.now() }));
  const fd = fs.openSync(n.body, 'w');
  return { write: (d) => fs.writeSync(fd, d), end: () => fs.closeSync(fd) };
};

exports.lookup = (key) => {
  const n = names(key);
  try {
    const meta = JSON.parse(fs.readFileSync(n.meta, 'utf8'));
    const age = (Date.now() - meta.saved) / 1000;
    if (age >= ttl) {
      fs.unlinkSync(n.meta);
      return null;
    }
    return { status: meta.status, headers: meta.headers, body: fs.readFileSync(n.body), age: Math.floor(age) };
  } catch (e) {
    return null;
  }
};
