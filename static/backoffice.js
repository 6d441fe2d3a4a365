/* The back office's own: choosing rows, adding rows to a form. Both work without it, more slowly. */
(() => {
  "use strict";
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];

  /* Choosing rows: one box for the page, and how many are chosen */
  const bar = document.querySelector("[data-actions]");
  const boxes = all("#result_list .action-select");
  const masters = all("[data-select-all], #action-toggle");
  function count() {
    const chosen = boxes.filter((box) => box.checked).length;
    const text = bar.querySelector("[data-selected]");
    text.textContent = chosen ? `${chosen} of ${boxes.length} chosen` : "With the chosen rows";
    for (const master of masters) {
      master.checked = chosen > 0 && chosen === boxes.length;
      master.indeterminate = chosen > 0 && chosen < boxes.length;
    }
    for (const box of boxes) box.closest("tr").classList.toggle("is-open", box.checked);
  }
  if (bar) {
    for (const master of masters) {
      master.hidden = false;
      master.addEventListener("change", () => { for (const box of boxes) box.checked = master.checked; count(); });
    }
    for (const box of boxes) box.addEventListener("change", count);
    addEventListener("pageshow", count);
  }

  /* Rows of a form: the empty one waits in a template */
  for (const button of all("[data-add-row]")) {
    const prefix = button.dataset.addRow;
    const total = document.getElementById(`id_${prefix}-TOTAL_FORMS`);
    const empty = document.getElementById(`${prefix}-empty`);
    button.hidden = false;
    button.addEventListener("click", () => {
      const box = document.createElement("tbody");
      box.innerHTML = empty.innerHTML.replaceAll("__prefix__", total.value);
      const row = box.firstElementChild;
      empty.parentElement.querySelector("tbody").append(row);
      total.value = Number(total.value) + 1;
      row.querySelector("input, select").focus();
    });
  }

  /* A filter that would reach past the right edge opens to the left */
  document.addEventListener("toggle", (event) => {
    if (!event.target.matches(".bo-filter[open]")) return;
    const box = event.target.lastElementChild;
    box.classList.remove("at-end");
    box.classList.toggle("at-end", box.getBoundingClientRect().right > document.documentElement.clientWidth);
  }, true);

  /* It closes when something else is pressed */
  document.addEventListener("click", (event) => {
    for (const open of all(".bo-filter[open]")) if (!open.contains(event.target)) open.open = false;
  });
})();
