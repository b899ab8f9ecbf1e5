const path = require('path');

let file;
try {
  file = require(process.env.PIBL_CONFIG ? path.resolve(process.env.PIBL_CONFIG) : '../config/default.json');
} catch (e) {
  console.error(`cannot read the configuration: ${e.message}`);
  process.exit(1);
}

module.exports = {
  // the environment wins over the file
  port: Number(process.env.PORT || file.server.port || 8080),
  backends: file.backends.map((b) => new URL(b.url)),
  backendTimeout: file.backendTimeout || 10000,
  ttl: Number(process.env.CACHE_TTL || 60), // seconds
};
