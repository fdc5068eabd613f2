// The small multiples: a row for each layer, a column for each head and one for their mean.
function buildThumbs() {
  const table = document.getElementById("thumbs");
  const stack = here();
  const most = Math.max(1, ...stack.layers.map((layer) => (layer.maps ? layer.maps.length : 0)));
  const columns = most === 1 ? [0] : [MEAN, ...Array(most).keys()];
  const head = element("tr");
  head.append(element("th"));
  const numbers = stack.layers.find((layer) => layer.maps && layer.maps.length === most);
  for (const column of columns) head.append(element("th", column === MEAN ? "mean" : `${numbers ? numbers.heads[column] : column}`));
  const rows = stack.layers.map((layer, l) => {
    const row = element("tr");
    row.append(element("th", `${layer.layer}`));
    row.firstChild.title = `layer ${layer.layer}: ${layer.kind}`;
    if (!layer.maps) {
      const cell = element("td", `${layer.kind}: no weights`, "silent");
      cell.colSpan = columns.length;
      cell.title = layer.why;
      row.append(cell);
      return row;
    }
    for (const column of columns.filter((column) => column < layer.maps.length)) {
      const cell = element("td");
      cell.append(thumb(stack, layer, l, column));
      row.append(cell);
    }
    return row;
  });
  const top = document.createElement("thead");
  const body = document.createElement("tbody");
  top.append(head);
  body.append(...rows);
  table.replaceChildren(top, body);
  sizeThumbs();
}

function thumb(stack, layer, l, head) {
  const button = element("button", "", "thumb");
  const canvas = document.createElement("canvas");
  paint(canvas, mapOf(layer, head), stack.k);
  button.append(canvas);
  button.dataset.layer = l;
  button.dataset.head = head;
  button.title = `layer ${layer.layer}, ${headName(layer, head)}`;
  button.setAttribute("aria-label", button.title);
  button.addEventListener("click", () => choose({ layer: l, head }));
  return button;
}

function sizeThumbs() {
  const stack = here();
  const canvases = document.querySelectorAll("#thumbs canvas");
  const columns = document.querySelectorAll("#thumbs thead th").length - 1;
  const wide = matchMedia("(max-width: 1240px)").matches;
  const room = wide ? document.querySelector(".overview").clientWidth : 340;
  const width = Math.max(20, Math.min(76, Math.floor((room - 36) / columns) - 3));
  const height = Math.max(14, Math.min(3 * width, Math.round((width * stack.q) / stack.k)));
  for (const canvas of canvases) {
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    // a map with more cells than pixels is averaged, not thinned
    canvas.style.imageRendering = stack.k > width ? "auto" : "pixelated";
  }
}

function markThumbs() {
  for (const button of document.querySelectorAll(".thumb")) {
    const on = +button.dataset.layer === state.layer && +button.dataset.head === state.head;
    button.setAttribute("aria-pressed", on);
    // one stop for the tabulator key, the arrows do the rest
    button.tabIndex = on ? 0 : -1;
  }
}
