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
