"use strict";
document.documentElement.classList.add("scripted");

// Tables: press a column's name to sort by it, again to turn the order round. What is no number comes last.
for (const table of document.querySelectorAll("table.sorts")) {
  const heads = [...table.tHead.rows[0].cells];
  const body = table.tBodies[0];
  for (const head of heads) head.setAttribute("aria-sort", "none");
  heads.forEach((head, column) => head.querySelector("button").addEventListener("click", () => {
    const up = head.getAttribute("aria-sort") !== "ascending";
    for (const other of heads) other.setAttribute("aria-sort", "none");
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const keyed = [...body.rows].map((row, at) => ({ row, at, key: row.cells[column].dataset.key }));
    keyed.sort((a, b) => compared(a.key, b.key, up) || a.at - b.at);
    for (const { row } of keyed) body.append(row);
    const status = document.getElementById("sorted");
    status.textContent = `Sorted by ${head.textContent.trim()}, ${up ? "smallest" : "largest"} first.`;
  }));
}

function compared(a, b, up) {
  if (a === "" || b === "") return (a === "") - (b === "");
  const [x, y] = [Number(a), Number(b)];
  const order = Number.isNaN(x) || Number.isNaN(y) ? (a < b ? -1 : Number(a > b)) : x - y;
  return up ? order : -order;
}

// Heat maps: one stop for Tab in each; the arrow keys move within, Escape hides the hint.
for (const table of document.querySelectorAll("table.heat")) {
  const cells = [...table.querySelectorAll("td.cell")];
  cells.forEach((cell, at) => { cell.tabIndex = at ? -1 : 0; });
  table.addEventListener("keydown", (event) => {
    const cell = event.target.closest("td.cell");
    if (!cell) return;
    if (event.key === "Escape") { cell.classList.add("quiet"); return; }
    const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] || [];
    if (dx === undefined) return;
    event.preventDefault();
    const row = table.tBodies[0].rows[cell.parentNode.sectionRowIndex + dy];
    const next = row && row.cells[cell.cellIndex + dx];
    if (!next || !next.classList.contains("cell")) return;
    for (const other of cells) { other.tabIndex = -1; other.classList.remove("quiet"); }
    next.tabIndex = 0;
    next.focus();
  });
  table.addEventListener("pointerout", () => { for (const cell of cells) cell.classList.remove("quiet"); });
}
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const cell of document.querySelectorAll("td.cell:hover")) cell.classList.add("quiet");
});

// Commands: copy. Where the clipboard is out of reach, select the text instead.
for (const button of document.querySelectorAll("button.copy")) {
  button.addEventListener("click", async () => {
    const code = button.parentNode.querySelector("code");
    try {
      await navigator.clipboard.writeText(code.textContent);
      button.firstChild.data = "Copied";
    } catch {
      getSelection().selectAllChildren(code);
      button.firstChild.data = "Selected";
    }
  });
}

// Print shows everything.
addEventListener("beforeprint", () => { for (const each of document.querySelectorAll("details")) each.open = true; });
