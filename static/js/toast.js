// News at the edge of the page. toast({text, level, undo_url}): level info, success, warning or error.
// All but errors go after ten seconds, counted anew while they are pointed at or hold the focus.
const LASTS_MS = 10_000;
const toaster = document.getElementById("toaster");

export function toast({ text, level = "info", undo_url: undo = "" }) {
  const same = [...toaster.querySelectorAll(".toast")].find((one) => one.dataset.text === text);
  if (same) return same; // a poll that fails every two seconds says so once
  const shape = toaster.querySelector(`template[data-level="${level}"]`);
  const element = shape.content.firstElementChild.cloneNode(true);
  element.dataset.text = text;
  element.querySelector("p").textContent = text;
  const form = element.querySelector("form");
  if (undo) {
    form.action = undo;
    form.elements.csrfmiddlewaretoken.value = document.body.dataset.csrf;
  } else {
    form.remove();
  }
  toaster.append(element);
  watch(element);
  return element;
}

/** One of the sentences that the server wrote on the toaster: `data-offline` and so on. */
export function sentence(name) {
  return toaster.dataset[name];
}

export function closeToast(text) {
  toaster.querySelector(`.toast[data-text="${CSS.escape(text)}"]`)?.remove();
}

function watch(element) {
  if (element.dataset.level === "error") return;
  let timer;
  const start = () => {
    clearTimeout(timer);
    timer = setTimeout(() => element.remove(), LASTS_MS);
  };
  const stop = () => clearTimeout(timer);
  element.addEventListener("mouseenter", stop);
  element.addEventListener("focusin", stop);
  element.addEventListener("mouseleave", () => element.contains(document.activeElement) || start());
  element.addEventListener("focusout", start);
  start();
}

if (toaster) {
  toaster.querySelectorAll(".toast").forEach(watch);
  toaster.addEventListener("click", (event) => {
    if (event.target.closest("[data-toast-close]")) event.target.closest(".toast").remove();
  });
}
