// Single keys: `n` new, `/` search, `?` the list of keys, `g` and a letter a page. Never inside fields or dialogs,
// and off when the person says so (WCAG 2.1.4). Ctrl/Cmd K opens the palette always.
import { openPalette } from "./palette.js";
import { keep, kept } from "./store.js";

const AFTER_G_MS = 1500;
const dialog = document.getElementById("keys-dialog");
const toggle = document.querySelector("[data-keys-switch]");
let wentG = -Infinity;

const isOn = () => kept("keys") !== "off";
const inField = (target) => target.closest?.("input, textarea, select, [contenteditable], dialog[open], [role=menu]");

const ACTIONS = {
  "?": () => dialog.showModal(),
  "/": () => document.querySelector("[data-key-search], main input[type=search]")?.focus(),
  n: () => document.querySelector("[data-key-new]")?.click(),
};

function single(event) {
  if (performance.now() - wentG < AFTER_G_MS) {
    wentG = -Infinity;
    document.querySelector(`a[data-go="${CSS.escape(event.key)}"]`)?.click();
    return true;
  }
  if (event.key === "g") wentG = performance.now();
  else if (ACTIONS[event.key]) ACTIONS[event.key]();
  else return false;
  return true;
}

if (dialog) {
  addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      openPalette();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || !isOn() || inField(event.target)) return;
    if (single(event)) event.preventDefault();
  });
  toggle.checked = isOn();
  toggle.addEventListener("change", () => keep("keys", toggle.checked ? "on" : "off"));
}
