// The ranking: sorted by any column, filtered by words and by axis, rows picked. Other tables only sort.
for (const table of document.querySelectorAll("table.sortable")) {
  for (const head of table.tHead.rows[0].cells) {
    if (!head.textContent.trim() || head.matches(".plain")) continue;
    const button = document.createElement("button");
    button.append(...head.childNodes);
    button.title = head.title || "sort";
    head.append(button);
    button.addEventListener("click", () => sort(table, head));
  }
}

function sort(table, head) {
  const up = head.getAttribute("aria-sort") !== "ascending";
  for (const other of head.parentNode.children) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", up ? "ascending" : "descending");
  const key = (body) => body.rows[0].cells[head.cellIndex]?.dataset.v ?? "";
  const compare = (a, b) => {
    const [x, y] = [key(a), key(b)];
    // Those without a value stay at the end whichever way the rest goes.
    if (x === "" || y === "") return (x === "") - (y === "");
    const order = isNaN(x) || isNaN(y) ? x.localeCompare(y, undefined, { numeric: true }) : x - y;
    return up ? order : -order;
  };
  // A body per variant, so that what is said about failed seeds stays with it.
  table.append(...[...table.tBodies].sort(compare));
}

const ranking = document.getElementById("ranking");
const tools = document.getElementById("tools");

function filter() {
  const words = document.getElementById("words").value.toLowerCase().split(/\s+/).filter(Boolean);
  const chosen = [...tools.querySelectorAll("select")].filter((select) => select.value !== "");
  const wanted = chosen.map((select) => [numbers.axes[select.dataset.axis], select.value]).map(([axis, at]) => [axis.path, axis.values[at]]);
  let shown = 0;
  filtered.clear();
  for (const body of ranking.tBodies) {
    const variant = body.dataset.variant === undefined ? null : numbers.variants.find((one) => one.place === +body.dataset.variant);
    const text = body.dataset.text.toLowerCase();
    const fits =
      words.every((word) => text.includes(word)) && wanted.every(([path, value]) => variant && variant.values[path] === value);
    body.hidden = !fits;
    if (variant && !fits) filtered.add(variant.place);
    shown += variant && fits ? 1 : 0;
  }
  document.getElementById("shown").textContent = filtered.size ? `${shown} of ${numbers.variants.length} variants` : "";
  changed();
}

if (ranking && tools) {
  tools.hidden = false;
  tools.addEventListener("input", filter);
  tools.addEventListener("submit", (event) => event.preventDefault());
  tools.addEventListener("reset", () => setTimeout(filter));
  for (const box of ranking.querySelectorAll("input.pick")) {
    const variant = +box.closest("tbody").dataset.variant;
    box.hidden = false;
    box.addEventListener("change", () => toggle([variant]));
    watchers.push(() => {
      box.checked = picked.has(variant);
      box.closest("tbody").classList.toggle("picked", box.checked);
    });
  }
}
