"use strict";
(() => {
  const find = (name) => document.getElementById(name);
  const table = find("rows-table"), controls = find("controls");
  if (!table || !controls) return;
  const body = table.tBodies[0];
  const rows = Array.from(body.rows, (row, place) => ({
    row, place, text: row.textContent.toLowerCase(), cells: Array.from(row.cells, (cell) => cell.textContent),
  }));
  const heads = Array.from(table.tHead.rows[0].cells);
  const search = find("search"), status = find("status"), cause = find("cause"), order = find("order");
  const numbers = new Set([0]);
  const compare = new Intl.Collator("en", { numeric: true }).compare;
  let column = 0, descending = false;

  const filter = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const { row, text } of rows) {
      const fits = (!status.value || row.dataset.status === status.value) &&
        (!cause.value || row.dataset.cause === cause.value) && words.every((word) => text.includes(word));
      row.hidden = !fits;
      shown += fits ? 1 : 0;
    }
    find("shown").textContent = `${shown.toLocaleString("en")} of ${rows.length.toLocaleString("en")} rows shown`;
  };

  const sort = () => {
    const value = (each) => each.cells[column];
    const by = numbers.has(column) ? (a, b) => a.place - b.place : (a, b) => compare(value(a), value(b));
    rows.sort((a, b) => (descending ? -1 : 1) * by(a, b) || a.place - b.place);
    body.append(...rows.map(({ row }) => row));
    heads.forEach((head, at) => {
      if (at === column) head.setAttribute("aria-sort", descending ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
    order.value = String(column);
  };

  heads.forEach((head, at) => {
    const button = head.querySelector("button");
    button.disabled = false;
    button.addEventListener("click", () => {
      descending = at === column && !descending;
      column = at;
      sort();
    });
  });
  order.addEventListener("change", () => { column = Number(order.value); descending = false; sort(); });
  for (const control of [search, status, cause]) control.addEventListener("input", filter);
  controls.addEventListener("submit", (event) => event.preventDefault());
  controls.addEventListener("reset", () => setTimeout(() => { column = 0; descending = false; sort(); filter(); }));
  for (const link of document.querySelectorAll("a[data-cause]")) {
    link.addEventListener("click", () => { search.value = status.value = ""; cause.value = link.dataset.cause; filter(); });
  }
  controls.hidden = false;
  sort();
  filter();
})();
