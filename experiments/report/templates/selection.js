// Which variants are picked, which the filters let through, and who wants to know. Variants are numbers: their places in the plan.
const numbers = JSON.parse(document.getElementById("numbers").textContent);
const picked = new Set();
const filtered = new Set();
const watchers = [];

function isLit(variant) {
  return picked.size ? picked.has(variant) : !filtered.has(variant);
}

function allLit() {
  return !picked.size && !filtered.size;
}

function changed() {
  for (const watcher of watchers) watcher();
}

// Those of a legend go together: all of them are picked, or none.
function toggle(variants) {
  const on = !variants.every((variant) => picked.has(variant));
  for (const variant of variants) on ? picked.add(variant) : picked.delete(variant);
  changed();
}

function variantsOf(element) {
  return element.dataset.variants.split(" ").filter(Boolean).map(Number);
}

// Legends, cells and names that stand for variants: they pick them, and fade with them.
for (const element of document.querySelectorAll("[data-variants]")) {
  const variants = variantsOf(element);
  if (!variants.length) continue;
  if (element.matches(".key")) {
    element.setAttribute("role", "button");
    element.tabIndex = 0;
    element.title = "highlight everywhere";
    element.addEventListener("click", () => toggle(variants));
    element.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      toggle(variants);
    });
  }
  watchers.push(() => {
    element.classList.toggle("faded", !variants.some(isLit));
    if (element.matches(".key")) element.setAttribute("aria-pressed", variants.every((variant) => picked.has(variant)));
  });
}
