// The composer: counts and previews while one types, saves by itself, and says what became of it.
import { completeTokens } from "./complete.js";
import { counter, render, swapSmart, swapTable } from "./parts.js";

const SAVE_AFTER_MS = 800;
const TRY_AGAIN_MS = 15_000;
const AT_ONCE = 20; // people that the server tells of

const form = document.querySelector("[data-composer]");
const data = JSON.parse(document.getElementById("composer-data").textContent);
const area = form.elements.text;
const measure = counter(data.gsm);
const swaps = swapTable(data.gsm.swaps);
// A workspace may swap in every text that it sends.
const asSent = (text) => (data.swapped ? swapSmart(text, swaps) : text);
const names = new Set(data.names);
const find = (selector) => document.querySelector(selector);
const fill = (words, values) => words.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
const number = new Intl.NumberFormat(document.documentElement.lang);

// ---- the people of the audience, one at a time
const who = find("[data-who]");
const nobody = who.textContent;
let { people, more } = data;
let place = 0;

function showPerson() {
  const person = people[place];
  who.textContent = person ? [person.name, person.number].filter(Boolean).join(", ") : nobody;
  if (person?.sender) showSender(person.sender);
}

function showSender(words) {
  find("[data-phone-sender]").textContent = words;
  find("[data-phone-face]").textContent = words.slice(0, 1) || "#";
}

async function loadPeople(after) {
  const answer = await fetch(`${data.urls.people}?after=${after}`, { headers: { Accept: "application/json" } }).catch(() => null);
  return answer?.ok ? (await answer.json()).people : null;
}

async function step(by) {
  if (place + by >= people.length && more) {
    const next = await loadPeople(people.at(-1)?.id ?? 0);
    if (!next) return;
    more = next.length > 0;
    people = [...people, ...next];
  }
  place = people.length ? (place + by + people.length) % people.length : 0;
  showPerson();
  refresh();
}

find("[data-people]").addEventListener("click", (event) => {
  const button = event.target.closest("[data-step]");
  if (!button) return;
  event.preventDefault();
  step(Number(button.dataset.step));
});

/** The people again with their texts as the server has them, now that `text` is saved. `others`: it is another audience. */
async function reloadPeople(text, others) {
  const first = others ? 0 : place - (place % AT_ONCE);
  const found = await loadPeople(people[first - 1]?.id ?? 0);
  if (!found || (!others && text !== area.value)) return;
  if (others) [people, more, place] = [found, found.length > 0, 0];
  else people = people.map((person, i) => found[i - first] ?? { ...person, text: null });
  data.text = text;
  showPerson();
  refresh();
}

// ---- phone, counter, gauge
const count = find("#text-count");
const bubble = find("#preview");
const gauge = find("[data-gauge]");

function refresh() {
  const person = people[place];
  // Before there is anybody, sample values stand for everybody.
  const known = area.value === data.text && (person ? person.text : data.sample);
  const text = known || asSent(render(area.value, person?.values ?? data.samples, names, data.links));
  const { encoding, units, parts, left } = measure(text);
  bubble.textContent = text;
  const words = count.dataset;
  find("[data-parts-shown]").textContent = fill(parts === 1 ? words.part : words.parts, { n: number.format(parts) });
  const characters = [...text].length;
  const counted = units !== characters ? words.counted : characters === 1 ? words.character : words.characters;
  find("[data-units]").textContent = fill(counted, { n: number.format(characters), units: number.format(units) });
  find("[data-encoding]").textContent = encoding;
  find("[data-left]").textContent = fill(words.leftWord, { n: number.format(left) });
  const [single, each] = data.gsm.limits[encoding];
  const whole = parts > 1 ? each : single;
  gauge.setAttribute("width", units ? Math.round((100 * (whole - left)) / whole) : 0);
  gauge.classList.toggle("gauge-over", parts > 1);
  showOdd();
}

// ---- a character outside the plain alphabet: named, with the swap that mends it
const oddNote = find("#odd-note");
const oddTemplate = oddNote.querySelector("template");

function showOdd() {
  const own = [...new Set(measure(asSent(area.value)).odd)];
  // What is odd only in this person's values cannot be swapped here, but explains the count.
  const odd = own.length ? own : [...new Set(measure(bubble.textContent).odd)];
  oddNote.querySelector(":scope > .note")?.remove();
  if (!odd.length) return;
  const note = oddTemplate.content.cloneNode(true).querySelector(".note");
  const code = odd[0].codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
  const { one, many, value } = oddNote.dataset;
  const sentence = !own.length ? value : odd.length > 1 ? many : one;
  note.querySelector("[data-sentence]").textContent = fill(sentence, { char: odd[0], code, n: odd.length - 1 });
  const button = note.querySelector("[data-swap]");
  const swappable = odd.filter((char) => char in swaps || char.normalize("NFC") in swaps);
  if (!swappable.length || !own.length) button.remove();
  else if (odd.length > 1) button.textContent = button.dataset.many;
  else {
    const swap = swaps[odd[0]];
    button.textContent = swap ? fill(button.dataset.one, { swap }) : swap === "" ? button.dataset.none : button.dataset.many;
  }
  oddNote.append(note);
}

oddNote.addEventListener("click", (event) => {
  if (!event.target.closest("[data-swap]")) return;
  write(swapSmart(area.value, swaps), 0, area.value.length);
});

/** Writes into the text as typing would. */
function write(text, from, to) {
  area.setRangeText(text, from, to, "end");
  area.focus();
  area.dispatchEvent(new Event("input", { bubbles: true }));
}

// The menu takes the focus, the text area keeps where the caret was.
document.addEventListener("click", (event) => {
  const item = event.target.closest("[data-insert]");
  if (item) write(item.dataset.insert, area.selectionStart, area.selectionEnd);
});

// ---- errors of tokens, at their place
const marks = find("[data-marks]");
const tokenErrors = find("#token-errors");
let errors = [];

function drawMarks() {
  marks.replaceChildren();
  if (!errors.length) return;
  const chars = [...area.value];
  let done = 0;
  for (const { start, end } of errors) {
    marks.append(chars.slice(done, start).join(""));
    const mark = document.createElement("mark");
    mark.textContent = chars.slice(start, end).join("");
    marks.append(mark);
    done = end;
  }
  marks.append(`${chars.slice(done).join("")}\n`);
  marks.scrollTop = area.scrollTop;
}

function showTokenErrors(found, more) {
  errors = found;
  drawMarks();
  area.toggleAttribute("aria-invalid", false);
  if (found.length) area.setAttribute("aria-invalid", "true");
  tokenErrors.replaceChildren(
    ...found.map((error) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "link";
      button.textContent = tokenErrors.dataset.show;
      button.addEventListener("click", () => {
        const chars = [...area.value];
        area.focus();
        area.setSelectionRange(chars.slice(0, error.start).join("").length, chars.slice(0, error.end).join("").length);
      });
      return noteOf("bad", `${fill(tokenErrors.dataset.at, error)} ${error.sentence} `, button);
    }),
    ...(more ? [noteOf("bad", more)] : []),
  );
}

function noteOf(tone, ...content) {
  const note = document.createElement("div");
  note.className = `note tone-${tone}`;
  const inner = document.createElement("div");
  inner.append(...content);
  note.append(inner);
  return note;
}

area.addEventListener("scroll", () => {
  marks.scrollTop = area.scrollTop;
});

// ---- lists as chips
const lists = find("[data-lists]");

function addList(select) {
  const option = select.selectedOptions[0];
  if (!option?.value) return;
  if (!lists.querySelector(`[data-chip="${option.value}"]`)) {
    const chip = lists.querySelector("[data-chip-template]").content.cloneNode(true).querySelector(".chip");
    chip.dataset.chip = option.value;
    chip.querySelector("input").value = option.value;
    const [name, people_count] = chip.querySelectorAll("span");
    name.textContent = option.dataset.name;
    people_count.textContent = option.dataset.count;
    const button = chip.querySelector("button");
    button.value = option.value;
    button.setAttribute("aria-label", fill(button.getAttribute("aria-label"), { name: option.dataset.name }));
    lists.querySelector("[data-chips]").append(chip);
  }
  select.value = "";
}

lists?.addEventListener("click", (event) => {
  const button = event.target.closest("[name=remove_list]");
  if (!button) return;
  event.preventDefault();
  button.closest("[data-chip]").remove();
  lists.querySelector("[data-add-list]")?.focus();
  changed();
});

// ---- saving
const savedWord = find("[data-saved-word]");
const savedAgo = find("[data-saved-ago]");
const trouble = find("#save-trouble");
let dirty = false;
let edits = 0;
let timer = 0;
let saving = null;
let savedAt = 0;
let stuck = false; // changed elsewhere: saving again would not help
let audience = audienceKey();

function audienceKey() {
  const values = new FormData(form);
  return JSON.stringify([values.getAll("lists"), values.getAll("unsubscribe_lists"), values.get("msisdn")]);
}

function changed() {
  dirty = true;
  edits += 1;
  say("unsaved");
  clearTimeout(timer);
  timer = setTimeout(save, SAVE_AFTER_MS);
}

function say(word) {
  const words = word ? savedWord.dataset[word] : "";
  if (savedWord.textContent !== words) savedWord.textContent = words;
  if (word !== "saved") savedAgo.textContent = "";
}

/** Saves once more if something was written meanwhile; true when all of it is saved. */
async function save() {
  clearTimeout(timer);
  if (saving) await saving;
  if (stuck || !dirty) return !dirty;
  saving = send();
  try {
    return await saving;
  } finally {
    saving = null;
  }
}

async function send() {
  const sent = edits;
  const text = area.value;
  say("saving");
  let answer;
  let body;
  try {
    answer = await fetch(data.urls.save, { method: "POST", body: new FormData(form), headers: { Accept: "application/json" } });
    body = await answer.json();
  } catch {
    failed(answer ? trouble.dataset.broken : trouble.dataset.failed);
    return false;
  }
  if (answer.status === 409) {
    stuck = true;
    conflict(body.detail);
    return false;
  }
  if (!answer.ok) {
    failed(trouble.dataset.broken);
    return false;
  }
  saved(body, sent, text);
  return !dirty;
}

function saved(body, sent, text) {
  form.elements.version.value = body.version;
  data.sample = body.sample;
  data.text = null; // the texts that came with the page are of the draft as it was then
  trouble.replaceChildren();
  savedAt = Date.now();
  showFieldErrors(body.errors);
  if (text === area.value) showTokenErrors(body.token_errors, body.more_token_errors);
  document.body.dispatchEvent(new CustomEvent("draft-saved", { bubbles: true }));
  const before = audience;
  audience = audienceKey();
  reloadPeople(text, audience !== before);
  // A refused text is on this page alone: it is no more saved than one that is being written.
  if ("id_text" in body.errors) say("unsaved");
  else if (sent === edits) {
    dirty = false;
    say("saved");
  }
}

function failed(sentence) {
  say("unsaved");
  const button = document.createElement("button");
  button.type = "button";
  button.className = "btn";
  button.dataset.variant = "outline";
  button.dataset.size = "sm";
  button.textContent = trouble.dataset.retry;
  button.addEventListener("click", save);
  if (trouble.textContent.trim() !== `${sentence} ${trouble.dataset.retry}`) trouble.replaceChildren(noteOf("bad", `${sentence} `, button));
  clearTimeout(timer);
  timer = setTimeout(save, TRY_AGAIN_MS);
}

function conflict(sentence) {
  say("unsaved");
  const link = document.createElement("a");
  link.href = location.pathname;
  link.className = "link";
  link.textContent = trouble.dataset.changed;
  link.addEventListener("click", () => {
    dirty = false;
  });
  trouble.replaceChildren(noteOf("warn", `${sentence} `, link));
}

/** {id of a field: [sentences]}; what was wrong before and is right now loses its mark. */
function showFieldErrors(found) {
  for (const old of form.querySelectorAll("[data-field-error]")) {
    const field = document.getElementById(old.dataset.fieldError);
    field?.removeAttribute("aria-invalid");
    field?.removeAttribute("aria-errormessage");
    old.remove();
  }
  for (const [id, sentences] of Object.entries(found)) {
    const field = document.getElementById(id);
    if (!field) continue;
    const line = document.createElement("p");
    line.className = "field-error";
    line.id = `${id}_wrong`;
    line.dataset.fieldError = id;
    line.textContent = sentences.join(" ");
    field.setAttribute("aria-invalid", "true");
    field.setAttribute("aria-errormessage", line.id);
    field.before(line);
  }
}

setInterval(() => {
  if (!savedAt || dirty) return;
  const seconds = Math.round((Date.now() - savedAt) / 1000);
  savedAgo.textContent = seconds < 60 ? fill(savedAgo.dataset.seconds, { n: seconds }) : fill(savedAgo.dataset.minutes, { n: Math.round(seconds / 60) });
}, 1000);

form.addEventListener("input", (event) => {
  if (event.target === area) {
    errors = [];
    drawMarks();
    refresh();
  }
  if (event.target.name === "name") find("[data-name-shown]").textContent = event.target.value;
  if (!event.target.matches("[data-add-list]")) changed();
});

form.addEventListener("change", (event) => {
  if (event.target.matches("[data-add-list]")) {
    addList(event.target);
    changed();
  } else if (event.target.name === "sender") {
    showSender(event.target.value ? event.target.selectedOptions[0].textContent.trim() : "");
  }
});

// The page goes on only with what is written: first it is saved, then the button does its work.
form.addEventListener("submit", async (event) => {
  const button = event.submitter;
  if (!dirty && !saving && button?.name !== "save") return;
  event.preventDefault();
  const done = await save();
  if (done && button && button.name !== "save") form.requestSubmit(button);
  else if (document.getElementById("id_text_wrong")) area.focus();
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-save-first]")) save();
});
addEventListener("online", save);
addEventListener("beforeunload", (event) => {
  if (dirty) event.preventDefault();
});

// What was typed or chosen before this script was there has not been heard: it counts as well.
function catchUp() {
  const fresh = form.cloneNode(true);
  fresh.reset();
  const content = (of) => JSON.stringify([...new FormData(of)]);
  const touched = content(form) !== content(fresh);
  const select = lists?.querySelector("[data-add-list]");
  if (select) addList(select);
  if (touched) changed();
}

completeTokens(area);
refresh();
catchUp();
