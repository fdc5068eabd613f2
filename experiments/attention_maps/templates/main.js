// The controls, and what follows from each of them.
function choose(change) {
  const stack = here();
  const old = { ...state };
  Object.assign(state, change);
  state.layer = Math.max(0, Math.min(state.layer, here().layers.length - 1));
  const count = layerHere().maps ? layerHere().maps.length : 0;
  // a layer without maps leaves the head as it is, for the next one
  if (count) state.head = count === 1 ? 0 : Math.max(MEAN, Math.min(state.head, count - 1));
  state.query = Math.max(0, Math.min(state.query, here().q - 1));
  state.key = Math.max(0, Math.min(state.key, here().k - 1));
  if (stack !== here() || old.shade !== state.shade) build();
  draw();
}

function build() {
  buildThumbs();
  buildMap();
  buildTexts();
  const layers = here().layers.map((layer, l) => new Option(layer.maps ? `${layer.layer}` : `${layer.layer} (${layer.kind})`, l));
  part("layer").replaceChildren(...layers);
}

function draw() {
  const layer = layerHere();
  const count = layer.maps ? layer.maps.length : 0;
  const heads = [...Array(count).keys()].map((head) => new Option(`${layer.heads[head]}`, head));
  part("head").replaceChildren(...(count > 1 ? [new Option("mean", MEAN)] : []), ...heads);
  part("head").disabled = !count;
  part("layer").value = state.layer;
  part("head").value = state.head;
  part("shade").value = state.shade;
  for (const button of part("stacks").children) button.setAttribute("aria-pressed", +button.dataset.stack === state.stack);
  markThumbs();
  drawMap();
  markMap();
  drawReading();
  const { name } = here();
  history.replaceState(null, "", `#${[name, layer.layer, state.head === MEAN || !count ? "mean" : layer.heads[state.head], state.query, state.key].join(".")}`);
}

function hoverOver(cell) {
  state.hover = cell;
  if (!cell) part("tip").hidden = true;
  markMap();
  drawReading();
}

function keepQuery(query, same = false) {
  state.hover = null;
  // with another token goes what it looks at most, in the map that is shown
  const map = mapHere();
  const key = map && !same ? rowOf(map, query).reduce((best, w, i, row) => (w > row[best] ? i : best), 0) : state.key;
  choose({ query, key, way: same ? state.way : "from" });
}

function keepKey(key, same = false) {
  state.hover = null;
  const map = mapHere();
  const query = map && !same ? columnOf(map, key).reduce((best, w, i, column) => (w > column[best] ? i : best), 0) : state.query;
  choose({ key, query, way: same ? state.way : "to" });
}

function press(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("select") || !event.target.closest("#explorer")) return;
  const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
  if (step && event.shiftKey) choose({ query: state.query + step[0], key: state.key + step[1], way: "from" });
  else if (step) choose({ layer: state.layer + step[0], head: state.head + step[1] });
  else if (event.key === "m") choose({ head: state.head === MEAN ? 0 : MEAN });
  else if (event.key === "s") choose({ stack: (state.stack + 1) % data.stacks.length });
  else return;
  event.preventDefault();
  // a small map that has the focus passes it on to the chosen one
  if (event.target.classList.contains("thumb")) document.querySelector('.thumb[aria-pressed="true"]')?.focus({ preventScroll: true });
}

function listen() {
  data.stacks.forEach((stack, number) => {
    const button = element("button", stack.name);
    button.dataset.stack = number;
    button.addEventListener("click", () => choose({ stack: number }));
    part("stacks").append(button);
  });
  part("stacks").hidden = data.stacks.length === 1;
  part("layer").addEventListener("change", (event) => choose({ layer: +event.target.value }));
  part("head").addEventListener("change", (event) => choose({ head: +event.target.value }));
  part("shade").addEventListener("change", (event) => choose({ shade: event.target.value }));
  for (const button of document.querySelectorAll("#way button")) button.addEventListener("click", () => choose({ way: button.dataset.way }));
  for (const [name, change] of [["smaller", -1], ["larger", 1], ["fit", 0]]) {
    part(name).addEventListener("click", () => {
      state.zoom = change ? Math.max(-4, Math.min(10, state.zoom + change)) : 0;
      sizeMap();
    });
  }
  part("plane").addEventListener("pointermove", (event) => {
    const cell = cellAt(event);
    if (state.hover?.query !== cell.query || state.hover?.key !== cell.key) hoverOver(cell);
    tell(event, cell);
  });
  part("plane").addEventListener("pointerleave", () => hoverOver(null));
  part("plane").addEventListener("click", (event) => {
    part("sheet").focus({ preventScroll: true });
    choose({ ...cellAt(event), way: "from" });
  });
  document.addEventListener("keydown", press);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    readColours();
    build();
    draw();
  });
  addEventListener("hashchange", (event) => begin(new URL(event.newURL).hash));
  addEventListener("resize", () => {
    sizeThumbs();
    sizeMap();
  });
}

// Where the address says so, else the first map that there is and the last word.
function begin(hash) {
  const [name, layer, head, query, key] = hash.slice(1).split(".");
  const asked = data.stacks.findIndex((stack) => stack.name === name);
  state.stack = asked >= 0 ? asked : data.stacks.length - 1;
  const at = here().layers.findIndex((one) => (asked >= 0 ? one.layer === +layer : one.maps));
  state.layer = Math.max(0, at);
  const heads = layerHere().heads ?? [];
  state.head = asked >= 0 && head !== "mean" ? Math.max(MEAN, heads.indexOf(+head)) : MEAN;
  const last = queries().findLastIndex((word) => !word.special && /[\p{L}\p{N}]/u.test(word.text));
  state.query = asked >= 0 && query >= 0 ? +query : Math.max(0, last);
  build();
  if (asked >= 0 && key >= 0) choose({ key: +key });
  else keepQuery(Math.min(state.query, here().q - 1));
}

unpackAll().then(
  () => {
    part("explorer").hidden = false;
    readColours();
    listen();
    begin(location.hash);
    part("sheet").focus({ preventScroll: true });
  },
  (error) => {
    part("trouble").hidden = false;
    part("trouble").textContent = `The maps cannot be unpacked by this browser (${error.message}); one from 2023 or later can.`;
  },
);
