// Draws <canvas data-crier-chart="ID of a JSON block"> with Chart.js through Basecoat's wrapper, which redraws when the
// theme changes. With data-url the data is asked anew every data-every seconds until it says "finished".
// {"labels": […], "series": [{"key", "label", "color": "--chart-1", "type": "bar" | "line", "values": […]}…]}
const LINE = { tension: 0.3, pointRadius: 0, pointHoverRadius: 4, borderWidth: 2, fill: false };

const asSeries = (chart) =>
  Object.fromEntries(
    chart.series.map(({ key, label, color, type = "bar" }) => [
      key,
      { label, color: `var(${color})`, type, dataset: type === "line" ? LINE : { categoryPercentage: 0.8, barPercentage: 0.95 } },
    ]),
  );

const asRows = (chart) =>
  chart.labels.map((label, index) => ({
    label,
    ...Object.fromEntries(chart.series.map(({ key, values }) => [key, values[index]])),
  }));

function optionsFor(canvas) {
  const stacked = "stacked" in canvas.dataset;
  return {
    animation: false,
    scales: {
      x: { stacked, grid: { display: false }, border: { display: false }, ticks: { color: "var(--muted-foreground)", maxRotation: 60 } },
      y: { stacked, beginAtZero: true, border: { display: false }, grid: { color: "var(--border)" }, ticks: { display: true, color: "var(--muted-foreground)", precision: 0 } },
    },
  };
}

function draw(canvas, chart) {
  window.basecoat.chart(canvas, {
    type: "bar",
    data: asRows(chart),
    series: asSeries(chart),
    legend: chart.series.length > 1,
    options: optionsFor(canvas),
  });
}

/** The table beneath says the same as the picture. */
function tabulate(canvas, chart) {
  const body = canvas.closest("figure")?.querySelector("details tbody");
  if (!body) return;
  const rows = asRows(chart).map((row) => {
    const line = document.createElement("tr");
    const head = document.createElement("th");
    head.scope = "row";
    head.textContent = row.label;
    line.append(head);
    for (const { key } of chart.series) {
      const cell = line.insertCell();
      cell.className = "n";
      cell.textContent = Number(row[key]).toLocaleString(document.documentElement.lang);
    }
    return line;
  });
  body.replaceChildren(...rows);
}

async function follow(canvas) {
  if (!canvas.isConnected) return;
  let finished = false;
  if (!document.hidden) {
    const answer = await fetch(canvas.dataset.url, { headers: { Accept: "application/json" } }).catch(() => null);
    if (answer?.ok) {
      const chart = await answer.json();
      draw(canvas, chart);
      tabulate(canvas, chart);
      finished = chart.finished === true;
    }
  }
  if (!finished) setTimeout(follow, Number(canvas.dataset.every) * 1000, canvas);
}

function start(root) {
  for (const canvas of root.querySelectorAll("canvas[data-crier-chart]:not([data-drawn])")) {
    canvas.dataset.drawn = "";
    draw(canvas, JSON.parse(document.getElementById(canvas.dataset.crierChart).textContent));
    if (canvas.dataset.url) setTimeout(follow, Number(canvas.dataset.every) * 1000, canvas);
  }
}

start(document);
document.addEventListener("crier:content", (event) => start(event.target));
