const fs = require('fs');

const fd = fs.openSync('pibl.log', 'a');

function line(level, text) {
  const s = `${new Date().toISOString()} ${level} ${text}\n`;
  process.stdout.write(s);
  fs.writeSync(fd, s);
}

exports.info = (t) => line('INFO', t);
exports.error = (t) => line('ERROR', t);
