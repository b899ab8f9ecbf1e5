// Turns what is typed into the form into the text of an entries file; the page itself keeps nothing.
(function () {
  "use strict";
  var inputs = Array.prototype.slice.call(document.querySelectorAll("input[data-team]"));
  var text = document.getElementById("entries");
  if (!text) return;
  function write() {
    var teams = {}, lines = [];
    inputs.forEach(function (input) {
      if (input.value === "" || !input.validity.valid) return;
      (teams[input.dataset.team] = teams[input.dataset.team] || []).push(JSON.stringify(input.dataset.row) + ": " + Number(input.value) + "%");
    });
    Object.keys(teams).sort().forEach(function (team) { lines.push(team + ":", "  manual: {" + teams[team].join(", ") + "}"); });
    text.textContent = lines.join("\n");
  }
  inputs.forEach(function (input) { input.addEventListener("input", write); });
  write();
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
        var order = key === "code" ? a.localeCompare(b) : Number(a) - Number(b);
        return down ? -order : order;
      });
      Array.prototype.forEach.call(head.parentNode.cells, function (cell) { cell.removeAttribute("aria-sort"); });
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      rows.forEach(function (row) { body.appendChild(row); });
    });
  });
})();
