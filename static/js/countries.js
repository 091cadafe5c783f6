// Countries as chips: added and taken away at once, and saved with their form. Without this script a button does each.
for (const field of document.querySelectorAll("[data-country-chips]")) {
  const select = field.querySelector("[data-add-country]");
  const chips = field.querySelector("[data-chips]");
  const blank = field.querySelector("template").content.firstElementChild;

  const removing = blank.querySelector("button").getAttribute("aria-label");
  const label = (chip) =>
    chip.querySelector("button").setAttribute("aria-label", removing.replace("{name}", chip.querySelector("span").textContent));
  // By now their countries have names: static/js/places.js.
  chips.querySelectorAll(".chip").forEach(label);

  select.addEventListener("change", () => {
    const option = select.selectedOptions[0];
    if (!option.value) return;
    const chip = blank.cloneNode(true);
    const button = chip.querySelector("button");
    chip.querySelector("input").value = button.value = option.value;
    chip.querySelector("span").textContent = option.text;
    label(chip);
    chips.append(chip);
    option.remove();
    select.value = "";
  });

  chips.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    event.preventDefault();
    const chip = button.closest(".chip");
    const option = new Option(chip.querySelector("span").textContent, button.value);
    const after = [...select.options].find((other) => other.value && other.text.localeCompare(option.text) > 0);
    select.add(option, after ?? null);
    chip.remove();
    select.focus();
  });
}
