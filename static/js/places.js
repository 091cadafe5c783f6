// Time zones and countries in words of the browser. Without this script zones start at UTC and countries are codes.

// The zone of this browser, where nobody has chosen one yet.
for (const select of document.querySelectorAll("select[data-guess-zone]")) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if ([...select.options].some((option) => option.value === zone)) select.value = zone;
}

// "US (+1)" becomes "United States (+1)", sorted by name.
const language = document.documentElement.lang || "en";
const names = new Intl.DisplayNames([language], { type: "region", fallback: "code" });
// Also in what a script of the page copies from.
const roots = [document, ...[...document.querySelectorAll("template")].map((template) => template.content)];
for (const select of roots.flatMap((root) => [...root.querySelectorAll("select[data-countries]")])) {
  const chosen = select.value;
  for (const option of select.options) {
    if (/^[A-Z]{2}$/.test(option.value)) option.text = option.text.replace(option.value, names.of(option.value));
  }
  // What stands for nothing stays in front.
  const inOrder = (a, b) => Boolean(a.value) - Boolean(b.value) || a.text.localeCompare(b.text, language);
  select.append(...[...select.options].sort(inOrder));
  select.value = chosen;
}
for (const named of document.querySelectorAll("[data-country]")) {
  named.textContent = named.textContent.replace(named.dataset.country, names.of(named.dataset.country));
}
