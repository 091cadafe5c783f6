// Says the sum of the report aloud, at most every fifteen seconds: the head itself changes too often for that.
const EVERY_MS = 15_000;
const say = document.getElementById("report-say");

setInterval(() => {
  const words = document.querySelector("#report-head [data-say]")?.textContent.trim() ?? "";
  if (!document.hidden && say.dataset.said !== words) {
    if (say.dataset.said !== undefined) say.textContent = words;
    say.dataset.said = words;
  }
}, EVERY_MS);

// The table of recipients follows the live head, unless somebody is about to use it: then it stays as it is.
const TABLE_EVERY_MS = 4_000;
let readAt = Date.now();

document.addEventListener("crier:content", (event) => {
  if (event.target.id !== "report-head") return;
  const table = document.getElementById("recipients");
  const isLast = !event.target.hasAttribute("hx-get");
  if (!table || document.hidden || table.contains(document.activeElement)) return;
  if (!isLast && Date.now() - readAt < TABLE_EVERY_MS) return;
  readAt = Date.now();
  window.htmx.ajax("GET", window.location.href, { target: "#recipients", swap: "outerHTML" });
});
