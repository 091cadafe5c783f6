// The editor of a template: counts and previews while one types; the server then says exactly what the text becomes.
import { completeTokens } from "./complete.js";
import { counter, render } from "./parts.js";

const ASK_AFTER_MS = 400;

const form = document.querySelector("[data-template]");
const data = JSON.parse(document.getElementById("template-data").textContent);
const area = form.elements.text;
const measure = counter(data.gsm);
const names = new Set(Object.keys(data.values));
const find = (selector) => document.querySelector(selector);
const fill = (words, values) => words.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
const number = new Intl.NumberFormat(document.documentElement.lang);

// ---- phone, counter, gauge
const count = find("#text-count");
const bubble = find("#preview");
const gauge = find("[data-gauge]");

function show(text) {
  const { encoding, units, parts, left } = measure(text);
  const words = count.dataset;
  const characters = [...text].length;
  const counted = units !== characters ? words.counted : characters === 1 ? words.character : words.characters;
  bubble.textContent = text;
  find("[data-parts-shown]").textContent = fill(parts === 1 ? words.part : words.parts, { n: number.format(parts) });
  find("[data-units]").textContent = fill(counted, { n: number.format(characters), units: number.format(units) });
  find("[data-encoding]").textContent = encoding;
  find("[data-left]").textContent = fill(words.leftWord, { n: number.format(left) });
  const [single, each] = data.gsm.limits[encoding];
  const whole = parts > 1 ? each : single;
  gauge.setAttribute("width", units ? Math.round((100 * (whole - left)) / whole) : 0);
  gauge.classList.toggle("gauge-over", parts > 1);
}

// ---- errors of tokens, at their place
const marks = find("[data-marks]");

function drawMarks() {
  marks.replaceChildren();
  const errors = document.querySelectorAll("#effect [data-start]");
  area.toggleAttribute("aria-invalid", false);
  if (!errors.length) return;
  area.setAttribute("aria-invalid", "true");
  const chars = [...area.value];
  let done = 0;
  for (const { dataset } of errors) {
    marks.append(chars.slice(done, dataset.start).join(""));
    const mark = document.createElement("mark");
    mark.textContent = chars.slice(dataset.start, dataset.end).join("");
    marks.append(mark);
    done = Number(dataset.end);
  }
  marks.append(`${chars.slice(done).join("")}\n`);
  marks.scrollTop = area.scrollTop;
}

area.addEventListener("scroll", () => {
  marks.scrollTop = area.scrollTop;
});

// ---- what the server makes of it: spinners drawn, links as long as they will be
let timer = 0;
let asked = 0;

async function ask() {
  const mine = ++asked;
  const answer = await fetch(form.dataset.template, { method: "POST", body: new FormData(form) }).catch(() => null);
  if (!answer?.ok || answer.redirected || mine !== asked) return;
  const html = await answer.text();
  if (mine !== asked) return;
  find("#effect").replaceWith(document.createRange().createContextualFragment(html));
  settle();
}

function settle() {
  show(find("#effect").dataset.sample);
  drawMarks();
}

// ---- writing
let dirty = "unsaved" in form.dataset;

area.addEventListener("input", () => {
  asked += 1; // an answer on its way is of an older text
  marks.replaceChildren();
  show(render(area.value, data.values, names));
  clearTimeout(timer);
  timer = setTimeout(ask, ASK_AFTER_MS);
});

form.addEventListener("input", () => {
  dirty = true;
});

form.addEventListener("submit", () => {
  dirty = false;
});

addEventListener("beforeunload", (event) => {
  if (dirty) event.preventDefault();
});

// The menu takes the focus, the text area keeps where the caret was.
document.addEventListener("click", (event) => {
  const item = event.target.closest("[data-insert]");
  if (!item) return;
  area.setRangeText(item.dataset.insert, area.selectionStart, area.selectionEnd, "end");
  area.focus();
  area.dispatchEvent(new Event("input", { bubbles: true }));
});

completeTokens(area);
settle();
// What was typed before this script was there has not been heard.
if (area.value !== area.defaultValue) area.dispatchEvent(new Event("input", { bubbles: true }));
