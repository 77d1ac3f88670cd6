"""The one script of the page of trials: it sorts and filters rows that are there, and marks a trial wherever it is drawn."""

from __future__ import annotations

# No text of the page is ever taken for markup or code: rows are moved and hidden, and nothing else is written.
SCRIPT = r"""
(function () {
  "use strict";
  var table = document.getElementById("trials");
  if (!table) { return; }
  var body = table.tBodies[0];
  var rows = Array.prototype.slice.call(body.rows);
  var heads = Array.prototype.slice.call(table.tHead.rows[0].cells);
  var names = heads.map(function (head) { return head.textContent; });
  var field = document.getElementById("filter");
  var told = document.getElementById("shown");

  function worth(row, column) {
    var cell = row.cells[column], text = cell.getAttribute("data-v");
    return text === null ? cell.textContent : Number(text);
  }
  function isLess(one, other) {
    if (typeof one !== typeof other) { return typeof one === "number" ? -1 : 1; }
    return one < other ? -1 : one > other ? 1 : 0;
  }
  function isEmpty(value) { return value === "-" || value !== value; }

  heads.forEach(function (head, column) {
    var button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.textContent = "";
    head.appendChild(button);
    button.addEventListener("click", function () {
      var down = head.getAttribute("aria-sort") === "descending" ? 1 : -1;
      heads.forEach(function (each) { each.removeAttribute("aria-sort"); });
      head.setAttribute("aria-sort", down === -1 ? "descending" : "ascending");
      rows.sort(function (a, b) {
        var one = worth(a, column), other = worth(b, column);
        if (isEmpty(one) || isEmpty(other)) { return isEmpty(one) - isEmpty(other); }
        return down * isLess(one, other);
      });
      rows.forEach(function (row) { body.appendChild(row); });
    });
  });

  function condition(text) {
    var parts = /^\s*(.+?)\s*(>=|<=|!=|=|>|<)\s*(\S+)\s*$/.exec(text);
    var column = parts ? names.indexOf(parts[1]) : -1;
    if (column < 0) {
      var word = text.trim().toLowerCase();
      return function (row) { return row.textContent.toLowerCase().indexOf(word) >= 0; };
    }
    var wanted = Number(parts[3]);
    return function (row) {
      var value = worth(row, column);
      if (isEmpty(value)) { return false; }
      if (wanted !== wanted) { return (String(value) === parts[3]) === (parts[2] === "="); }
      switch (parts[2]) {
        case ">=": return value >= wanted;
        case "<=": return value <= wanted;
        case ">": return value > wanted;
        case "<": return value < wanted;
        case "!=": return value !== wanted;
        default: return value === wanted;
      }
    };
  }
  function mark(number, hidden, name) {
    document.querySelectorAll('[data-trial="' + number + '"]').forEach(function (each) {
      each.classList.toggle(name, hidden);
    });
  }
  if (field) {
    field.closest("p").hidden = false;
    field.addEventListener("input", function () {
      var all = field.value.split(/\sand\s/i).filter(function (each) { return each.trim(); }).map(condition);
      var shown = 0;
      rows.forEach(function (row) {
        var fits = all.every(function (each) { return each(row); });
        shown += fits ? 1 : 0;
        row.hidden = !fits;
        mark(row.getAttribute("data-trial"), !fits, "gone");
      });
      told.textContent = all.length ? shown + " of " + rows.length + " rows" : "";
    });
  }
  function follow(event, on) {
    var at = event.target.closest ? event.target.closest("[data-trial]") : null;
    if (at) { mark(at.getAttribute("data-trial"), on, "marked"); }
  }
  document.addEventListener("mouseover", function (event) { follow(event, true); });
  document.addEventListener("mouseout", function (event) { follow(event, false); });
  document.addEventListener("focusin", function (event) { follow(event, true); });
  document.addEventListener("focusout", function (event) { follow(event, false); });
})();
"""

STYLE = """
.halo { paint-order: stroke; stroke: var(--paper); stroke-width: 3px; fill: var(--ink) }
.gone { display: none }
g.marked path, g.marked circle { stroke: var(--b); stroke-width: 4; stroke-opacity: 1; fill-opacity: 1 }
tr.marked > * { background: var(--refused) }
tr.best > * { font-weight: 600; border-top: 2px solid var(--good); border-bottom: 2px solid var(--good) }
tr.baseline > * { background: var(--tint) }
#trials th button { all: unset; cursor: pointer; display: block; width: 100% }
#trials th button:focus-visible, #filter:focus-visible { outline: 3px solid var(--link); outline-offset: 2px }
#trials th[aria-sort=ascending] button::after { content: " \\2191" }
#trials th[aria-sort=descending] button::after { content: " \\2193" }
#trials thead th { position: sticky; top: 0 }
#filter { font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--line); border-radius: 6px;
  padding: .3rem .6rem; width: min(30rem, 100%) }
.legend { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .25rem 1.25rem }
.legend svg { display: inline-block; vertical-align: middle }
.legend li.marked { outline: 2px solid var(--b) }
main { max-width: 90rem }
""".lstrip()
