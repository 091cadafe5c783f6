// Choosing rows: a bar with the exact count, ranges with Shift, all rows of the page from the head, and "all that
// match", which sends all=1 and the query instead of ids.
const last = new WeakMap();

const boxes = (bar) => [...bar.closest("form").querySelectorAll(`input[type=checkbox][name="${bar.dataset.bulk}"]`)];
const barOf = (element) => element.closest("form")?.querySelector("[data-bulk]");

function say(bar) {
  const all = bar.querySelector("[data-bulk-flag]").value === "1";
  const count = boxes(bar).filter((box) => box.checked).length;
  const words = bar.querySelector("[data-bulk-count]");
  const { one, many, all: everything } = words.dataset;
  bar.hidden = count === 0 && !all;
  words.textContent = all ? everything : count === 1 ? one : many.replace("{n}", count.toLocaleString());
  const head = bar.closest("form").querySelector("[data-bulk-page]");
  if (head) {
    head.checked = count > 0 && count === boxes(bar).length;
    head.indeterminate = count > 0 && !head.checked;
  }
}

function setAll(bar, flag) {
  bar.querySelector("[data-bulk-flag]").value = flag ? "1" : "";
  const button = bar.querySelector("[data-bulk-all]");
  if (button) button.hidden = flag;
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
    setAll(bar, false);
  } else if (target.matches("[data-bulk-page]")) {
    for (const box of boxes(bar)) box.checked = target.checked;
    setAll(bar, false);
  } else if (target.closest("[data-bulk-all]")) {
    for (const box of boxes(bar)) box.checked = true;
    setAll(bar, true);
  } else if (target.closest("[data-bulk-clear]")) {
    for (const box of boxes(bar)) box.checked = false;
    setAll(bar, false);
  } else return;
  say(bar);
});

/** After a swap: the bar counts the rows that are there now. */
export function refreshBulk() {
  document.querySelectorAll("[data-bulk]").forEach(say);
}
