// What the page can do beyond being read: filter, copy, open and close, zoom. Without it nothing is missing but comfort.
(function () {
  "use strict";
  var root = document.documentElement;
  root.classList.add("live");
  var all = function (selector, within) { return Array.prototype.slice.call((within || document).querySelectorAll(selector)); };

  // Filter by verdict and by words: rows, checks and entries of the contents at once; a requirement without checks left goes
  // too. What is chosen stands in the address, so that it can be sent to somebody.
  var filters = all("[data-filter]"), search = document.getElementById("search"), order = document.getElementById("order");
  var rows = all(".glance tbody tr"), gravest = rows.slice();
  var asked = new URLSearchParams(location.search);
  var chosen = { show: asked.get("show") || "", q: asked.get("q") || "", order: asked.get("order") || "" };
  var fold = function (text) { return text.toLowerCase().normalize("NFD").replace(/[\u0300-\u036f]/g, ""); };
  // What is searched is folded once, when something is searched for the first time.
  var texts = {};
  function matching() {
    var words = fold(chosen.q).split(/\s+/).filter(Boolean);
    if (words.length === 0) return function () { return true; };
    all(".check").forEach(function (check) {
      // Evidence quotes what other checks are about.
      var own = Array.prototype.filter.call(check.children, function (part) { return !part.classList.contains("evidence"); });
      texts[check.id] = texts[check.id] || fold(own.map(function (part) { return part.textContent; }).join(" "));
    });
    return function (id) { return words.every(function (word) { return (texts[id] || "").indexOf(word) >= 0; }); };
  }
  function choose() {
    var matches = matching();
    filters.forEach(function (button) { button.setAttribute("aria-pressed", String(button.dataset.filter === chosen.show)); });
    all("[data-outcome]").forEach(function (item) {
      var link = item.querySelector("a[href^='#']"), id = item.id || (link ? link.hash.slice(1) : "");
      item.classList.toggle("gone", (chosen.show !== "" && item.dataset.outcome !== chosen.show) || !matches(id));
    });
    all(".requirement").forEach(function (section) {
      var checks = all(".check", section), some = checks.some(function (check) { return !check.classList.contains("gone"); });
      section.classList.toggle("gone", (chosen.show !== "" || chosen.q !== "") && !some);
    });
    if (order && rows.length) {
      var planned = chosen.order === "plan";
      order.setAttribute("aria-pressed", String(planned));
      var sorted = planned ? rows.slice().sort(function (a, b) { return a.dataset.place - b.dataset.place; }) : gravest;
      sorted.forEach(function (row) { row.parentNode.appendChild(row); });
    }
    var query = new URLSearchParams();
    Object.keys(chosen).forEach(function (key) { if (chosen[key]) query.set(key, chosen[key]); });
    var address = location.pathname + (query.toString() ? "?" + query : "") + location.hash;
    // Some browsers keep the addresses of files as they are.
    try { history.replaceState(null, "", address); } catch (refused) { return; }
  }
  filters.forEach(function (button) {
    button.addEventListener("click", function () { chosen.show = button.dataset.filter; choose(); });
  });
  if (search) {
    search.value = chosen.q;
    search.addEventListener("input", function () { chosen.q = search.value; choose(); });
  }
  if (order) order.addEventListener("click", function () { chosen.order = chosen.order ? "" : "plan"; choose(); });
  if (chosen.show || chosen.q || chosen.order) choose();

  // `n` and `p` go from failure to failure in the order of mending, `/` to the search.
  document.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) return;
    if (event.key === "/" && search) { event.preventDefault(); search.focus(); return; }
    if (event.key !== "n" && event.key !== "p") return;
    var failures = gravest.filter(function (row) { return row.dataset.outcome === "fail"; });
    if (failures.length === 0) return;
    var names = failures.map(function (row) { return row.querySelector("a").hash; });
    var at = names.indexOf(location.hash), step = event.key === "n" ? 1 : -1;
    var next = at < 0 ? (step > 0 ? 0 : names.length - 1) : (at + step + names.length) % names.length;
    location.hash = names[next];
  });

  // Arrow keys go through what a program did, event by event; the line that was named is where one begins.
  all(".sequence .scroll").forEach(function (box) {
    var events = all("tbody tr", box), at = -1;
    box.addEventListener("keydown", function (event) {
      var step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
      if (step === 0) return;
      event.preventDefault();
      var named = events.findIndex(function (row) { return row.classList.contains("named"); });
      if (at >= 0) events[at].removeAttribute("aria-current");
      at = at < 0 ? Math.max(named, 0) : Math.min(Math.max(at + step, 0), events.length - 1);
      events[at].setAttribute("aria-current", "true");
      events[at].scrollIntoView({ block: "nearest" });
    });
  });

  // Plots tell the figures of the part that is pointed at; left and right go from part to part, Home and End to the ends.
  all(".plot").forEach(function (plot) {
    var reading = plot.querySelector(".reading");
    var tell = function (event) { if (event.target.closest(".spots")) reading.textContent = event.target.getAttribute("aria-label"); };
    plot.addEventListener("mouseover", tell);
    plot.addEventListener("focusin", tell);
    plot.addEventListener("keydown", function (event) {
      var spots = event.target.parentNode, step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
      if (!spots.classList.contains("spots") || (step === 0 && event.key !== "Home" && event.key !== "End")) return;
      event.preventDefault();
      var parts = all("rect", spots), at = parts.indexOf(event.target);
      var next = parts[event.key === "Home" ? 0 : event.key === "End" ? parts.length - 1 : Math.min(Math.max(at + step, 0), parts.length - 1)];
      event.target.setAttribute("tabindex", "-1");
      next.setAttribute("tabindex", "0");
      next.focus();
    });
  });

  // A link to a check that a filter hides shows everything again; its evidence opens.
  function arrive() {
    var target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    if (target.closest(".gone")) {
      chosen.show = chosen.q = "";
      if (search) search.value = "";
      choose();
    }
    var evidence = target.querySelector && target.querySelector("details.evidence");
    if (evidence) evidence.open = true;
    target.scrollIntoView();
  }
  window.addEventListener("hashchange", arrive);
  arrive();

  all("[data-open]").forEach(function (button) {
    button.addEventListener("click", function () {
      all("details.evidence").forEach(function (details) { details.open = button.dataset.open === "true"; });
    });
  });

  all("button.copy").forEach(function (button) {
    var words = button.textContent;
    button.addEventListener("click", function () {
      var code = button.parentNode.querySelector("code");
      var said = function () { button.textContent = button.dataset.copied; setTimeout(function () { button.textContent = words; }, 1500); };
      // Pages opened from disk may be refused the clipboard: then the text is selected, ready for the keyboard.
      var select = function () { getSelection().selectAllChildren(code); };
      if (navigator.clipboard) navigator.clipboard.writeText(code.textContent).then(said, select); else select();
    });
  });

  var decimal = root.lang === "es" ? "," : ".";
  function milliseconds(value, apart) {
    var places = apart >= 1 ? 0 : Math.min(4, Math.ceil(-Math.log10(apart)));
    return value.toFixed(places).replace(".", decimal) + " ms";
  }

  // Timelines: positions are percentages of [low, high]; zooming changes the two ends.
  all(".timeline").forEach(function (box) {
    var svg = box.querySelector("svg");
    if (!svg) return;
    var whole = [Number(box.dataset.low), Number(box.dataset.high)], low = whole[0], high = whole[1];
    var marks = all(".marks > g", svg), labels = all(".axis text", svg);
    function place(ms) { return ((ms - low) / (high - low)) * 100; }
    function draw() {
      var last = {}, room = 18 / Math.max(1, svg.clientWidth) * 100;
      marks.forEach(function (mark) {
        var from = place(Number(mark.dataset.from)), to = place(Number(mark.dataset.to));
        var rect = mark.querySelector("rect");
        rect.setAttribute("x", from + "%");
        rect.setAttribute("width", Math.max(0.05, to - from) + "%");
        mark.querySelector("circle").setAttribute("cx", to + "%");
        // A number is left out where it would lie on the one before it in its lane.
        var text = mark.querySelector("text"), lane = text.getAttribute("y");
        var free = last[lane] === undefined || from - last[lane] >= room;
        if (free) last[lane] = from;
        text.setAttribute("x", from + "%");
        text.setAttribute("opacity", free ? 1 : 0);
      });
      var span = high - low, raw = span / 5, power = Math.pow(10, Math.floor(Math.log10(raw)));
      var step = [1, 2, 5, 10].map(function (m) { return m * power; }).find(function (s) { return s >= raw; });
      var first = Math.ceil(low / step) * step;
      labels.forEach(function (label, index) {
        var at = first + index * step, inside = at <= high - span * 0.02;
        label.textContent = inside ? milliseconds(at, step) : "";
        label.setAttribute("x", place(at) + "%");
      });
    }
    function zoom(factor, centre) {
      var middle = centre === undefined ? (low + high) / 2 : centre;
      var span = Math.min(whole[1] - whole[0], Math.max((whole[1] - whole[0]) / 1e5, (high - low) * factor));
      move(middle - (middle - low) * (span / (high - low)), span);
    }
    function move(from, span) {
      low = Math.max(whole[0], Math.min(from, whole[1] - span));
      high = low + span;
      draw();
    }
    function reset() { low = whole[0]; high = whole[1]; draw(); }
    function at(event) { var r = svg.getBoundingClientRect(); return low + ((event.clientX - r.left) / r.width) * (high - low); }
    all("[data-zoom]", box).forEach(function (button) {
      button.addEventListener("click", function () {
        if (button.dataset.zoom === "all") reset(); else zoom(button.dataset.zoom === "in" ? 0.5 : 2);
      });
    });
    box.addEventListener("keydown", function (event) {
      var span = high - low;
      if (event.key === "+" || event.key === "=") zoom(0.5);
      else if (event.key === "-") zoom(2);
      else if (event.key === "0") reset();
      else if (event.key === "ArrowLeft") move(low - span / 5, span);
      else if (event.key === "ArrowRight") move(low + span / 5, span);
      else return;
      event.preventDefault();
    });
    svg.addEventListener("wheel", function (event) {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      zoom(event.deltaY < 0 ? 0.8 : 1.25, at(event));
    }, { passive: false });
    var held = null;
    svg.addEventListener("pointerdown", function (event) { held = at(event); svg.setPointerCapture(event.pointerId); });
    svg.addEventListener("pointermove", function (event) { if (held !== null) move(low + (held - at(event)), high - low); });
    svg.addEventListener("pointerup", function () { held = null; });
    draw();
  });

  // The zoomable chart of percentiles, where the page carries its figures.
  var holder = document.getElementById("chart"), figures = document.getElementById("charts");
  if (holder && figures && window.uPlot) {
    var data = JSON.parse(figures.textContent);
    var dark = matchMedia("(prefers-color-scheme: dark)");
    var colour = function (name) { return getComputedStyle(root).getPropertyValue(name).trim(); };
    var number = function (value) { return value === null || value === undefined ? "–" : String(Math.round(value * 1000) / 1000).replace(".", decimal); };
    var percentile = function (x) { return "p" + number(Math.round((1 - 1 / x) * 1e7) / 1e5); };
    var chart = null;
    var dashes = [[], [8, 4], [3, 3], [10, 3, 2, 3]];
    var make = function () {
      if (chart) chart.destroy();
      holder.parentNode.hidden = false;
      var tones = [colour("--link"), colour("--ink"), colour("--doubt"), colour("--pass")];
      var axis = { stroke: colour("--soft"), grid: { stroke: colour("--rule"), width: 1 }, ticks: { stroke: colour("--rule"), width: 1 }, font: "12px system-ui, sans-serif", labelFont: "12px system-ui, sans-serif" };
      chart = new uPlot({
        width: Math.min(860, holder.clientWidth || 860), height: 300,
        scales: { x: { time: false, distr: 3, log: 10 }, y: { distr: 3, log: 10 } },
        cursor: { drag: { x: true, y: false } },
        axes: [
          Object.assign({ label: data.x_name, values: function (u, splits) { return splits.map(function (x) { return x > 0 && Math.abs(Math.log10(x) % 1) < 1e-6 ? percentile(x) : ""; }); } }, axis),
          Object.assign({ label: data.y_name, size: 60, values: function (u, splits) { return splits.map(function (v) { return v === null ? "" : number(v); }); } }, axis)
        ],
        series: [{ label: "p", value: function (u, x) { return x ? percentile(x) : "–"; } }].concat(data.series.map(function (series, index) {
          return { label: series.name, stroke: tones[index % 4], width: 2, dash: dashes[index % 4], points: { show: false }, value: function (u, v) { return v === null || v === undefined ? "–" : number(v) + " ms"; } };
        }))
      }, [data.x].concat(data.series.map(function (series) { return series.values; })), holder);
    };
    make();
    dark.addEventListener("change", make);
    addEventListener("resize", function () { if (chart) chart.setSize({ width: Math.min(860, holder.clientWidth), height: 300 }); });
  }

  // On paper the evidence of what did not pass is there, folded or not.
  addEventListener("beforeprint", function () { all(".check.fail details.evidence, .check.inconclusive details.evidence").forEach(function (details) { details.open = true; }); });
})();
