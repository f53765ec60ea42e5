"use strict";
const atlas = JSON.parse(document.getElementById("data").textContent);
const left = 70, cell = 4, told = document.getElementById("told"), drug = document.getElementById("drug");
const region = document.getElementById("region"), least = document.getElementById("least");
function cellAt(svg, event) {
  const box = svg.getBoundingClientRect(), scale = svg.viewBox.baseVal.width / box.width;
  const column = Math.floor(((event.clientX - box.left) * scale - left) / cell);
  const row = Math.floor((event.clientY - box.top) * scale / cell);
  const native = atlas.protein[column], letter = atlas.letters[row];
  return native && letter ? native + (atlas.first + column) + letter : "";
}
function veil(section) {
  const svg = section.querySelector("svg"), cells = atlas.cells[section.dataset.drug];
  section.querySelectorAll(".veil").forEach((old) => old.remove());
  const [start, end] = region.value ? region.value.split("-").map(Number) : [atlas.first, atlas.first + atlas.protein.length - 1];
  const hide = [];
  for (let place = 0; place < atlas.protein.length; place++) {
    const residue = atlas.first + place, x = left + place * cell;
    for (let row = 0; row < atlas.letters.length; row++) {
      const found = cells[atlas.protein[place] + residue + atlas.letters[row]];
      const shown = found && residue >= start && residue <= end && found[2] >= 100 * Number(least.value);
      if (found && !shown) hide.push(`M${x} ${row * cell}h${cell}v${cell}h-${cell}z`);
    }
  }
  if (!hide.length) return;
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", hide.join("")); path.setAttribute("fill", "#fff"); path.setAttribute("class", "veil");
  svg.append(path);
}
const sections = [...document.querySelectorAll("section")];
function filter() {
  for (const section of sections) { section.hidden = Boolean(drug.value) && section.dataset.drug !== drug.value; veil(section); }
}
for (const section of sections) {
  section.querySelector("svg").addEventListener("mousemove", (event) => {
    const change = cellAt(event.currentTarget, event), found = atlas.cells[section.dataset.drug][change];
    if (found) told.textContent = `${change}, ${section.dataset.drug}: ddG ${(found[0] / 100).toFixed(1)} kcal/mol, at most ` +
      `${(found[1] / 100).toFixed(1)} in 19 of 20; P(tenfold loss) ${(found[2] / 100).toFixed(2)}. In full: kinscope lookup ${change}`;
  });
}
for (const control of [drug, region, least]) control.addEventListener("change", filter);
