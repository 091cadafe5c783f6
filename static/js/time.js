// Keeps `5 minutes ago` true on a page that stays open. The same steps as the `ago` filter of the server.
const EVERY_MS = 30_000;
const words = new Intl.RelativeTimeFormat(document.documentElement.lang || "en", { numeric: "always" });

function unit(seconds) {
  if (seconds < 45) return null;
  if (seconds < 45 * 60) return ["minute", 60];
  if (seconds < 22 * 3600) return ["hour", 3600];
  if (seconds < 30 * 86400) return ["day", 86400];
  return null;
}

function refresh() {
  for (const element of document.querySelectorAll("time[data-relative]")) {
    const seconds = (Date.parse(element.dateTime) - Date.now()) / 1000;
    const [name, length] = unit(Math.abs(seconds)) ?? [];
    if (name) element.textContent = words.format(Math.sign(seconds) * Math.max(Math.round(Math.abs(seconds) / length), 1), name);
  }
}

setInterval(() => document.hidden || refresh(), EVERY_MS);
