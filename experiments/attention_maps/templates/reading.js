// The side of the map: the text, shaded by one row or column; the largest weights; one pair in every head.
const MOST = 8;
// A pair that no head weighs more than this stays pale.
const FAINT = 0.05;

function buildTexts() {
  const two = here().queries !== here().keys;
  const asked = two ? [["queries", `${here().queries}, which looks`], ["keys", `${here().keys}, which is looked at`]] : [["both", ""]];
  const texts = asked.map(([role, title]) => {
    const words = role === "queries" ? queries() : keys();
    const text = element("div", "", "text");
    text.dataset.role = role;
    if (title) text.append(element("small", title));
    // tokens that carry their spaces stand close, others apart
    const close = words.some((word) => /^[\u2423\u2581\u0120]/.test(word.text));
    text.classList.toggle("spaced", !close);
    words.forEach((word, i) => {
      if (/^[\u2423\u2581]./.test(word.text) || !close) text.append(document.createElement("wbr"));
      text.append(token(word, i, role));
      if (word.text === "\u2423") text.append(document.createElement("wbr"));
      if (word.text.endsWith("\u21b5")) text.append(document.createElement("br"));
    });
    return text;
  });
  part("texts").replaceChildren(...texts);
  part("way").hidden = two;
}

function token(word, i, role) {
  const made = element("span", "", word.special ? "token special" : "token");
  for (const piece of word.text.split(/([\u2423\u21b5\u21e5])/).filter(Boolean)) {
    made.append(/[\u2423\u21b5\u21e5]/.test(piece) ? element("span", piece, "sign") : piece);
  }
  made.dataset.at = i;
  made.addEventListener("click", () => {
    const looks = role === "queries" || (role === "both" && state.way === "from");
    state.way = looks ? "from" : "to";
    (looks ? keepQuery : keepKey)(i);
  });
  return made;
}

function drawReading() {
  const map = mapHere();
  document.querySelector(".reading").hidden = !map;
  if (!map) return;
  const from = state.hover?.query !== undefined || (state.way === "from" && state.hover?.key === undefined);
  const at = from ? (state.hover?.query ?? state.query) : (state.hover?.key ?? state.key);
  const weights = from ? rowOf(map, at) : columnOf(map, at);
  const word = (from ? queries() : keys())[at];
  for (const button of document.querySelectorAll("#way button")) button.setAttribute("aria-pressed", (button.dataset.way === "from") === from);
  part("sentence").replaceChildren(element("em", word.text), from ? " looks at" : " is looked at by");
  const guess = from && queries()[at].next;
  part("guess").replaceChildren();
  if (guess) part("guess").append("After it the model expects ", element("b", guess), ` (${queries()[at].sure.toFixed(2)}).`);
  shadeTexts(weights, at, from);
  drawBars(weights, from);
  drawLink();
}

function shadeTexts(weights, at, from) {
  const most = largestOf(weights);
  const two = here().queries !== here().keys;
  for (const text of part("texts").children) {
    const looking = text.dataset.role === "queries" || (!two && from);
    const shaded = !two || (text.dataset.role === "keys") === from;
    for (const made of text.querySelectorAll(".token")) {
      const i = +made.dataset.at;
      const chosen = two ? (text.dataset.role === "queries") === from && i === at : i === at;
      const share = shaded && most > 0 ? weights[i] / most : 0;
      const hue = share > 0 ? "var(--shade)" : "var(--mark)";
      made.style.background = Math.abs(share) > 0.02 ? `color-mix(in srgb, ${hue} ${Math.round(72 * Math.abs(share))}%, transparent)` : "";
      made.classList.toggle("kept", chosen);
      made.classList.toggle("unseen", shaded && !chosen && weights[i] === 0);
    }
    text.classList.toggle("looking", looking);
  }
}

function drawBars(weights, from) {
  const words = from ? keys() : queries();
  const order = [...weights.keys()].filter((i) => weights[i]).sort((a, b) => Math.abs(weights[b]) - Math.abs(weights[a]));
  part("most").textContent = from ? "Most of its weight" : "Those that look at it most";
  const rows = order.slice(0, MOST).map((i) => {
    const row = bar(words[i], `${i}`, weights[i], largestOf(weights));
    row.dataset.at = i;
    row.classList.toggle("kept", i === (from ? state.key : state.query) && !state.hover);
    row.addEventListener("click", () => (from ? keepKey : keepQuery)(i, true));
    return row;
  });
  const rest = order.slice(MOST).reduce((total, i) => total + weights[i], 0);
  if (order.length > MOST && from) rows.push(bar({ text: `${order.length - MOST} more` }, "", rest, Infinity));
  part("bars").replaceChildren(...rows);
}

function bar(word, place, weight, most) {
  const row = element("tr");
  const shape = element("td", "", "bar");
  const inner = element("i");
  inner.style.width = `${(100 * Math.abs(weight)) / most}%`;
  if (most < Infinity) shape.append(inner);
  const name = element("td", word.text, "word");
  name.title = place ? `${word.text}, token ${place}` : "";
  if (place) name.append(element("i", place));
  row.append(name, element("td", digits(weight), "number"), shape);
  return row;
}

// The kept pair in every head of the stack.
function drawLink() {
  const stack = here();
  const place = state.query * stack.k + state.key;
  const [query, key] = [queries()[state.query], keys()[state.key]];
  part("pair").replaceChildren(element("em", query.text), " → ", element("em", key.text), " in every head");
  const with_maps = stack.layers.map((layer, l) => [layer, l]).filter(([layer]) => layer.maps);
  const all = with_maps.flatMap(([layer, l]) => layer.maps.map((map, head) => ({ l, head, layer, weight: map[place] })));
  const best = all.reduce((most, one) => (one.weight > most.weight ? one : most));
  const side = Math.max(9, Math.min(24, Math.floor(300 / Math.max(...with_maps.map(([layer]) => layer.maps.length))) - 2));
  const rows = with_maps.map(([layer, l]) => {
    const row = element("tr");
    row.append(element("th", `${layer.layer}`));
    layer.maps.forEach((map, head) => {
      const cell = element("td");
      const button = element("button");
      button.style.width = button.style.height = `${side}px`;
      button.style.background = css(colour(map[place], Math.max(best.weight, FAINT), true));
      button.title = `layer ${layer.layer}, head ${layer.heads[head]}: ${map[place] ? digits(map[place]) : "0, not visible"}`;
      button.setAttribute("aria-label", button.title);
      button.setAttribute("aria-pressed", l === state.layer && head === state.head);
      button.tabIndex = -1;
      button.addEventListener("click", () => choose({ layer: l, head }));
      cell.append(button);
      row.append(cell);
    });
    return row;
  });
  part("link").replaceChildren(...rows);
  part("link-note").textContent =
    best.weight > 0
      ? `Most in layer ${best.layer.layer}, head ${best.layer.heads[best.head]}: ${digits(best.weight)}. Rows are layers, columns heads.`
      : "No head sees this pair.";
}
