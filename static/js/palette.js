// Ctrl/Cmd K: go to a page, or find a broadcast or a number. The pages are in the HTML; all else is asked of the
// server: GET data-search-url?q=… answers {"results": [{"label", "detail", "url"}…]}.
const palette = document.getElementById("palette");
const input = palette?.querySelector("input");
const list = palette?.querySelector("[role=listbox]");
const empty = palette?.querySelector(".palette-empty");
const pages = palette ? [...list.children] : [];
const PAUSE_MS = 150;
let asked = 0;
let timer;

const options = () => [...list.children].filter((one) => !one.hidden);
const chosen = () => list.querySelector('[aria-selected="true"]');

function choose(option) {
  chosen()?.setAttribute("aria-selected", "false");
  option?.setAttribute("aria-selected", "true");
  option?.scrollIntoView({ block: "nearest" });
  if (option) input.setAttribute("aria-activedescendant", option.id);
  else input.removeAttribute("aria-activedescendant");
}

function step(by) {
  const all = options();
  if (all.length) choose(all[(all.indexOf(chosen()) + by + all.length) % all.length]);
}

function go(option) {
  if (!option) return;
  palette.close();
  location.assign(option.dataset.href);
}

function found(result, index) {
  const option = document.createElement("div");
  option.role = "option";
  option.id = `palette-found-${index}`;
  option.dataset.href = new URL(result.url, location.origin).pathname + new URL(result.url, location.origin).search;
  option.setAttribute("aria-selected", "false");
  const label = document.createElement("span");
  label.textContent = result.label;
  const detail = document.createElement("span");
  detail.className = "palette-detail";
  detail.textContent = result.detail ?? "";
  option.append(label, detail);
  return option;
}

function show(results) {
  list.replaceChildren(...pages, ...results.map(found));
  const none = options().length === 0;
  empty.textContent = none ? empty.dataset.empty : "";
  choose(options()[0]);
}

async function ask(words) {
  const number = ++asked;
  const url = `${palette.dataset.searchUrl}?${new URLSearchParams({ q: words })}`;
  const answer = await fetch(url, { headers: { Accept: "application/json" } }).catch(() => null);
  const results = answer?.ok ? (await answer.json()).results : [];
  if (number === asked) show(results); // an answer that was overtaken is dropped
}

function filter() {
  const words = input.value.trim().toLowerCase();
  for (const page of pages) page.hidden = !page.querySelector("span").textContent.toLowerCase().includes(words);
  show([]);
  clearTimeout(timer);
  if (words && palette.dataset.searchUrl) timer = setTimeout(ask, PAUSE_MS, words);
}

export function openPalette() {
  if (!palette || palette.open) return;
  palette.showModal();
  input.value = "";
  filter();
  input.focus();
}

if (palette) {
  const keys = { ArrowDown: () => step(1), ArrowUp: () => step(-1), Enter: () => go(chosen()) };
  input.addEventListener("input", filter);
  input.addEventListener("keydown", (event) => {
    if (!keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });
  list.addEventListener("mousemove", (event) => {
    const option = event.target.closest("[role=option]");
    if (option && option !== chosen()) choose(option);
  });
  list.addEventListener("click", (event) => go(event.target.closest("[role=option]")));
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-opens-palette]")) openPalette();
  });
}
