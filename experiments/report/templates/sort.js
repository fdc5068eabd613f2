"use strict";
for (const head of document.querySelectorAll("table.sortable th")) {
  head.addEventListener("click", () => {
    const table = head.closest("table");
    const up = head.getAttribute("aria-sort") !== "ascending";
    for (const other of head.parentNode.children) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const key = (body) => body.rows[0].cells[head.cellIndex]?.dataset.v ?? "";
    const compare = (a, b) => {
      const [x, y] = [key(a), key(b)];
      // Those without a value stay at the end whichever way the rest goes.
      if (x === "" || y === "") return (x === "") - (y === "");
      const order = isNaN(x) || isNaN(y) ? x.localeCompare(y) : x - y;
      return up ? order : -order;
    };
    // A body per variant, so that what is said about failed seeds stays with it.
    table.append(...[...table.tBodies].sort(compare));
  });
}
