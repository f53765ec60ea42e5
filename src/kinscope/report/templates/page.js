/* On paper every explanation is open; afterwards each is as the reader left it. */
(function () {
  "use strict";
  var opened = [];
  window.addEventListener("beforeprint", function () {
    opened = Array.prototype.filter.call(document.querySelectorAll("details:not(.screen-only)"), function (d) { return !d.open; });
    opened.forEach(function (d) { d.open = true; });
  });
  window.addEventListener("afterprint", function () { opened.forEach(function (d) { d.open = false; }); });
  var all = document.getElementById("open-all");
  if (all) {
    all.addEventListener("click", function () {
      var open = all.getAttribute("aria-pressed") !== "true";
      document.querySelectorAll("details.reasons").forEach(function (d) { d.open = open; });
      all.setAttribute("aria-pressed", String(open));
      all.textContent = open ? "Close all reasons" : "Open all reasons";
    });
  }
}());
