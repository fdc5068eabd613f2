// What belongs to the page as a whole: the bar of what is picked, light and dark, sections that a link opens.
const bar = document.getElementById("picked");
const named = document.getElementById("picked-names");
watchers.push(() => {
  bar.hidden = picked.size === 0;
  const labels = numbers.variants.filter((variant) => picked.has(variant.place)).map((variant) => variant.label);
  named.textContent = labels.length > 3 ? `${labels.length} variants highlighted` : labels.join(" · ");
});
document.getElementById("clear").addEventListener("click", () => {
  picked.clear();
  changed();
});
addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !picked.size) return;
  picked.clear();
  changed();
});

const theme = document.getElementById("theme");
const root = document.documentElement;
function isDark() {
  return (root.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
}
function nameTheme() {
  theme.textContent = isDark() ? "light" : "dark";
}
theme.hidden = false;
nameTheme();
theme.addEventListener("click", () => {
  root.dataset.theme = isDark() ? "light" : "dark";
  nameTheme();
});

function openTarget() {
  const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target instanceof HTMLDetailsElement) {
    target.open = true;
    target.scrollIntoView();
  }
}
addEventListener("hashchange", openTarget);
openTarget();
