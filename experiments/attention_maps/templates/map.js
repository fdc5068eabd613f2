// The large map: tokens on both sides, a cell for each pair.
const part = (name) => document.getElementById(name);
const SMALLEST_LABEL = 11;

function buildMap() {
  for (const [name, words, take] of [["rows", queries(), keepQuery], ["columns", keys(), keepKey]]) {
    const labels = words.map((word, i) => {
      const label = element("span", "", word.special ? "special" : "");
      label.append(element("b", word.text));
      label.addEventListener("click", () => take(i));
      label.addEventListener("pointerenter", () => hoverOver(name === "rows" ? { query: i } : { key: i }));
      label.addEventListener("pointerleave", () => hoverOver(null));
      return label;
    });
    part(name).replaceChildren(...labels);
  }
  sizeMap();
}

// The size of a cell: as chosen, or such that the whole map can be seen.
function cellSize() {
  const { q, k } = here();
  const beside = part("rows").offsetWidth || 90;
  const above = part("columns").offsetHeight || 90;
  const width = part("frame").clientWidth - beside - 12;
  const height = Math.max(320, innerHeight * 0.84) - above;
  const fit = Math.min(width / k, Math.max(height, width * 0.6) / q, 40);
  const size = fit * 1.35 ** state.zoom;
  return size >= 9 ? Math.floor(size) : Math.max(1, Math.floor(4 * size) / 4);
}

function sizeMap() {
  // the room that labels need is known once they have their size
  layOut(cellSize());
  layOut(cellSize());
  markMap();
}

function layOut(cell) {
  const { q, k } = here();
  for (const [name, count, side] of [["rows", q, "height"], ["columns", k, "width"]]) {
    const every = Math.ceil(SMALLEST_LABEL / cell);
    const size = every > 1 ? 10.5 : Math.max(9.5, Math.min(13, cell * 0.86));
    [...part(name).children].forEach((label, i) => {
      label.style[side] = `${cell}px`;
      label.style.fontSize = `${size}px`;
      label.classList.toggle("thin", i % every !== 0);
    });
    part(name).style[side] = `${cell * count}px`;
  }
  for (const canvas of [part("map"), part("plane")]) {
    canvas.style.width = `${cell * k}px`;
    canvas.style.height = `${cell * q}px`;
  }
  const grid = (angle) => `repeating-linear-gradient(${angle}, transparent 0 ${cell - 1}px, var(--page) ${cell - 1}px ${cell}px)`;
  part("lines").style.background = cell >= 9 ? `${grid("90deg")}, ${grid("180deg")}` : "none";
  part("plane").dataset.cell = cell;
}

function drawMap() {
  const map = mapHere();
  const layer = layerHere();
  part("which").textContent = `${here().name}, layer ${layer.layer}, ${map ? headName(layer, state.head) : layer.kind}`;
  const [frame, explorer] = [part("frame"), part("explorer")];
  const appears = map && frame.hidden;
  // the focus must not be lost with the map, or the arrow keys would stop there
  if (!map && frame.contains(document.activeElement)) explorer.focus({ preventScroll: true });
  frame.hidden = !map;
  if (appears) sizeMap();
  if (appears && document.activeElement === explorer) part("sheet").focus({ preventScroll: true });
  part("habit").textContent = map ? habit(map) : layer.why;
  if (map) paint(part("map"), map, here().k);
  paintScale();
}

// Where the rows of a map look on average, in words.
function habit(map) {
  const { q, k, queries, keys } = here();
  const share = { "on the token itself": 0, "on the token before": 0, "on the token after": 0, "on the first token": 0 };
  const names = Object.keys(share);
  let spread = 0;
  let looking = 0;
  if (map.some((weight) => weight < 0)) return "Some weights are below 0: they are orange.";
  for (let i = 0; i < q; i++) {
    const row = rowOf(map, i);
    const nats = row.reduce((sum, w) => (w > 0 ? sum - w * Math.log(w) : sum), 0);
    if (largestOf(row) === 0) continue;
    looking += 1;
    spread += Math.exp(nats);
    const places = queries === keys ? [i, i - 1, i + 1] : [];
    places.forEach((key, n) => (share[names[n]] += row[key] ?? 0));
    if (!places.includes(0)) share[names[3]] += row[0];
  }
  if (!looking) return "Nothing is visible here.";
  const told = names.filter((name) => share[name] / looking >= 0.05).sort((a, b) => share[b] - share[a]);
  const parts = told.map((name) => `${Math.round((100 * share[name]) / looking)} % ${name}`);
  const tokens = spread / looking;
  const first = parts.length ? `On average ${parts.join(", ")}; ` : "";
  return `${first}${first ? "e" : "E"}ach row spreads over about ${tokens.toFixed(1)} ${tokens < 1.05 ? "token" : "tokens"}.`;
}

function markMap() {
  const cell = +part("plane").dataset.cell;
  const { query, key } = state.hover ?? {};
  [...part("rows").children].forEach((label, i) => {
    label.classList.toggle("kept", i === state.query);
    label.classList.toggle("on", i === query);
  });
  [...part("columns").children].forEach((label, i) => {
    label.classList.toggle("kept", i === state.key);
    label.classList.toggle("on", i === key);
  });
  place("row-mark", query === undefined, 0, query * cell, here().k * cell, cell);
  place("column-mark", key === undefined, key * cell, 0, cell, here().q * cell);
  place("pin", false, state.key * cell, state.query * cell, cell, cell);
}

function place(name, away, x, y, width, height) {
  const style = part(name).style;
  part(name).hidden = away;
  if (away) return;
  style.transform = `translate(${x}px, ${y}px)`;
  style.width = `${width}px`;
  style.height = `${height}px`;
}

function cellAt(event) {
  const box = part("map").getBoundingClientRect();
  const clamp = (value, count) => Math.max(0, Math.min(count - 1, Math.floor(value)));
  return {
    query: clamp(((event.clientY - box.top) / box.height) * here().q, here().q),
    key: clamp(((event.clientX - box.left) / box.width) * here().k, here().k),
  };
}

function tell(event, cell) {
  const tip = part("tip");
  const map = mapHere();
  const row = rowOf(map, cell.query);
  const weight = row[cell.key];
  const rank = row.filter((other) => Math.abs(other) > Math.abs(weight)).length + 1;
  const line = element("div");
  line.append(element("b", weight ? digits(weight) : "0, not visible"), element("i", weight ? `  rank ${rank} of ${row.filter((other) => other).length} in its row` : ""));
  const words = element("div", `${queries()[cell.query].text}  →  ${keys()[cell.key].text}`);
  const places = element("div");
  places.append(element("i", `token ${cell.query} looks at ${here().queries === here().keys ? "token" : `${here().keys} token`} ${cell.key}`));
  tip.replaceChildren(words, line, places);
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  const x = event.clientX + 16 + box.width > innerWidth ? event.clientX - box.width - 12 : event.clientX + 16;
  const y = event.clientY + 18 + box.height > innerHeight ? event.clientY - box.height - 12 : event.clientY + 18;
  tip.style.transform = `translate(${Math.max(4, x)}px, ${Math.max(4, y)}px)`;
}
