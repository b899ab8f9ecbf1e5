// Turns what is typed into the form into the text of an entries file; the page itself keeps nothing.
(function () {
  "use strict";
  var text = document.getElementById("entries"), table = document.getElementById("teams"), inputs = [];
  if (!text) return;
  // A line for each team, made when the table comes into sight: thousands of fields would hold up the page.
  function fill() {
    var line = document.getElementById("line");
    table.dataset.codes.split(" ").forEach(function (code) {
      var row = line.content.cloneNode(true);
      row.querySelector("th").textContent = code;
      Array.prototype.forEach.call(row.querySelectorAll("input"), function (input) {
        input.dataset.team = code;
        input.setAttribute("aria-label", code + ", " + input.getAttribute("aria-label") + ", %");
        input.addEventListener("input", write);
        inputs.push(input);
      });
      table.appendChild(row);
    });
  }
  new IntersectionObserver(function (seen, observer) {
    if (!seen.some(function (one) { return one.isIntersecting; })) return;
    observer.disconnect();
    fill();
  }, {rootMargin: "600px"}).observe(table.parentNode);
  function write() {
    var teams = {}, lines = [];
    inputs.forEach(function (input) {
      if (input.value === "" || !input.validity.valid) return;
      (teams[input.dataset.team] = teams[input.dataset.team] || []).push(JSON.stringify(input.dataset.row) + ": " + Number(input.value) + "%");
    });
    Object.keys(teams).forEach(function (team) { lines.push(team + ":", "  manual: {" + teams[team].join(", ") + "}"); });
    text.textContent = lines.join("\n");
  }
})();
// Sorts the matrix by what its heads say: the most first, once more the least; codes by their letters.
(function () {
  "use strict";
  Array.prototype.forEach.call(document.querySelectorAll("th[data-sort]"), function (head) {
    var button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.textContent = "";
    head.appendChild(button);
    button.addEventListener("click", function () {
      var key = head.dataset.sort, body = head.closest("table").tBodies[0];
      var down = key !== "code" ? head.getAttribute("aria-sort") !== "descending" : head.getAttribute("aria-sort") === "ascending";
      var rows = Array.prototype.slice.call(body.rows).sort(function (one, two) {
        var a = one.dataset[key], b = two.dataset[key];
        var order = key === "code" ? a.localeCompare(b, undefined, {numeric: true}) : Number(a) - Number(b);
        return down ? -order : order;
      });
      Array.prototype.forEach.call(head.parentNode.cells, function (cell) { cell.removeAttribute("aria-sort"); });
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      rows.forEach(function (row) { body.appendChild(row); });
    });
  });
})();
