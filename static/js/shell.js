// The frame of every page. htmx's event names are used here and nowhere else: other modules listen for
// `crier:content`, sent by each element that was swapped in.
import { refreshBulk } from "./bulk.js";
import "./keys.js";
import "./sidebar.js";
import { keep } from "./store.js";
import "./time.js";
import { closeToast, sentence, toast } from "./toast.js";

// ---- light and dark
document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-theme-toggle]")) return;
  const dark = document.documentElement.classList.toggle("dark");
  keep("theme", dark ? "dark" : "light");
});

// ---- dialogs for browsers without `commandfor` and `closedby`
if (!("commandForElement" in HTMLButtonElement.prototype)) {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[commandfor]");
    const dialog = button && document.getElementById(button.getAttribute("commandfor"));
    if (!dialog) return;
    if (button.getAttribute("command") === "show-modal") dialog.showModal();
    if (button.getAttribute("command") === "close") dialog.close();
  });
}
if (!("closedBy" in HTMLDialogElement.prototype)) {
  document.addEventListener("click", (event) => {
    if (event.target.matches?.('dialog[closedby="any"]')) event.target.close();
  });
}

// ---- copy buttons
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const field = document.getElementById(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(field.value);
    toast({ text: sentence("copied"), level: "success" });
  } catch {
    field.select();
    toast({ text: sentence("notCopied"), level: "warning" });
  }
});

// ---- a select that can be searched, where the server sent the plain one
function enhance(root) {
  for (const slot of root.querySelectorAll("[data-combobox]")) {
    const template = slot.querySelector("template");
    if (!template) continue;
    // What was chosen in the plain one while this script was under way stays chosen.
    const { name, value } = slot.querySelector("select");
    for (const option of template.content.querySelectorAll("[role=option]")) {
      option.toggleAttribute("aria-selected", false);
      if (value && option.dataset.value === value) option.setAttribute("aria-selected", "true");
    }
    template.content.querySelector(`[name="${name}"]`).value = value;
    slot.replaceChildren(template.content);
  }
}

// ---- a refused form: the summary of what is wrong gets the focus
function focusErrors(root) {
  const summary = root.matches?.("[data-error-summary]") ? root : root.querySelector("[data-error-summary]");
  summary?.focus();
}

// ---- what the server says through htmx
const BY_STATUS = { 403: "forbidden", 404: "missing", 409: "conflict", 410: "missing", 429: "busy" };

document.addEventListener("toast", (event) => toast(event.detail));

document.addEventListener("htmx:responseError", (event) => {
  const { xhr } = event.detail;
  if (xhr.getResponseHeader("HX-Trigger")?.includes('"toast"')) return; // it has already been said
  toast({ text: sentence(BY_STATUS[xhr.status] ?? "broken"), level: "error" });
});
for (const name of ["htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(name, () => toast({ text: sentence("offline"), level: "error" }));
}

document.addEventListener("htmx:beforeSwap", (event) => {
  closeToast(sentence("offline"));
  // Signed out meanwhile: the sign-in page came instead of the fragment, and belongs into the whole window.
  const { loginUrl } = document.body.dataset;
  if (loginUrl && new URL(event.detail.xhr.responseURL || location.href).pathname === loginUrl) {
    event.detail.shouldSwap = false;
    location.reload();
  }
});

document.addEventListener("htmx:load", (event) => {
  enhance(event.detail.elt);
  refreshBulk();
  event.detail.elt.dispatchEvent(new CustomEvent("crier:content", { bubbles: true }));
});
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.xhr?.status === 422) focusErrors(event.detail.elt);
});

enhance(document);
focusErrors(document);
