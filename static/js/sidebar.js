// The side menu: Basecoat moves it, this gives it a memory, Escape, and a page behind it that is out of reach.
import { keep, kept } from "./store.js";

const side = document.getElementById("sidebar");
const button = document.querySelector("[data-sidebar-toggle]");
const narrow = matchMedia("(max-width: 767px)");

const isOpen = () => side.getAttribute("aria-hidden") === "false";

function follow() {
  const covers = narrow.matches && isOpen();
  button.setAttribute("aria-expanded", String(isOpen()));
  document.querySelector(".page").inert = covers;
  document.documentElement.classList.toggle("sidebar-closed", !isOpen() && !narrow.matches);
}

function toggle() {
  side.toggle();
  if (!narrow.matches) keep("sidebar", isOpen() ? "open" : "closed");
  else if (isOpen()) side.querySelector("a")?.focus();
}

function close() {
  side.close();
  follow();
  button.focus();
}

if (side && button) {
  // Read by Basecoat when the document is ready, which is after this module.
  if (kept("sidebar") === "closed") side.dataset.initialOpen = "false";
  button.addEventListener("click", toggle);
  new MutationObserver(follow).observe(side, { attributeFilter: ["aria-hidden"] });
  narrow.addEventListener("change", () => {
    if (narrow.matches) side.close();
    else if (kept("sidebar") !== "closed") side.open();
  });
  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && narrow.matches && isOpen()) close();
  });
}
