/* The 3D view: draws the scene that the page carries. No name from outside becomes markup: textContent only. */
(function () {
  "use strict";
  var host = document.getElementById("viewer");
  var holder = document.getElementById("scene");
  if (!host || !holder) { return; }
  var scene = JSON.parse(holder.textContent);
  var status = document.getElementById("viewer-status");
  var legend = document.getElementById("viewer-legend");
  var NATIVE = host.dataset.native, MUTANT = host.dataset.mutant;

  function get(id) { return document.getElementById(id); }
  function say(text) { if (status) { status.textContent = text; } }
  function spans(ranges) { return ranges.map(function (r) { return r[0] + "-" + r[1]; }); }
  function checked(id) { var box = get(id); return Boolean(box && box.checked); }

  var viewer = null;
  try {
    if (typeof $3Dmol !== "undefined" && scene.states.length) {
      viewer = $3Dmol.createViewer(host, { backgroundColor: "white", antialias: true });
    }
  } catch (error) { viewer = null; }
  if (!viewer) {
    host.classList.add("unavailable");
    say("This browser cannot draw in 3D (WebGL). The contact sketch and the tables below hold the same facts.");
    return;
  }

  function atoms(carbon) {
    var map = Object.assign({}, $3Dmol.elementColors.defaultColors);
    map.C = carbon; map.H = "#f4f4f4"; map.N = "#3050f8"; map.O = "#e02b20"; map.S = "#d9b300";
    map.F = "#4fae3a"; map.CL = "#2f9e2f"; map.Cl = "#2f9e2f"; map.BR = "#9c3a1c"; map.Br = "#9c3a1c";
    return { prop: "elem", map: map };
  }
  function state() {
    var id = get("v-state").value;
    return scene.states.filter(function (s) { return s.id === id; })[0] || scene.states[0];
  }
  function shown() {
    var wanted = document.querySelector("input[name=v-show]:checked");
    var choice = wanted ? wanted.value : "overlay", s = state();
    if (!s.native) { return "mutant"; }
    if (!s.mutant) { return "native"; }
    return choice;
  }

  function paint(model, which, s, overlay) {
    var uniform = which === "native" ? NATIVE : MUTANT;
    var mode = overlay ? "plain" : get("v-colour").value;
    /* Where the two all but coincide a thin native tube still shows inside the mutant's ribbon. */
    var thin = overlay && which === "native";
    model.setStyle({}, { cartoon: thin ? { color: uniform, style: "trace", thickness: 0.13 }
      : { color: mode === "plain" ? (overlay ? "#e9b48f" : uniform) : "#c3c9d0", opacity: overlay ? 0.6 : 1, thickness: 0.35 } });
    if (mode === "region") {
      scene.regions.filter(function (r) { return r.kind !== "pocket"; })
        .sort(function (a, b) { return (b.kind === "domain") - (a.kind === "domain"); })
        .forEach(function (r) {
          model.setStyle({ resi: spans(r.ranges) }, { cartoon: { color: r.colour, thickness: 0.35 } });
        });
    }
    var side = { not: { atom: ["H"] } };
    if (checked("v-neighbours") && s.neighbours.length) {
      model.setStyle(Object.assign({ resi: s.neighbours }, side),
        { stick: { radius: 0.09, colorscheme: atoms(overlay ? uniform : "#a9b1ba") } }, true);
    }
    model.setStyle({ resi: scene.positions }, { stick: { radius: thin ? 0.11 : 0.2, colorscheme: atoms(uniform) } }, true);
  }

  function label(text, where, size, colour, raised) {
    viewer.addLabel(text, {
      position: where, fontSize: size, fontColor: colour, backgroundColor: "white", backgroundOpacity: 0.78,
      borderThickness: 0, inFront: true, alignment: "center",
      screenOffset: { x: 0, y: raised || 0 }
    });
  }

  function residueName(atom) { return atom.resn.charAt(0) + atom.resn.slice(1).toLowerCase() + atom.resi; }

  function tip(model, residue) {
    var found = model.selectedAtoms({ resi: residue });
    var order = ["NZ", "CD", "CE", "CZ", "CG", "OE1", "OD1", "CB", "CA"];
    for (var i = 0; i < order.length; i += 1) {
      for (var j = 0; j < found.length; j += 1) { if (found[j].atom === order[i]) { return found[j]; } }
    }
    return found[0];
  }

  /* Frames of the dynamics. What is shown of them: nothing, the three typical ones, or one by its number. */
  var OFF = -1, TYPICAL = -2, moving = OFF, timer = null;
  function framesOf(s, which) { return (s.frames || []).filter(function (f) { return f.which === which; })[0]; }
  function placesOf(f) {
    if (!f.places) {
      var raw = atob(f.coordinates), bytes = new Uint8Array(raw.length);
      for (var i = 0; i < raw.length; i += 1) { bytes[i] = raw.charCodeAt(i); }
      f.places = new Int16Array(bytes.buffer);
    }
    return f.places;
  }
  function setFrame(model, f, frame) {
    var places = placesOf(f), atoms = model.selectedAtoms({}), at = 3 * atoms.length * (frame % f.labels.length);
    atoms.forEach(function (a) {
      a.x = f.centre[0] + places[at] / 100; a.y = f.centre[1] + places[at + 1] / 100; a.z = f.centre[2] + places[at + 2] / 100;
      at += 3;
    });
  }
  function addFrames(which, s, overlay) {
    var f = framesOf(s, which);
    if (!f) { return []; }
    return (moving === TYPICAL ? f.typical : [moving]).map(function (frame) {
      var model = viewer.addModel(f.pdb, "pdb");
      setFrame(model, f, frame);
      paint(model, which, s, overlay);
      current.frames.push({ model: model, of: f, overlay: overlay });
      return model;
    });
  }
  /* The next frame of what is drawn already: atoms move, styles are set anew so that shapes follow. */
  function advance() {
    var s = state();
    moving = (moving + 1) % frameCount(s);
    current.frames.forEach(function (one) {
      setFrame(one.model, one.of, moving);
      paint(one.model, one.of.which, s, one.overlay);
    });
    viewer.removeAllLabels();
    nameVariant(shown());
    tellFrame(s);
    viewer.render();
  }
  function nameVariant(mode) {
    scene.positions.forEach(function (position, index) {
      labelled[position] = true;
      var at = current.protein && tip(current.protein, position);
      if (at && mode === "native") { label(residueName(at), at, 14, NATIVE, -22); }
      else if (at) { label(scene.variant_labels[index], at, 14, MUTANT, -22); }
    });
  }
  function frameCount(s) { return Math.max.apply(null, (s.frames || []).map(function (f) { return f.labels.length; }).concat(0)); }
  function tellFrame(s) {
    var slider = get("v-frame"), count = frameCount(s);
    if (!slider) { return; }
    slider.max = Math.max(count - 1, 0); slider.disabled = !count; get("v-play").disabled = !count;
    get("v-play").textContent = timer ? "Stop" : "Play the dynamics";
    if (moving >= 0) { slider.value = moving; }
    var told = (s.frames || [])[0];
    get("v-when").textContent = !count ? "no dynamics of this state" : moving >= 0 ? told.labels[moving % told.labels.length]
      : moving === TYPICAL ? "three conformations, one of each third of the frames" : "";
  }
  function stop() { window.clearInterval(timer); timer = null; }
  function still() { stop(); moving = OFF; }

  /* Five labels at most: the variant, what it loses or gains, then its nearest polar partners. */
  var MOST_LABELS = 5, labelled = {};
  function room() { return MOST_LABELS - Object.keys(labelled).length; }
  function drawContacts(s, mode) {
    if (!checked("v-contacts") || moving !== OFF) { return; }
    s.contacts.forEach(function (c) {
      if ((c.change === "lost" && mode === "mutant") || (c.change === "gained" && mode === "native")) { return; }
      var a = { x: c.start[0], y: c.start[1], z: c.start[2] }, b = { x: c.end[0], y: c.end[1], z: c.end[2] };
      viewer.addCylinder({
        start: a, end: b, radius: c.change === "kept" ? 0.045 : 0.085, color: scene.change_colours[c.change],
        dashed: c.change !== "kept", dashLength: 0.28, gapLength: 0.18, fromCap: 1, toCap: 1
      });
      if (c.named && c.change !== "kept" && focus === "variant" && room() > 0) {
        labelled[c.label.split(" ")[0]] = true;
        label((c.change === "lost" ? "lost: " : "gained: ") + c.label,
          { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, z: (a.z + b.z) / 2 }, 11, scene.change_colours[c.change],
          16 + 18 * Object.keys(labelled).length);
      }
    });
  }

  function drawDrug(s, mode) {
    var drug = get("v-drug").value;
    if (!drug || moving !== OFF) { return null; }
    var roles = mode === "overlay" ? ["native", "mutant"] : [mode];
    var mine = s.poses.filter(function (p) { return p.drug === drug; });
    var picked = mine.filter(function (p) { return roles.indexOf(p.role) >= 0; });
    if (!picked.length) { picked = mine; }
    var colours = { native: "#5f8fbf", mutant: "#e58a3c", reference: "#9aa3ad" }, last = null;
    picked.forEach(function (p) {
      last = viewer.addModel(p.molfile, "sdf");
      last.setStyle({}, { stick: { radius: p.role === "reference" ? 0.1 : 0.17, colorscheme: atoms(colours[p.role]) } });
    });
    if (!mine.length) { say("No pose of this drug in this state."); }
    return last;
  }

  function paintLegend(s, mode) {
    legend.textContent = "";
    function entry(colour, text, dashed) {
      var item = document.createElement("li"), mark = document.createElement("span");
      mark.className = dashed ? "swatch dashed" : "swatch";
      if (dashed) { mark.style.borderTopColor = colour; } else { mark.style.backgroundColor = colour; }
      item.appendChild(mark); item.appendChild(document.createTextNode(text)); legend.appendChild(item);
    }
    if (mode === "overlay") { entry(NATIVE, "native (thin tube)"); entry(MUTANT, scene.variant + " (ribbon)"); }
    else if (get("v-colour").value === "region") {
      var helices = false, range = current.span;
      scene.regions.forEach(function (r) {
        var here = r.ranges.some(function (x) { return x[0] <= range[1] && x[1] >= range[0]; });
        if (r.kind === "pocket" || !here) { return; }
        if (r.colour === host.dataset.helix) { helices = true; } else { entry(r.colour, r.label); }
      });
      if (helices) { entry(host.dataset.helix, "other helices"); }
    } else { entry(mode === "native" ? NATIVE : MUTANT, mode === "native" ? "native" : scene.variant); }
    if (checked("v-contacts") && moving === OFF && s.contacts.length) {
      ["kept", "lost", "gained"].forEach(function (change) {
        var hidden = (change === "lost" && mode === "mutant") || (change === "gained" && mode === "native");
        var present = s.contacts.some(function (c) { return c.change === change; });
        if (present && !hidden) { entry(scene.change_colours[change], "contact " + change, true); }
      });
    }
  }

  /* The residues to name: around the variant, of the pocket, or around the drug, whichever is looked at. */
  function focusResidues(s) {
    if (focus === "variant") { return s.neighbours; }
    if (focus === "drug") {
      if (!current.ligand) { return []; }
      var seen = {}, drug = current.ligand.selectedAtoms({});
      current.protein.selectedAtoms({}).forEach(function (a) {
        if (!seen[a.resi] && drug.some(function (b) {
          var x = a.x - b.x, y = a.y - b.y, z = a.z - b.z;
          return x * x + y * y + z * z < 17.64;
        })) { seen[a.resi] = true; }
      });
      return Object.keys(seen).map(Number);
    }
    var found = [];
    scene.regions.forEach(function (r) {
      if (r.name === focus) {
        r.ranges.forEach(function (x) { for (var k = x[0]; k <= x[1]; k += 1) { found.push(k); } });
      }
    });
    return found;
  }

  var focus = "variant";
  var current = { ligand: null, protein: null, span: [0, 0], frames: [] };
  function draw() {
    var s = state(), mode = shown(), models = [];
    current.frames = [];
    viewer.removeAllModels(); viewer.removeAllShapes(); viewer.removeAllLabels();
    say("");
    ["native", "mutant"].forEach(function (which) {
      if (moving !== OFF && (mode === which || mode === "overlay")) {
        models = models.concat(addFrames(which, s, mode === "overlay"));
      } else if (s[which] && (mode === which || mode === "overlay")) {
        var model = viewer.addModel(s[which], "pdb");
        paint(model, which, s, mode === "overlay");
        models.push(model);
      }
    });
    current.protein = models[models.length - 1] || null;
    if (current.protein) {
      var numbers = current.protein.selectedAtoms({ atom: "CA" }).map(function (a) { return a.resi; });
      current.span = [Math.min.apply(null, numbers), Math.max.apply(null, numbers)];
    }
    current.ligand = drawDrug(s, mode);
    labelled = {};
    nameVariant(mode);
    var near = current.protein ? focusResidues(s) : [];
    if (current.protein) {
      if (focus !== "variant" && near.length) {
        current.protein.setStyle({ resi: near, not: { atom: ["H"] } },
          { stick: { radius: 0.09, colorscheme: atoms("#8d97a1") } }, true);
      }
    }
    drawContacts(s, mode);
    if (current.protein && checked("v-names") && (focus !== "variant" || checked("v-neighbours"))) {
      var polar = s.contacts.filter(function (c) { return c.named; }).map(function (c) { return c.label.split(" ")[0]; });
      near.map(function (residue) { return scene.positions.indexOf(residue) < 0 && tip(current.protein, residue); })
        .filter(function (at) { return at && !labelled[residueName(at)]; })
        .sort(function (a, b) { return (polar.indexOf(residueName(b)) >= 0) - (polar.indexOf(residueName(a)) >= 0); })
        .slice(0, Math.max(0, room()))
        .forEach(function (at) { label(residueName(at), at, 11, "#4c5661"); });
    }
    var clickable = current.protein ? focusResidues(s).concat(scene.positions) : scene.positions;
    viewer.setClickable({ resi: clickable }, true, function (atom) {
      say(atom.resn && atom.resi ? atom.resn + " " + atom.resi + ", atom " + atom.atom : "drug atom " + atom.elem);
    });
    paintLegend(s, mode);
    tellFrame(s);
    viewer.render();
  }

  /* Look at a selection from outside the protein: the line from the middle to it points at the reader. */
  function centroid(list) {
    var c = [0, 0, 0];
    list.forEach(function (a) { c[0] += a.x; c[1] += a.y; c[2] += a.z; });
    return c.map(function (v) { return v / Math.max(list.length, 1); });
  }
  var NEAR_CUT = 13;
  function look(selection, factor) {
    var chosen = viewer.selectedAtoms(selection);
    if (!chosen.length || !current.protein) { say("That part is not in this model."); return; }
    var from = centroid(current.protein.selectedAtoms({ atom: "CA" })), to = centroid(chosen);
    var v = [to[0] - from[0], to[1] - from[1], to[2] - from[2]];
    var n = Math.hypot(v[0], v[1], v[2]) || 1;
    v = v.map(function (x) { return x / n; });
    var q = v[2] < -0.999 ? [1, 0, 0, 0] : [v[1], -v[0], 0, 1 + v[2]];
    var m = Math.hypot(q[0], q[1], q[2], q[3]);
    viewer.zoomTo(selection);
    var view = viewer.getView();
    viewer.setView(view.slice(0, 4).concat(q.map(function (x) { return x / m; })));
    if (factor) { viewer.zoom(factor); }
    /* Cut away what stands between the reader and the site. */
    viewer.setSlab(-NEAR_CUT, 36);
    viewer.render();
  }
  function posed() {
    var drug = get("v-drug").value;
    return Boolean(drug) && state().poses.some(function (p) { return p.drug === drug; });
  }
  function lookAt(target) {
    var s = state();
    if (target === "drug" && !posed()) { say("Choose a drug with a pose in this state first."); return; }
    focus = target;
    draw();
    if (target === "variant") {
      look({ resi: scene.positions.concat(scene.positions.length === 1 ? s.neighbours : []) }, 1.2);
    } else if (target === "all") { viewer.zoomTo(); viewer.render(); }
    else if (target === "drug") {
      look({ model: current.ligand }, 0.8);
    } else {
      scene.regions.forEach(function (r) { if (r.name === target) { look({ resi: spans(r.ranges) }, 0.95); } });
    }
  }

  ["v-state", "v-colour", "v-drug", "v-contacts", "v-neighbours", "v-names"]
    .forEach(function (id) {
      var control = get(id);
      if (control) {
        control.addEventListener("change", function () {
          if (id === "v-drug" || id === "v-state") { still(); }
          if (id === "v-drug") { lookAt(posed() ? "drug" : "variant"); }
          else if (id === "v-state") { lookAt(focus === "drug" && !posed() ? "variant" : focus); }
          else { draw(); }
        });
      }
    });
  document.querySelectorAll("input[name=v-show]").forEach(function (radio) { radio.addEventListener("change", draw); });
  document.querySelectorAll("button[data-look]").forEach(function (button) {
    button.addEventListener("click", function () {
      still();
      if (button.dataset.moving) { moving = TYPICAL; }
      var wanted = document.querySelector("input[name=v-show][value='" + (button.dataset.show || "none") + "']");
      var stays = button.dataset.moving && wanted && framesOf(state(), wanted.value);
      if (wanted) { wanted.checked = true; }
      if (wanted && !stays) { get("v-state").value = button.dataset.state; }
      lookAt(button.dataset.look);
    });
  });
  if (get("v-play")) {
    get("v-play").addEventListener("click", function () {
      if (timer) { stop(); tellFrame(state()); return; }
      moving = Math.max(moving, 0);
      draw();
      timer = window.setInterval(advance, 200);
      tellFrame(state());
    });
    get("v-frame").addEventListener("input", function () { stop(); moving = Number(get("v-frame").value); draw(); });
  }
  var save = get("v-save");
  if (save) {
    save.addEventListener("click", function () {
      var link = document.createElement("a");
      link.href = viewer.pngURI();
      link.download = "kinscope-view.png";
      link.click();
    });
  }

  /* The page scrolls until the view is clicked: only then does the wheel zoom. */
  var active = false;
  host.addEventListener("pointerdown", function () { active = true; host.classList.add("active"); }, true);
  host.addEventListener("mouseleave", function () { active = false; host.classList.remove("active"); });
  ["wheel", "mousewheel", "DOMMouseScroll"].forEach(function (name) {
    host.addEventListener(name, function (event) { if (!active) { event.stopImmediatePropagation(); } }, true);
  });
  host.addEventListener("keydown", function (event) {
    var turn = { ArrowLeft: [-8, "y"], ArrowRight: [8, "y"], ArrowUp: [-8, "x"], ArrowDown: [8, "x"] }[event.key];
    if (turn) { viewer.rotate(turn[0], turn[1]); }
    else if (event.key === "+" || event.key === "=") { viewer.zoom(1.15); }
    else if (event.key === "-") { viewer.zoom(0.87); }
    else { return; }
    event.preventDefault();
    viewer.render();
  });
  window.addEventListener("resize", function () { viewer.resize(); });

  lookAt("variant");
  host.dataset.ready = "yes";
}());
