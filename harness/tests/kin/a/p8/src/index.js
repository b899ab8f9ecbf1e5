'use strict';

const http = require('http');
const fs = require('fs');
const path = require('path');
const config = require('./config');
const logger = require('./logger');
const cache = require('./cache');
const RoundRobin = require('./roundRobin');

const rr = new RoundRobin(config.backends);

// hop by hop headers never travel
const HOP = new Set(['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'te', 'trailer', 'upgrade']);

function filterRaw(raw) {
  const out = [];
  for (let i = 0; i < raw.length; i += 2) {
    if (!HOP.has(raw[i].toLowerCase())) out.push(raw[i], raw[i + 1]);
  }
  return out;
}

function sendError(req, res, code) {
  if (res.headersSent) {
    // too late for an error page: break the answer
    res.destroy();
    return;
  }
  const text = `${code} ${http.STATUS_CODES[code]}\n`;
  res.writeHead(code, { 'Content-Type': 'text/plain', 'Content-Length': Buffer.byteLength(text) });
  res.end(req.method === 'HEAD' ? undefined : text);
}

function storable(req, back) {
  if (req.method !== 'GET' || back.statusCode !== 200 || req.headers.range) return false;
  const cc = `${back.headers['cache-control'] || ''} ${req.headers['cache-control'] || ''}`.toLowerCase();
  return !cc.includes('no-store') && !cc.includes('private') && !back.headers['set-cookie'] && !back.headers.vary;
}

function readBody(req) {
  return new Promise((resolve, reject) => {
    const parts = [];
    req.on('data', (d) => parts.push(d));
    req.on('end', () => resolve(Buffer.concat(parts)));
    req.on('error', reject);
  });
}

function connectTo(backend, req, body) {
  return new Promise((resolve, reject) => {
    const headers = filterRaw(req.rawHeaders).reduce((acc, v, i, a) => {
      const name = v.toLowerCase();
      if (i % 2 === 0 && name !== 'content-length' && name !== 'expect') acc.push([v, a[i + 1]]);
      return acc;
    }, []);
    if (body.length || ['POST', 'PUT', 'PATCH'].includes(req.method)) headers.push(['Content-Length', String(body.length)]);
    headers.push(['Connection', 'close']);
    const out = http.request({
      host: backend.hostname,
      port: backend.port,
      method: req.method,
      path: req.url,
      headers: headers.flat(),
      setHost: false,
      agent: false,
    });
    let connected = false;
    out.on('socket', (s) => s.once('connect', () => { connected = true; }));
    out.setTimeout(config.backendTimeout, () => {
      const e = new Error('backend timeout');
      e.code = 'ETIMEDOUT';
      out.destroy(e);
    });
    out.on('error', (e) => { e.connected = connected; reject(e); });
    out.on('response', (back) => resolve({ back, out }));
    out.end(body);
  });
}

async function forward(req, res, key, body) {
  for (let i = 0; i < config.backends.length; i += 1) {
    const backend = rr.next();
    let back;
    try {
      ({ back } = await connectTo(backend, req, body));
    } catch (e) {
      if (e.connected) {
        sendError(req, res, e.code === 'ETIMEDOUT' ? 504 : 502);
        return backend.host;
      }
      continue; // it is down, go on with the next
    }
    res.writeHead(back.statusCode, back.statusMessage, filterRaw(back.rawHeaders));
    res.flushHeaders();
    const file = storable(req, back) ? cache.open(key, back.statusCode, filterRaw(back.rawHeaders)) : null;
    await new Promise((resolve) => {
      back.on('data', (d) => {
        if (file) file.write(d);
        if (!res.write(d) && !res.destroyed) {
          back.pause();
          res.once('drain', () => back.resume());
        }
      });
      res.on('close', () => back.resume()); // keep on filling the cache if the client goes
      back.on('end', () => { res.end(); });
      back.on('error', () => res.destroy());
      back.on('close', () => {
        if (file) file.end();
        resolve();
      });
    });
    return backend.host;
  }
  sendError(req, res, 503);
  return '-';
}

function serveFromDisk(req, res, hit) {
  const headers = [];
  for (let i = 0; i < hit.headers.length; i += 2) {
    if (hit.headers[i].toLowerCase() !== 'content-length') headers.push(hit.headers[i], hit.headers[i + 1]);
  }
  headers.push('Content-Length', String(hit.body.length), 'Age', String(hit.age));
  res.writeHead(hit.status, headers);
  res.end(req.method === 'HEAD' ? undefined : hit.body);
}

async function handler(req, res) {
  const start = Date.now();
  let from = '-';
  let bytes = 0;
  const { write } = res;
  res.write = function count(d, ...rest) { bytes += d.length; return write.call(res, d, ...rest); };
  res.on('error', () => {});
  res.on('close', () => {
    const size = from === 'cache' ? Number(res.getHeader('content-length')) || bytes : bytes;
    logger.info(`${req.socket.remoteAddress} "${req.method} ${req.url} HTTP/${req.httpVersion}" ${res.statusCode} ${size} from=${from} ${Date.now() - start}ms`);
  });
  const key = `${req.headers.host || ''}${req.url}`;
  if (req.method === 'GET' && !req.headers.range) {
    const hit = cache.lookup(key);
    if (hit) {
      from = 'cache';
      bytes = hit.body.length;
      serveFromDisk(req, res, hit);
      return;
    }
  }
  const body = await readBody(req);
  from = await forward(req, res, key, body);
}

const server = http.createServer((req, res) => {
  handler(req, res).catch((e) => {
    logger.error(e.stack);
    sendError(req, res, 500);
  });
});

server.on('clientError', (e, socket) => {
  if (socket.writable && e.code !== 'ECONNRESET') socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
  else socket.destroy();
});

server.listen(config.port, () => logger.info(`PIBL on ${config.port}, ttl ${config.ttl}s, ${config.backends.map((b) => b.host).join(' ')}`));
