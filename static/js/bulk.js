// Choosing rows: a bar with the exact count, ranges with Shift, all rows of the page from the head; and when all of the
// page are chosen the link to all that match, which carries the query instead of ids.
const last = new WeakMap();

const boxes = (bar) => [...bar.closest("form").querySelectorAll(`input[type=checkbox][name="${bar.dataset.bulk}"]`)];
const barOf = (element) => element.closest("form")?.querySelector("[data-bulk]");

function say(bar) {
  const count = boxes(bar).filter((box) => box.checked).length;
  const { one, many } = bar.querySelector("[data-bulk-count]").dataset;
  const whole = count > 0 && count === boxes(bar).length;
  bar.toggleAttribute("data-chosen", count > 0);
  bar.querySelector("[data-bulk-count]").textContent = count === 1 ? one : many.replace("{n}", count.toLocaleString());
  const all = bar.querySelector("[data-bulk-all]");
  if (all) all.hidden = !whole;
  const head = bar.closest("form").querySelector("[data-bulk-page]");
  if (head) {
    head.checked = whole;
    head.indeterminate = count > 0 && !whole;
  }
}

function range(bar, box) {
  const all = boxes(bar);
  const from = all.indexOf(last.get(bar));
  if (from < 0) return;
  const [start, end] = [from, all.indexOf(box)].sort((a, b) => a - b);
  for (const one of all.slice(start, end + 1)) one.checked = box.checked;
}

document.addEventListener("click", (event) => {
  const bar = event.target.closest?.("form") && barOf(event.target);
  if (!bar) return;
  const target = event.target;
  if (target.matches(`input[type=checkbox][name="${bar.dataset.bulk}"]`)) {
    if (event.shiftKey) range(bar, target);
    last.set(bar, target);
  } else if (target.matches("[data-bulk-page]")) {
    for (const box of boxes(bar)) box.checked = target.checked;
  } else if (target.closest("[data-bulk-clear]")) {
    for (const box of boxes(bar)) box.checked = false;
  } else return;
  say(bar);
});

/** After a swap: the bar counts the rows that are there now. */
export function refreshBulk() {
  document.querySelectorAll("[data-bulk]").forEach(say);
}
