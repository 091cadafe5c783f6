// The import's first steps. The upload: refused here when it is too large, dropped or chosen, with a bar while it
// travels; without this script the form sends the file all the same.
const form = document.querySelector("[data-import-upload]");
const field = form?.querySelector("[data-import-file]");
const drop = form?.querySelector("[data-import-drop]");

function refuseIfTooLarge() {
  const tooLarge = [...field.files].some((file) => file.size > Number(field.dataset.limit));
  field.setCustomValidity(tooLarge ? field.dataset.tooLarge : "");
  if (tooLarge) field.reportValidity();
}

function takeDropped(event) {
  event.preventDefault();
  drop.removeAttribute("data-over");
  if (event.dataTransfer.files.length === 0) return;
  field.files = event.dataTransfer.files;
  refuseIfTooLarge();
}

function send(event) {
  event.preventDefault();
  const request = new XMLHttpRequest();
  const sending = form.querySelector("[data-import-sending]");
  const bar = sending.querySelector("progress");
  const button = form.querySelector("button[type=submit]");
  const giveBack = () => {
    sending.hidden = true;
    button.disabled = false;
  };
  sending.hidden = false;
  button.disabled = true;
  request.upload.addEventListener("progress", ({ loaded, total }) => {
    if (total) bar.value = (100 * loaded) / total;
  });
  request.addEventListener("load", () => {
    if (request.status === 200) location.assign(request.responseURL);
    else showAnswer(request.responseText, giveBack);
  });
  request.addEventListener("error", () => {
    giveBack();
    form.submit();
  });
  request.open("POST", form.action);
  request.send(new FormData(form));
}

/** A refusal is the same page with the form's errors: its form takes the place of ours. */
function showAnswer(html, giveBack) {
  const answered = new DOMParser().parseFromString(html, "text/html").querySelector("[data-import-upload]");
  const summary = answered?.querySelector("[data-error-summary]");
  giveBack();
  if (!summary) {
    form.submit();
    return;
  }
  form.querySelector("[data-error-summary]")?.remove();
  form.prepend(document.adoptNode(summary));
  field.value = "";
  summary.focus();
}

// The name of a new list is asked only where no list is chosen.
const list = document.querySelector("select[name=list]");
const newName = document.querySelector("input[name=new_list_name]")?.closest(".fld");

function showNewName() {
  newName.hidden = list.value !== "new";
}

if (list && newName) {
  list.addEventListener("change", showNewName);
  showNewName();
}

if (form && field) {
  field.addEventListener("change", refuseIfTooLarge);
  refuseIfTooLarge(); // one may have been chosen before this script was there
  form.addEventListener("submit", send);
  for (const type of ["dragenter", "dragover"]) {
    drop.addEventListener(type, (event) => {
      event.preventDefault();
      drop.setAttribute("data-over", "");
    });
  }
  drop.addEventListener("dragleave", () => drop.removeAttribute("data-over"));
  drop.addEventListener("drop", takeDropped);
}
