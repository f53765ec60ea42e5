/* Hover, zoom and show or hide; without this script the figure stands as it is. */
(function () {
  "use strict";
  var svg = document.getElementById("timeline");
  if (!svg) { return; }
  document.documentElement.classList.remove("nojs");
  var number = function (name) { return Number(svg.dataset[name]); };
  var whole = [number("first"), number("last")], span = whole.slice();
  var left = number("left"), right = number("right"), top = number("top");
  var stage = svg.closest(".stage"), tip = document.getElementById("tip"), band = document.getElementById("band");
  var NS = "http://www.w3.org/2000/svg";
  function x(day) { return left + (day - span[0]) / (span[1] - span[0]) * (right - left); }
  function dayAt(px) { return span[0] + (px - left) / (right - left) * (span[1] - span[0]); }

  /* The proleptic Gregorian ordinal of 1970-01-01 is 719163. */
  function date(day) { return new Date((day - 719163) * 864e5); }
  function ordinal(year, month) { return Date.UTC(year, month, 1) / 864e5 + 719163; }
  var MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
  function ticks() {
    var found = [], length = span[1] - span[0], step, day;
    if (svg.dataset.clock === "relative") {
      step = [1, 2, 7, 14, 30, 60, 90, 180, 360, 720, 1e6].find(function (s) { return length / s <= 14; });
      for (day = Math.ceil(span[0] / step) * step; day <= span[1]; day += step) { found.push([day, "day " + day, day === 0]); }
      return found;
    }
    if (length < 100) {
      step = length < 20 ? 2 : 7;
      for (day = Math.ceil(span[0]); day <= span[1]; day += step) { found.push([day, date(day).toISOString().slice(0, 10), false]); }
      return found;
    }
    step = [1, 2, 3, 6, 12, 24, 1200].find(function (s) { return length / 30.4 / s <= 18; });
    var start = date(span[0]), month = start.getUTCFullYear() * 12 + start.getUTCMonth();
    month += (step - month % step) % step;
    for (; (day = ordinal(Math.floor(month / 12), month % 12)) <= span[1]; month += step) {
      if (day >= span[0]) { found.push([day, month % 12 ? MONTHS[month % 12] : String(Math.floor(month / 12)), month % 12 === 0]); }
    }
    if (found.length && !found.some(function (t) { return t[2]; })) { found[0][1] += " " + date(found[0][0]).getUTCFullYear(); }
    return found;
  }
  function element(name, attributes, text) {
    var made = document.createElementNS(NS, name);
    Object.keys(attributes).forEach(function (key) { made.setAttribute(key, attributes[key]); });
    if (text) { made.textContent = text; }
    return made;
  }
  function place() {
    svg.querySelectorAll(".at").forEach(function (g) { g.setAttribute("transform", "translate(" + x(Number(g.dataset.d)).toFixed(1) + " 0)"); });
    svg.querySelectorAll(".stretch").forEach(function (r) {
      var a = x(Number(r.dataset.a)), b = x(Number(r.dataset.b));
      r.setAttribute("x", a.toFixed(1)); r.setAttribute("width", Math.max(1.5, b - a).toFixed(1));
    });
    var axis = document.getElementById("axis"), height = svg.viewBox.baseVal.height;
    axis.replaceChildren.apply(axis, ticks().map(function (t) {
      var g = element("g", { "class": "tick" + (t[2] ? " strong" : ""), transform: "translate(" + x(t[0]).toFixed(1) + " 0)" });
      g.append(element("line", { y1: top - 4, y2: height }), element("text", { y: top - 9 }, t[1]));
      return g;
    }));
    /* a bar that begins before the view still shows its label */
    svg.querySelectorAll(".item .bar").forEach(function (r) {
      var label = r.parentNode.querySelector(".barlabel:not(.under)");
      if (label) { label.setAttribute("x", String(Math.max(5, Math.min(left - x(Number(r.dataset.a)) + 5, Number(r.getAttribute("width")) - 60)))); }
    });
  }
  function zoom(from, to) {
    var shortest = 14, length = Math.min(Math.max(to - from, shortest), whole[1] - whole[0]);
    var middle = (from + to) / 2;
    from = Math.max(whole[0], Math.min(middle - length / 2, whole[1] - length));
    span = [from, from + length];
    place();
  }
  function scaled(factor, about) {
    var centre = about === undefined ? (span[0] + span[1]) / 2 : about;
    zoom(centre - (centre - span[0]) * factor, centre + (span[1] - centre) * factor);
  }
  function stack() {
    var y = top;
    svg.querySelectorAll(".lane").forEach(function (lane) {
      if (lane.style.display === "none") { return; }
      lane.setAttribute("transform", "translate(0 " + y + ")");
      y += Number(lane.dataset.h);
    });
    svg.setAttribute("viewBox", "0 0 " + svg.viewBox.baseVal.width + " " + (y + 8));
    band.setAttribute("height", y + 8 - top);
    place();
  }
  document.querySelectorAll("[data-zoom]").forEach(function (button) {
    button.addEventListener("click", function () {
      var what = button.dataset.zoom;
      if (what === "in") { scaled(0.5); } else if (what === "out") { scaled(2); } else if (what === "all") { zoom(whole[0], whole[1]); } else {
        var ends = what.split(":").map(Number); zoom(ends[0], ends[1]);
      }
    });
  });
  document.querySelectorAll("[data-show]").forEach(function (box) {
    box.addEventListener("change", function () {
      svg.querySelectorAll('.lane[data-group="' + box.dataset.show + '"]').forEach(function (lane) { lane.style.display = box.checked ? "" : "none"; });
      stack();
    });
  });
  function pixel(event) {
    var box = svg.getBoundingClientRect();
    return (event.clientX - box.left) / box.width * svg.viewBox.baseVal.width;
  }
  svg.addEventListener("wheel", function (event) {
    if (!event.ctrlKey && !event.shiftKey) { return; }
    event.preventDefault();
    scaled((event.deltaY || event.deltaX) > 0 ? 1.25 : 0.8, dayAt(pixel(event)));
  }, { passive: false });
  var drag = null;
  svg.addEventListener("pointerdown", function (event) { if (event.button === 0 && pixel(event) > left) { drag = [pixel(event), span[0], span[1]]; } });
  window.addEventListener("pointermove", function (event) {
    if (!drag) { return; }
    var moved = (pixel(event) - drag[0]) / (right - left) * (drag[2] - drag[1]);
    zoom(drag[1] - moved, drag[2] - moved);
  });
  window.addEventListener("pointerup", function () { drag = null; });
  svg.addEventListener("keydown", function (event) {
    if (event.key === "+" || event.key === "=") { scaled(0.7); } else if (event.key === "-") { scaled(1.4); } else if (event.key === "Escape") { hide(); }
  });

  /* Tooltips: lines of the title element, as text only. */
  var lines = new Map();
  svg.querySelectorAll(".item").forEach(function (item) {
    var title = item.querySelector("title");
    lines.set(item, title.textContent.split("\n"));
    title.remove();
    item.addEventListener("pointerenter", function () { show(item); });
    item.addEventListener("focus", function () { show(item); });
    item.addEventListener("pointerleave", hide);
    item.addEventListener("blur", hide);
  });
  function show(item) {
    tip.replaceChildren.apply(tip, lines.get(item).map(function (line, index) {
      var part = document.createElement(index ? "span" : "b");
      part.textContent = line;
      return part;
    }));
    tip.hidden = false;
    var box = item.getBoundingClientRect(), frame = stage.getBoundingClientRect();
    var middle = Math.min(Math.max(box.left + box.width / 2, frame.left), frame.right) - frame.left;
    tip.style.left = Math.max(4, Math.min(middle + 12, frame.width - tip.offsetWidth - 8)) + "px";
    var below = box.bottom - frame.top + 8;
    tip.style.top = (below + tip.offsetHeight > frame.height ? Math.max(4, box.top - frame.top - tip.offsetHeight - 8) : below) + "px";
    var a = x(Number(item.dataset.f)), b = x(Number(item.dataset.l));
    a = Math.max(left, a); b = Math.min(right, b);
    band.setAttribute("x", a.toFixed(1)); band.setAttribute("width", Math.max(b - a, b >= a ? 1.5 : 0).toFixed(1));
  }
  function hide() { tip.hidden = true; band.setAttribute("width", "0"); }
  document.querySelectorAll("[data-copy]").forEach(function (button) {
    button.addEventListener("click", function () {
      if (navigator.clipboard) { navigator.clipboard.writeText(button.dataset.copy).then(function () { button.textContent = "copied"; }, function () {}); }
    });
  });
}());
