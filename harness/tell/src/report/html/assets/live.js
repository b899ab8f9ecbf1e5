// Draws what the server, or this file itself, tells of a run. The messages are those of the record, in its order; a run that lasts shows
// them as they come, an old one when its clock has come to them. Nothing is asked of any other address.
'use strict';
(() => {
const by = id => document.getElementById(id);
const read = id => by(id) && JSON.parse(by(id).textContent);
const told = read('told'), words = told.words, lasts = told.lasts;
const MOST_KEPT = 20000, RECENT = 5000, STILL = 3000, MOST_NOTES = 40;
const number = (value, digits = 0) => new Intl.NumberFormat(told.language, {maximumFractionDigits: digits, minimumFractionDigits: digits, useGrouping: 'min2'}).format(value);
// A number and its unit stay on one line.
const N = '\u00a0';
const span = ms => ms < 1 ? number(ms, 2) + N + 'ms' : ms < 10 ? number(ms, 1) + N + 'ms' : ms < 1000 ? number(ms) + N + 'ms' : ms < 60000 ? number(ms / 1000, 1) + N + 's' : Math.floor(ms / 60000) + N + 'min' + N + number(Math.floor(ms / 1000) % 60) + N + 's';
const size = bytes => bytes < 1024 ? bytes + N + 'B' : bytes < 1048576 ? number(bytes / 1024, 1) + N + 'KiB' : number(bytes / 1048576, 1) + N + 'MiB';
const fill = (text, parts) => text.replace(/\{(\w+)\}/g, (_, key) => parts[key]);
const put = (id, text) => { const place = by(id); if (place.textContent !== text) place.textContent = text; };
const make = (name, text, kind) => { const made = document.createElement(name); if (text !== undefined) made.textContent = text; if (kind) made.className = kind; return made; };

// Words with what stands between backticks set as code; a backtick without its pair stays.
const coded = (element, text) => { const parts = text.split('`'), pairs = Math.floor((parts.length - 1) / 2) * 2; parts.forEach((part, i) => element.append(i > pairs ? '`' + part : i < pairs && i % 2 ? make('code', part) : part)); return element; };

let seen, changed = true;
const reset = () => {
  seen = {last: 0, step: null, began: 0, done: 0, heard: 0, steps: told.steps.map(() => ''), requests: [], attempts: [], shares: new Map(told.backends.map(name => [name, 0])), down: new Set(),
    counted: 0, all: 0, errors: 0, ofStep: null, loads: [], used: [], files: [], life: [], marks: [], notes: [], troubles: new Map(), load: null, soFar: null, held: false, over: null};
};
const note = (at, text, kind) => { seen.notes.push({at, text, kind, times: 1}); if (seen.notes.length > MOST_NOTES) seen.notes.shift(); };
const keep = (list, item) => { list.push(item); if (list.length > MOST_KEPT) list.splice(0, MOST_KEPT / 10); };
// Requests that are over, and those of them in trouble; under load they are known by the second.
const ended = (all, errors) => { if (seen.load && !seen.ofStep) return; seen.all += all; seen.errors += errors; if (seen.ofStep) { seen.ofStep.all += all; seen.ofStep.errors += errors; } };
const take = {
  step_began: m => { seen.step = m.step; seen.began = m.at; seen.done = 0; seen.load = null; seen.ofStep = {all: 0, errors: 0}; seen.steps[m.step] = 'current'; keep(seen.marks, m); },
  step_ended: m => { seen.steps[m.step] = m.problem ? 'problem' : 'done'; seen.load = null; if (m.step === told.steps.length - 1) seen.step = null; if (m.problem) note(m.at, told.steps[m.step].doing + ': ' + m.problem, 'trouble'); },
  step_left_out: m => { seen.steps[m.step] = 'left'; note(m.at, told.steps[m.step].doing + ': ' + m.why); },
  request: m => {
    seen.done++; keep(seen.requests, m); ended(1, m.trouble ? 1 : 0);
    if (!m.trouble) return;
    // The same trouble once more is a number, not a line.
    const key = seen.step + m.trouble, known = seen.troubles.get(key);
    if (known && seen.notes.includes(known)) { known.times++; return; }
    note(m.at, m.what + ': ' + m.trouble, 'trouble'); seen.troubles.set(key, seen.notes[seen.notes.length - 1]);
  },
  attempt: m => { seen.shares.set(m.backend, (seen.shares.get(m.backend) || 0) + 1); keep(seen.attempts, m); },
  counted: m => { seen.counted += m.requests; ended(m.requests, 0); seen.done += m.requests; for (const [name, n] of Object.entries(m.attempts)) { seen.counted += n; seen.shares.set(name, (seen.shares.get(name) || 0) + n); } },
  proxy: m => { seen.life.push(m); note(m.at, words.proxy + ': ' + m.text, m.state === 'died' ? 'trouble' : ''); },
  backend: m => { m.up ? seen.down.delete(m.name) : seen.down.add(m.name); seen.life.push({...m, is: 'backend'}); },
  used: m => keep(seen.used, m),
  load: m => {
    seen.load = m; keep(seen.loads, m);
    // From here on the step is known by its seconds: what of it was recorded one by one is among them.
    if (seen.ofStep) { seen.all -= seen.ofStep.all; seen.errors -= seen.ofStep.errors; seen.ofStep = null; }
    seen.all += m.ended; seen.errors += m.errors;
  },
  files: m => keep(seen.files, m),
  note: m => note(m.at, m.text),
  held: m => { seen.held = true; note(m.at, words.held); },
  went_on: m => { seen.held = false; note(m.at, words.goesOn); },
  so_far: m => { seen.soFar = m; },
  over: m => { seen.over = m; seen.held = false; seen.step = null; if (lasts) clock = m.at; },
};
const apply = m => {
  (take[m.is] || (() => {}))(m);
  seen.last = Math.max(seen.last, m.at);
  if (m.is !== 'used' && m.is !== 'so_far') seen.heard = Math.max(seen.heard, m.at);
  changed = true;
};

// --- the clock: that of the record ---
let clock = 0, playing = !lasts, queue = [], next = 0, offset = Infinity, stopped = false;
const arrived = messages => {
  if (lasts) {
    for (const m of messages) { apply(m); offset = Math.min(offset, performance.now() - m.at); }
  } else { for (const m of messages) queue.push(m); }
};
const seek = to => {
  if (to < clock) { reset(); next = 0; }
  clock = to; changed = true;
  while (next < queue.length && queue[next].at <= clock) apply(queue[next++]);
};
const end = () => queue.length ? queue[queue.length - 1].at : 0;

// --- what is said ---
const recent = (list, of) => { const from = clock - RECENT, found = []; for (let i = list.length - 1; i >= 0 && list[i].at >= from; i--) found.push(of(list[i])); return found; };
const quantile = (sorted, q) => sorted[Math.min(sorted.length - 1, Math.ceil(q * sorted.length) - 1)];
let connection = lasts ? 'connecting' : '';
const say = () => {
  const state = by('state');
  const lost = {lost: words.lost, gone: words.gone}[connection];
  put('state', seen.over ? words.over + ': ' + seen.over.word + ' (' + seen.over.meaning + ')' : lost || (seen.held ? words.held : seen.last ? words.running : state.textContent));
  state.className = seen.over ? (seen.over.passed ? 'pass' : 'fail') : lost ? 'lost' : seen.held ? 'held' : '';
  const step = told.steps[seen.step];
  put('step', step ? fill(words.stepOf, {n: seen.step + 1, all: told.steps.length}) + ': ' + step.doing : seen.over ? '' : seen.steps.some(s => s) && !seen.steps.includes('') ? words.after : words.before);
  const still = clock - seen.heard, waits = by('waits');
  let waiting = '';
  if (step && !seen.held && !seen.over) {
    const parts = [words.waitsFor + ' ' + step.waits];
    if (step.requests) parts.push(fill(words.doneOf, {done: number(Math.min(seen.done, step.requests)), all: number(step.requests)}));
    else if (step.ms) parts.push(fill(words.doneOf, {done: span(Math.min(clock - seen.began, step.ms)), all: span(step.ms)}));
    if (still >= STILL && !step.ms) parts.push(fill(words.nothingFor, {time: span(still)}));
    waiting = parts.join(' · ');
  }
  waits.className = waiting && still >= STILL && !step.ms ? 'still' : '';
  put('waits', waiting);
  const strip = by('steps');
  if (strip.children.length !== told.steps.length) told.steps.forEach(s => { const li = make('li'); li.title = s.doing; strip.append(li); });
  seen.steps.forEach((s, i) => { if (strip.children[i].className !== s) strip.children[i].className = s; });
  put('clock', span(clock)); put('clock-of', told.estimated ? '≈ ' + span(told.estimated) : '');
  const durations = recent(seen.requests, m => m.to - m.from).sort((a, b) => a - b), load = seen.load && clock - seen.load.at < RECENT ? seen.load : null;
  put('rate', load ? number(load.per_second) : durations.length ? number(durations.length / RECENT * 1000, 1) : '–');
  put('rate-of', load ? '' : fill(words.last, {time: number(RECENT / 1000) + N + 's'}));
  const figures = load ? [load.p50, load.p99] : durations.length ? [quantile(durations, .5), durations.length >= 20 ? quantile(durations, .99) : null] : [null, null];
  put('p50', figures[0] == null ? '–' : span(figures[0])); put('p99', figures[1] == null ? '–' : span(figures[1]));
  put('p50-of', load || !durations.length ? '' : fill(words.percentiles, {all: number(durations.length), time: number(RECENT / 1000) + N + 's'}));
  put('errors', number(seen.errors)); by('errors').className = seen.errors ? 'fail' : ''; put('errors-of', fill(words.ofRequests, {all: number(seen.all)}));
  const used = seen.used[seen.used.length - 1], before = used && seen.used.findLast(m => used.at - m.at >= 900 || m.cpu_ms > used.cpu_ms);
  put('memory', used ? size(used.bytes) : '–');
  put('cpu', before && before.cpu_ms <= used.cpu_ms ? number((used.cpu_ms - before.cpu_ms) / (used.at - before.at) * 100) + N + '%' : '–'); put('cpu-of', words.ofOneCpu);
  put('counted', seen.counted ? fill(words.counted, {n: number(seen.counted)}) : '');
  shares(); failed(); notes();
  if (!lasts) { const slider = by('moment'); if (document.activeElement !== slider || playing) slider.value = end() ? Math.round(clock / end() * 1000) : 0; slider.setAttribute('aria-valuetext', span(clock)); }
  else { by('hold').disabled = seen.held || !!seen.over || connection === 'gone'; by('go-on').disabled = !seen.held; }
};
const shares = () => {
  const list = by('shares'), total = [...seen.shares.values()].reduce((a, b) => a + b, 0);
  if (list.children.length !== seen.shares.size) list.replaceChildren(...[...seen.shares.keys()].map(() => { const li = make('li'), bar = make('p', undefined, 'bar'); bar.append(make('i')); li.append(make('span'), bar, make('span')); return li; }));
  [...seen.shares].forEach(([name, n], i) => {
    const [label, bar, figure] = list.children[i].children;
    label.textContent = name; label.className = seen.down.has(name) ? 'down' : '';
    bar.firstChild.style.width = total ? n / total * 100 + '%' : '0'; figure.textContent = number(n) + (total ? ' (' + number(n / total * 100) + N + '%)' : '');
  });
};
let shownFailures = '';
const failed = () => {
  const so = seen.soFar, key = JSON.stringify([so, !!seen.over, seen.held]);
  if (key === shownFailures) return;
  shownFailures = key;
  put('failed-title', so && !so.provisional ? words.failed : words.failedSoFar);
  put('met', so ? fill(words.met, {n: so.passed, all: so.of}) : '');
  put('provisional', so ? so.provisional ? fill(words.provisional, {time: span(so.at)}) : words.final : '');
  put('none-failed', so ? so.failed.length ? '' : words.nothingFailed : words.nothingJudged);
  by('failed').replaceChildren(...(so ? so.failed : []).map(f => {
    const li = make('li', undefined, f.required ? '' : 'optional');
    li.append(make('h3', f.title), coded(make('p', undefined, 'reason'), f.reason), make('p', f.check + ' · ' + (f.required ? words.required : words.optional), 'id'));
    if (lasts && !seen.over) { const again = make('button', seen.held ? words.repeatNow : words.repeatAfter); again.type = 'button'; again.onclick = () => ask('repeat?check=' + encodeURIComponent(f.check)); li.append(again); }
    else { const p = make('p', words.repeatCommand + ' '); p.append(make('code', told.command + f.check)); li.append(p); }
    return li;
  }));
};
let shownNotes = '';
const notes = () => {
  const key = seen.notes.map(n => n.at + '×' + n.times).join();
  if (key === shownNotes) return;
  shownNotes = key;
  by('no-notes').hidden = seen.notes.length > 0;
  by('notes').replaceChildren(...seen.notes.slice().reverse().map(n => { const li = make('li', undefined, n.kind); li.append(make('time', span(n.at)), coded(make('span'), n.text + (n.times > 1 ? ' (× ' + number(n.times) + ')' : ''))); return li; }));
};

// --- the lanes ---
const colours = () => { const s = getComputedStyle(document.documentElement), of = name => s.getPropertyValue('--' + name).trim(); return {ink: of('ink'), soft: of('soft'), rule: of('rule'), band: of('band'), link: of('link'), pass: of('pass'), fail: of('fail'), doubt: of('doubt'), quiet: of('quiet'), card: of('card')}; };
// Shape says what colour says: a full bar, a hollow one, a bar with a bar above, a cross.
const mark = (g, c, kind, x, y, w, h) => {
  w = Math.max(w, 2.5);
  if (kind === 'trouble') { g.fillStyle = c.fail; g.fillRect(x, y + h / 2 - 1, w, 2); g.strokeStyle = c.fail; g.lineWidth = 2; const r = Math.max(h / 2, 3.5), ex = x + w, ey = y + h / 2; g.beginPath(); g.moveTo(ex - r, ey - r); g.lineTo(ex + r, ey + r); g.moveTo(ex - r, ey + r); g.lineTo(ex + r, ey - r); g.stroke(); return; }
  if (kind === 'cache') { g.strokeStyle = c.pass; g.lineWidth = 1.5; g.strokeRect(x + .75, y + .75, Math.max(w - 1.5, 1), Math.max(h - 1.5, 1)); return; }
  if (kind === 'status') { g.fillStyle = c.doubt; g.fillRect(x, y + h / 2, w, h / 2); g.fillRect(x, y, w, 1.5); return; }
  if (kind === 'load') { g.fillStyle = c.band; g.fillRect(x, y + h / 4, w, h * 3 / 4); g.fillStyle = c.link; g.fillRect(x, y + h / 4, w, 1.5); return; }
  if (kind === 'up') { g.fillStyle = c.band; g.fillRect(x, y, w, h); return; }
  if (kind === 'down') { g.strokeStyle = c.quiet; g.lineWidth = 1; g.setLineDash([4, 3]); g.strokeRect(x + .5, y + .5, Math.max(w - 1, 1), h - 1); g.setLineDash([]); return; }
  g.fillStyle = c.link; g.fillRect(x, y, w, h);
};
const kindOf = m => m.trouble ? 'trouble' : m.status >= 400 ? 'status' : m.cached ? 'cache' : 'backend';
// Bars that last at the same time lie beneath each other, as far as the lane has room.
const rows = (list, from, room) => { const ends = []; return list.filter(m => m.to >= from).sort((a, b) => a.from - b.from).map(m => { let row = ends.findIndex(e => e <= m.from); if (row < 0) row = ends.length < room ? ends.length : ends.indexOf(Math.min(...ends)); ends[row] = m.to; return [m, row]; }); };
const draw = () => {
  const canvas = by('lanes'), names = [...seen.shares.keys()], ratio = devicePixelRatio || 1, width = canvas.clientWidth;
  const narrow = width < 520, LABEL = narrow ? 0 : 74, HEAD = narrow ? 17 : 4, TOP = 22, heights = [76, 34, ...names.map(() => names.length > 6 ? 20 : 34), 46];
  const height = TOP + heights.reduce((a, b) => a + b + 6 + (narrow ? 13 : 0), 0) + 22;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) { canvas.width = Math.round(width * ratio); canvas.height = Math.round(height * ratio); canvas.style.height = height + 'px'; }
  const g = canvas.getContext('2d'), c = colours();
  g.setTransform(ratio, 0, 0, ratio, 0, 0); g.clearRect(0, 0, width, height); g.font = '12px ' + getComputedStyle(document.body).fontFamily; g.textBaseline = 'middle';
  const chosen = Number(by('window').value), to = Math.max(clock, 5000), from = chosen ? Math.max(0, to - chosen) : 0, right = width - 10;
  const x = at => LABEL + 8 + (Math.min(Math.max(at, from), to) - from) / (to - from) * (right - LABEL - 8);
  const inside = m => m.at >= from && m.at <= to;
  // The grid in whole seconds.
  const every = [1000, 2000, 5000, 10000, 20000, 60000, 120000, 300000].find(s => (to - from) / s <= (narrow ? 4 : 8)) || 600000;
  g.strokeStyle = c.rule; g.fillStyle = c.soft; g.lineWidth = 1; g.textAlign = 'center';
  for (let at = Math.ceil(from / every) * every; at <= to; at += every) { const px = Math.round(x(at)) + .5; g.beginPath(); g.moveTo(px, TOP); g.lineTo(px, height - 20); g.stroke(); if (px > LABEL + 20 && px < right - 16) g.fillText(number(at / 1000) + ' s', px, height - 10); }
  // Steps, by their number.
  let lastLabel = -99; g.textAlign = 'left';
  for (const m of seen.marks.filter(inside)) { const px = Math.round(x(m.at)) + .5; g.strokeStyle = c.quiet; g.setLineDash([2, 3]); g.beginPath(); g.moveTo(px, 4); g.lineTo(px, height - 20); g.stroke(); g.setLineDash([]); if (px - lastLabel > 30 && px < right - 18) { g.fillStyle = c.ink; g.fillText(number(m.step + 1), px + 4, 11); lastLabel = px; } }
  let y = TOP;
  const lane = (name, h, inner) => {
    if (narrow) y += 13;
    g.fillStyle = c.soft; g.textAlign = 'left'; g.font = '600 12px ' + getComputedStyle(document.body).fontFamily;
    if (narrow) { const w = g.measureText(name).width; g.fillStyle = c.card; g.fillRect(2, y - 13, w + 6, 14); g.fillStyle = c.soft; }
    narrow ? g.fillText(name, 4, y - 6) : g.fillText(name, 10, y + h / 2, LABEL - 12);
    g.font = '12px ' + getComputedStyle(document.body).fontFamily;
    inner(y, h); y += h; g.strokeStyle = c.rule; g.lineWidth = 1; g.beginPath(); g.moveTo(4, Math.round(y) + 3.5); g.lineTo(width - 4, Math.round(y) + 3.5); g.stroke(); y += 6;
  };
  lane(words.client, heights[0], (top, h) => { const most = Math.max(1, ...seen.loads.map(m => m.per_second)), room = 6, each = h / room; for (const m of seen.loads.filter(m => m.at >= from)) { const high = m.per_second / most * h; mark(g, c, 'load', x(m.at - 1000), top + h - high * 4 / 3, Math.max(x(m.at) - x(m.at - 1000) - 1, 2), high * 4 / 3); } for (const [m, row] of rows(seen.requests, from, room)) mark(g, c, kindOf(m), x(m.from), top + row * each + 1, x(m.to) - x(m.from), each - 2); });
  lane(words.proxy, heights[1], (top, h) => {
    let since = null, up = false;
    const band = until => { if (since !== null && until > from) mark(g, c, up ? 'up' : 'down', x(since), top + 2, x(until) - x(since), h - 4); };
    for (const m of seen.life) { if (m.is === 'backend' || m.state === 'same') continue; band(m.at); since = m.at; up = m.state === 'ready'; }
    band(seen.over ? seen.last : clock);
    // What happened is named where its name fits before the next.
    const ticks = seen.life.filter(m => m.is !== 'backend' && inside(m));
    ticks.forEach((m, i) => { const px = x(m.at), next = i + 1 < ticks.length ? x(ticks[i + 1].at) : right + 4; g.fillStyle = m.state === 'died' ? c.fail : c.ink; g.fillRect(px - 1, top, 2, h); if (px + 6 + g.measureText(m.text).width < next) g.fillText(m.text, px + 4, top + h / 2); });
  });
  names.forEach((name, i) => lane(name, heights[2 + i], (top, h) => {
    const room = h > 24 ? 4 : 2, each = h / room;
    for (const [m, row] of rows(seen.attempts.filter(a => a.backend === name), from, room)) mark(g, c, m.status >= 400 || m.status === null ? 'status' : 'backend', x(m.from), top + row * each + 1, x(m.to) - x(m.from), each - 2);
    let since = null; const off = until => { if (since !== null && until > from) mark(g, c, 'down', x(since), top + 2, x(until) - x(since), h - 4); };
    for (const m of seen.life) { if (m.is !== 'backend' || m.name !== name) continue; if (m.up) { off(m.at); since = null; } else if (since === null) since = m.at; }
    off(clock);
  }));
  lane(words.disk, heights[heights.length - 1], (top, h) => {
    const most = Math.max(1, ...seen.files.map(m => m.bytes)), py = m => top + h - 4 - m.bytes / most * (h - 22);
    g.strokeStyle = c.link; g.fillStyle = c.link; g.lineWidth = 2; g.beginPath(); let begun = false, last = null;
    // What lies left of the picture counts from its edge.
    for (const m of seen.files.slice(Math.max(0, seen.files.findLastIndex(m => m.at <= from)))) { begun ? (g.lineTo(x(m.at), py(last)), g.lineTo(x(m.at), py(m))) : g.moveTo(x(m.at), py(m)); begun = true; last = m; }
    if (last) { g.lineTo(x(clock), py(last)); g.stroke(); g.fillStyle = c.ink; g.textAlign = 'right'; g.fillText(fill(words.files, {n: number(last.files)}) + ' · ' + size(last.bytes), right, top + 7); g.textAlign = 'left'; }
  });
};
const legend = () => document.querySelectorAll('[data-mark]').forEach(m => { const g = m.getContext('2d'); g.clearRect(0, 0, 36, 14); mark(g, colours(), m.dataset.mark, 3, 2, m.dataset.mark === 'trouble' ? 24 : 28, 10); });

// --- what is asked of the run ---
const ask = path => fetch(path, {method: 'POST', headers: {'Accept-Language': told.code}}).then(r => r.json()).then(answer => put('said', answer.said)).catch(() => put('said', words.gone));

// --- where messages come from ---
const listen = () => {
  const source = new EventSource('events?lang=' + told.code);
  let failures = 0;
  source.onopen = () => { connection = ''; failures = 0; changed = true; };
  source.onmessage = event => arrived(JSON.parse(event.data));
  source.addEventListener('slow', () => put('said', words.slow));
  source.addEventListener('end', () => { source.close(); stopped = true; connection = ''; changed = true; });
  source.addEventListener('next', event => { source.close(); put('said', words.next); setTimeout(() => location.assign('../' + event.data + '/?lang=' + told.code), 1500); });
  source.addEventListener('also', event => { const link = make('a', words.also); link.href = '../' + event.data + '/?lang=' + told.code; by('said').replaceChildren(link); });
  source.onerror = () => {
    connection = ++failures > 4 ? 'gone' : 'lost'; changed = true;
    if (connection === 'gone') { source.close(); stopped = true; }
    else if (source.readyState === EventSource.CLOSED && !stopped) setTimeout(listen, 2000);
  };
};
reset();
const inside = read('messages');
if (inside) arrived(inside); else listen();
if (lasts) {
  by('hold').onclick = () => ask('hold'); by('go-on').onclick = () => ask('continue');
} else {
  const play = on => { playing = on; by('play').textContent = on ? words.pause : words.play; by('play').setAttribute('aria-pressed', on); };
  by('play').onclick = () => { if (!playing && clock >= end()) seek(0); play(!playing); };
  by('to-end').onclick = () => { seek(end()); play(false); };
  by('moment').oninput = () => { play(false); seek(by('moment').value / 1000 * end()); };
  document.addEventListener('keydown', event => { if (event.key === ' ' && event.target === document.body) { event.preventDefault(); by('play').click(); } });
  const at = /^#at=(\d+(?:\.\d+)?)$/.exec(location.hash);
  if (at) { play(false); let tries = 0; const wait = setInterval(() => { if (end() >= at[1] * 1000 || ++tries > 100) { clearInterval(wait); seek(Math.min(at[1] * 1000, end())); } }, 50); }
}
by('window').onchange = () => { changed = true; };
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => { changed = true; legend(); });
addEventListener('resize', () => { changed = true; });
legend();
let before = performance.now();
setInterval(() => {
  const now = performance.now(), passed = now - before;
  before = now;
  // While it is held only the clock of the host goes on.
  if (lasts && seen.held) clock = seen.heard;
  else if (lasts) { if (offset < Infinity && !seen.over && connection === '') { clock = Math.max(seen.last, now - offset); changed = true; } else if (!seen.over) clock = Math.max(clock, seen.last); }
  else if (playing && queue.length) { seek(Math.min(clock + passed * Number(by('speed').value), end())); if (clock >= end() && (inside || stopped)) by('play').click(); }
  if (!changed || document.hidden) return;
  changed = false; say(); draw();
}, lasts ? 200 : 80);
})();
