// The filter of a list: conditions are added and taken away, and each offers what fits its field. Without this script
// the same buttons ask the server for the form with one row more or less.
const form = document.querySelector("[data-filter]");
const fitting = JSON.parse(document.getElementById("filter-fitting").textContent);
const blank = form.querySelector("template[data-filter-blank]").content.firstElementChild;
const add = form.querySelector("[data-filter-add]");
const list = form.querySelector("[data-filter-rows]");
const allOperators = [...blank.querySelector("[name=operator]").options];
const WHOLE = ["is", "is_not"];
const WITHOUT_VALUE = ["empty", "not_empty"];

const rows = () => [...list.querySelectorAll("[data-filter-row]")];
const fittingOf = (field) => fitting[field] ?? fitting[""];

function number() {
  rows().forEach((row, at) => {
    const n = String(at + 1);
    for (const one of [row, ...row.querySelectorAll("[data-numbered]")]) {
      const words = one.dataset.numbered.replace("{n}", n);
      (one.matches("[data-filter-value]") ? one.firstElementChild : one).setAttribute("aria-label", words);
    }
    row.querySelector("[data-filter-title]").textContent = row.dataset.numbered.replace("{n}", n);
    row.querySelector("[data-filter-remove]").value = `drop-${n}`;
  });
  add.hidden = rows().length >= Number(form.dataset.filter);
}

function offerOperators(row) {
  const select = row.querySelector("[name=operator]");
  const field = row.querySelector("[name=field]").value;
  const chosen = select.value;
  const fits = field ? fittingOf(field).operators : allOperators.map((option) => option.value);
  select.replaceChildren(
    ...allOperators.filter((option) => fits.includes(option.value)).map((option) => option.cloneNode(true)),
  );
  select.value = fits.includes(chosen) ? chosen : fits[0];
}

function controlOf(row) {
  const field = row.querySelector("[name=field]").value;
  const operator = row.querySelector("[name=operator]").value;
  if (WITHOUT_VALUE.includes(operator)) return "nothing";
  if (operator === "last_days") return "text";
  const { control } = fittingOf(field);
  return control === field && !WHOLE.includes(operator) ? "text" : control;
}

function inputOf(control) {
  const values = form.querySelector(`template[data-filter-values="${CSS.escape(control)}"]`);
  if (values) return values.content.firstElementChild.cloneNode(true);
  const input = document.createElement("input");
  Object.assign(input, { name: "value", type: control === "nothing" ? "hidden" : control, autocomplete: "off" });
  if (control !== "nothing") input.className = "input";
  return input;
}

/** What was typed stays where the new control can hold it: text in text, a value among the same values. */
function offerValue(row) {
  const slot = row.querySelector("[data-filter-value]");
  const control = controlOf(row);
  if (slot.dataset.control === control) return;
  const was = slot.firstElementChild.value;
  const fresh = inputOf(control);
  if (control === "text" && slot.dataset.control === "text") fresh.value = was;
  slot.dataset.control = control;
  slot.replaceChildren(fresh);
}

list.addEventListener("change", (event) => {
  const row = event.target.closest("[data-filter-row]");
  if (event.target.name === "field") offerOperators(row);
  if (["field", "operator"].includes(event.target.name)) {
    offerValue(row);
    number();
  }
});

form.addEventListener("click", (event) => {
  const remove = event.target.closest("[data-filter-remove]");
  if (remove) {
    event.preventDefault();
    const row = remove.closest("[data-filter-row]");
    const next = row.nextElementSibling ?? row.previousElementSibling;
    row.remove();
    number();
    (next?.querySelector("[name=field]") ?? add).focus();
  } else if (event.target.closest("[data-filter-add]")) {
    event.preventDefault();
    const row = blank.cloneNode(true);
    row.querySelector("[data-filter-value]").dataset.control = "text";
    list.append(row);
    number();
    row.querySelector("[name=field]").focus();
  }
});

// What a browser kept when one came back to the page may differ from what the server drew.
for (const row of rows()) {
  row.querySelector("[data-filter-value]").dataset.control = controlOf(row);
}
