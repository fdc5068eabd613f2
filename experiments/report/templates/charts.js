// The charts: drawn one after the other, so that the page can be read meanwhile; what is not lit fades.
const page = JSON.parse(document.getElementById("charts").textContent);
const FAINT = 0.08;

// The x values of a trace under each choice: steps as they came, times in full, FLOPs by what a step costs.
function xOf(trace, choice) {
  const also = trace.meta?.x?.[choice];
  if (choice === "step" || also === undefined) return trace.steps;
  return typeof also === "number" ? trace.steps.map((step) => (step === null ? null : step * also)) : also;
}

function mirrored(x) {
  return [...x, ...[...x].reverse()];
}

// All curves of one quantity share their means: the grey lines of a panel are those of the others.
function curvesOf(charts) {
  const means = new Map();
  for (const chart of charts) for (const trace of chart.data) if (trace.meta?.mean) means.set(trace.meta.v, trace);
  return means;
}

function xUpdates(chart, means, choice) {
  return chart.data.map((trace) => {
    if (trace.meta?.others) return trace.meta.others.flatMap((variant) => [...xOf(means.get(variant), choice), null]);
    if (trace.meta?.band) return mirrored(xOf(means.get(trace.meta.v), choice));
    return xOf(trace, choice);
  });
}

const families = new Map();
for (const chart of page.charts) {
  const box = document.getElementById(chart.id)?.closest("[data-family]");
  if (!box) continue;
  if (!families.has(box)) families.set(box, []);
  families.get(box).push(chart);
}
for (const charts of families.values()) {
  const means = curvesOf(charts);
  for (const chart of charts) for (const trace of chart.data) trace.steps = trace.x;
  for (const chart of charts) {
    for (const trace of chart.data) {
      if (trace.meta?.others) trace.y = trace.meta.others.flatMap((variant) => [...means.get(variant).y, null]);
    }
    xUpdates(chart, means, "step").forEach((x, i) => (chart.data[i].x = x));
  }
}

const drawn = [];
async function drawAll() {
  for (const chart of page.charts) {
    const place = document.getElementById(chart.id);
    chart.strengths = chart.data.map((trace) => trace.opacity ?? 1);
    await Plotly.newPlot(place, chart.data, chart.layout, page.config);
    place.on("plotly_click", (event) => {
      const meta = event.points[0]?.data.meta;
      if (meta?.v !== undefined) toggle([meta.v]);
      else if (meta?.vs?.length) toggle(meta.vs);
    });
    drawn.push(chart);
    if (!allLit()) fade(chart);
    await new Promise((resolve) => setTimeout(resolve));
  }
  document.documentElement.dataset.ready = "yes";
}

function fade(chart) {
  const own = chart.data.map((trace, i) => [trace.meta?.v !== undefined ? [trace.meta.v] : trace.meta?.vs, i]).filter(([variants]) => variants);
  const strengths = own.map(([variants, i]) => {
    const full = chart.strengths[i];
    if (allLit()) return full;
    return variants.some(isLit) ? (picked.size ? Math.min(1, full * 1.6) : full) : FAINT * full;
  });
  if (own.length) Plotly.restyle(chart.id, { opacity: strengths }, own.map(([, i]) => i));
}
watchers.push(() => drawn.forEach(fade));

for (const [box, charts] of families) {
  const choices = box.querySelector(".choices");
  if (!choices) continue;
  choices.hidden = false;
  const means = curvesOf(charts);
  for (const button of choices.querySelectorAll("button[data-x]")) {
    button.addEventListener("click", () => {
      for (const other of choices.querySelectorAll("button[data-x]")) other.setAttribute("aria-pressed", other === button);
      for (const chart of charts) {
        const x = xUpdates(chart, means, button.dataset.x);
        Plotly.update(chart.id, { x }, { "xaxis.title.text": page.x_axes[button.dataset.x] });
      }
    });
  }
}

if (typeof Plotly !== "undefined") drawAll();
else document.documentElement.dataset.ready = "yes";
