// Tokens offered while one writes them: after "{{" those of the token menu whose name or label holds what follows.
const MOST = 8;
const WRITTEN = /\{\{([^{}|\n]*)$/;

/** `area`: in an .editor with its .editor-marks, which lies over it letter by letter. */
export function completeTokens(area) {
  const menu = document.getElementById("token-menu");
  const list = document.createElement("div");
  list.id = "token-list";
  list.role = "listbox";
  list.className = "token-list";
  list.hidden = true;
  list.setAttribute("aria-label", menu.querySelector("button").getAttribute("aria-label"));
  area.parentElement.append(list);
  area.setAttribute("aria-autocomplete", "list");
  area.setAttribute("aria-controls", list.id);
  const tokens = [...menu.querySelectorAll("[data-insert]")].map(({ dataset, firstElementChild }) => ({
    insert: dataset.insert,
    label: firstElementChild.textContent,
  }));

  const chosen = () => list.querySelector('[aria-selected="true"]');

  function choose(option) {
    chosen()?.setAttribute("aria-selected", "false");
    option.setAttribute("aria-selected", "true");
    option.scrollIntoView({ block: "nearest" });
    area.setAttribute("aria-activedescendant", option.id);
  }

  function close() {
    list.hidden = true;
    area.removeAttribute("aria-activedescendant");
  }

  /** What is written of a token before the caret; null where none has been begun. */
  function begun() {
    if (area.selectionStart !== area.selectionEnd) return null;
    return WRITTEN.exec(area.value.slice(0, area.selectionStart));
  }

  function offer() {
    const written = begun();
    const words = written?.[1].trim().toLowerCase();
    const fitting = written
      ? tokens.filter(({ insert, label }) => insert.slice(2).startsWith(words) || label.toLowerCase().includes(words))
      : [];
    if (!fitting.length) return close();
    list.replaceChildren(...fitting.slice(0, MOST).map(optionOf));
    list.hidden = false;
    place(written.index);
    choose(list.firstElementChild);
  }

  function optionOf({ insert, label }, index) {
    const option = document.createElement("div");
    option.role = "option";
    option.id = `token-option-${index}`;
    option.dataset.take = insert;
    const [words, code] = [document.createElement("span"), document.createElement("code")];
    words.textContent = label;
    code.textContent = insert;
    option.append(words, code);
    return option;
  }

  /** Below the line of the token, and never beyond the edge. */
  function place(at) {
    const mirror = area.parentElement.querySelector(".editor-marks").cloneNode(false);
    const mark = document.createElement("span");
    mark.textContent = "{";
    mirror.append(area.value.slice(0, at), mark);
    area.parentElement.append(mirror);
    const left = Math.min(mark.offsetLeft, area.clientWidth - list.offsetWidth);
    list.style.left = `${Math.max(0, left)}px`;
    list.style.top = `${Math.min(mark.offsetTop - area.scrollTop + mark.offsetHeight, area.offsetHeight)}px`;
    mirror.remove();
  }

  function take(option) {
    const written = begun();
    close();
    if (!written) return;
    const after = area.value.slice(area.selectionStart);
    const closed = after.startsWith("}}") ? 2 : 0;
    area.setRangeText(option.dataset.take, written.index, area.selectionStart + closed, "end");
    area.dispatchEvent(new Event("input", { bubbles: true }));
  }

  area.addEventListener("input", offer);
  area.addEventListener("blur", close);
  area.addEventListener("click", close);
  area.addEventListener("keydown", (event) => {
    if (list.hidden || event.isComposing) return;
    const all = [...list.children];
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by) choose(all[(all.indexOf(chosen()) + by + all.length) % all.length]);
    else if (event.key === "Enter" || event.key === "Tab") take(chosen());
    else if (event.key === "Escape") close();
    else {
      if (event.key.startsWith("Arrow") || event.key === "Home" || event.key === "End") close();
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  });
  // The text area keeps the focus.
  list.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    const option = event.target.closest("[role=option]");
    if (option) take(option);
  });
}
