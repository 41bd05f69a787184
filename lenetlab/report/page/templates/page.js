"use strict";
// The page's own script: theme, sorting, filters, the panel of runs, and charts when they are seen.

const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const json = (id) => JSON.parse(document.getElementById(id).textContent);

// Theme: the system's, or the reader's choice. Charts are drawn in the page's ink and follow.

const themes = ["system", "light", "dark"];

function remembered(value) {
  try {  // a browser may forbid storage to files
    if (value) localStorage.setItem("lenetlab-theme", value);
    return localStorage.getItem("lenetlab-theme");
  } catch (refused) {
    return null;
  }
}

function setTheme(name) {
  if (name === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
  document.getElementById("theme").textContent = `Theme: ${name}`;
}

function startTheme() {
  const button = document.getElementById("theme");
  let now = themes.includes(remembered()) ? remembered() : "system";
  setTheme(now);
  button.hidden = false;
  button.addEventListener("click", () => {
    now = themes[(themes.indexOf(now) + 1) % themes.length];
    remembered(now);
    setTheme(now);
  });
}

// Sorting: by numbers in data-order, or by text. What is missing stays last, either way.

function sortBy(button) {
  const head = button.closest("th");
  const body = button.closest("table").tBodies[0];
  const index = [...head.parentNode.children].indexOf(head);
  const before = head.getAttribute("aria-sort");
  const opposite = { ascending: "descending", descending: "ascending" };
  const direction = opposite[before] ?? button.dataset.first;
  const sign = direction === "ascending" ? 1 : -1;
  const key = (row) => {
    const field = row.children[index];
    if (field.dataset.order === undefined) return field.querySelector("a")?.textContent ?? field.textContent;
    const order = field.dataset.order;
    return order === "" ? null : order === "inf" ? Infinity : Number(order);
  };
  const compare = (a, b) => {
    if (a === null || b === null) return (a === null) - (b === null);
    if (typeof a !== "number") return sign * a.localeCompare(b);
    return a === b ? 0 : a < b ? -sign : sign;
  };
  const rows = [...body.rows].map((row) => [key(row), row]);
  rows.sort((a, b) => compare(a[0], b[0]));
  body.append(...rows.map(([, row]) => row));
  for (const other of head.parentNode.children) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", direction);
}

// Filters of a leaderboard. Which of its columns are shown is a matter of page.css.

function startFilters(form) {
  const section = form.closest("section");
  const rows = all(".leaderboard tbody tr", section);
  const name = form.querySelector("[data-filter=name]");
  const family = form.querySelector("[data-filter=family]");  // none where families are not known
  const apply = () => {
    const wanted = name.value.trim().toLowerCase();
    for (const row of rows) {
      const fits = row.dataset.name.toLowerCase().includes(wanted);
      row.hidden = !fits || (family?.value && row.dataset.family !== family.value);
    }
    const left = rows.filter((row) => !row.hidden).length;
    form.querySelector("output").textContent =
      `${left === rows.length ? "" : `${left} of `}${rows.length} method${rows.length === 1 ? "" : "s"}`;
  };
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  for (const part of all("[data-scripted]", form)) part.hidden = false;
  apply();
}

// The panel of runs: open when the address names a cell, as in #cell/plain/adamw.

const panel = document.getElementById("runs");

// What a cell's link is, as cell.py makes it.
function cellId(board, name) {
  return ["cell", board, name].map(encodeURIComponent).join("/").replace(/%2[BC]|%3D/g, decodeURIComponent);
}

function showRuns() {
  const [kind, board, name] = location.hash.slice(1).split("/");
  const id = kind === "cell" && name ? cellId(...[board, name].map(decodeURIComponent)) : "";
  const found = document.getElementById(id);
  if (found === null) {
    if (panel.open) panel.close();
    return;
  }
  panel.replaceChildren(found.content.cloneNode(true));
  for (const button of all(".copy", panel)) button.addEventListener("click", copy);
  panel.querySelector(".close").addEventListener("click", () => panel.close());
  if (!panel.open) panel.showModal();
  panel.scrollTop = 0;
  document.getElementById("runs-title").focus();
}

async function copy(event) {
  const code = event.target.previousElementSibling;
  try {
    await navigator.clipboard.writeText(code.textContent);
    event.target.textContent = "Copied";
  } catch (refused) {  // then it is marked, ready for Ctrl-C
    getSelection().selectAllChildren(code);
    event.target.textContent = "Marked";
  }
}

function startPanel() {
  let cameFrom = null;
  addEventListener("hashchange", showRuns);
  panel.addEventListener("close", () => {
    if (location.hash.startsWith("#cell/")) history.replaceState(null, "", location.pathname + location.search);
    cameFrom?.focus({ preventScroll: true });
  });
  panel.addEventListener("click", (event) => {
    if (event.target === panel) panel.close();  // beside it
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest('a[href^="#cell/"]') ?? rowLink(event);
    if (link === null || panel.contains(link)) return;
    cameFrom = link;
    if (location.hash === link.hash) showRuns();
    else if (!event.target.closest("a")) location.hash = link.hash;
  });
  showRuns();
}

function rowLink(event) {
  // A click anywhere in a row opens its runs, unless text is being marked.
  if (String(getSelection())) return null;
  return event.target.closest("tbody tr")?.querySelector('a[href^="#cell/"]') ?? null;
}

// Charts: the library is inert text until the first chart comes into view.

let parsed = null;
const datasets = () => parsed ??= json("datasets");

function library() {
  if (window.vegaEmbed) return;
  const script = document.createElement("script");
  script.textContent = document.getElementById("vega").textContent;
  document.head.append(script);
}

// A chart's JSON with its data put back, and with the methods that are to stand out.
function complete(spec, chosen, rows) {
  if (Array.isArray(spec)) return spec.map((part) => complete(part, chosen, rows));
  if (spec === null || typeof spec !== "object") return spec;
  const made = {};
  for (const [key, part] of Object.entries(spec)) made[key] = complete(part, chosen, rows);
  if (typeof spec.data?.name === "string" && spec.data.name in datasets())
    made.data.values = datasets()[spec.data.name];
  if (chosen !== null) {
    if (made.field === "method" && "oneOf" in made) made.oneOf = chosen;
    if (made.legend?.values) made.legend.values = chosen;
    if (made.scale?.domain && /^(accuracy|loss)/.test(made.field)) reach(made, chosen, rows);
  }
  return made;
}

// Extend a curve's axis to where the chosen methods end, so that a poor one can be seen.
function reach({ field, scale }, chosen, rows) {
  const [name] = field.split("_");
  const ends = new Map(rows.filter((row) => chosen.includes(row.method)).map((row) => [row.method, row[name]]));
  const [low, high] = scale.domain;
  if (name === "accuracy") scale.domain = [Math.min(low, ...[...ends.values()].map((end) => end - 1)), high];
  else scale.domain = [low, Math.max(high, ...[...ends.values()].map((end) => end * 1.05))];
}

// The script element that has the chart's JSON, for the axis (and scenario) that the reader chose.
function sourceOf(figure) {
  const chosen = all("form.shown input[type=radio]:checked", figure.closest("section"));
  const axis = chosen.map((radio) => radio.value).join(" ");
  const sources = all("script[data-axis]", figure);
  return sources.find((one) => one.dataset.axis === axis) ?? sources[0];
}

async function draw(figure) {
  library();
  const section = figure.closest("section");
  const form = section.querySelector("form.shown");
  const follows = "follows" in figure.dataset;
  const chosen = follows ? all("input[type=checkbox]:checked", form).map((box) => box.value) : null;
  const source = sourceOf(figure);
  const spec = complete(JSON.parse(source.textContent), chosen, datasets()[source.dataset.numbers]);
  const place = figure.querySelector(".drawing");
  const config = json("chart-config");
  config.legend.columns = Math.max(1, Math.floor(place.clientWidth / figure.dataset.legend));
  config.legend.labelLimit = place.clientWidth / config.legend.columns - 40;
  const options = { config, renderer: "svg", actions: false, ast: true, logLevel: 1 };
  const { view } = await vegaEmbed(place, spec, options);
  place.dataset.drawn = "";
  view.addEventListener("click", (event, item) => openFrom(figure, item));
}

// The table of a chart is made from the chart's own data, when it is opened.
function fillNumbers(figure) {
  const body = figure.querySelector(".numbers tbody");
  const columns = all(".numbers thead th", figure).map((head) => head.dataset);
  const shown = (value, { digits }) => {
    if (value === null || value === undefined || value === "") return "–";
    if (digits === "" || typeof value !== "number") return String(value);
    return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  };
  body.replaceChildren(...datasets()[sourceOf(figure).dataset.numbers].map((datum) => {
    const row = document.createElement("tr");
    row.append(...columns.map((column, i) => {
      const field = document.createElement(i === 0 ? "th" : "td");
      if (i === 0) field.scope = "row";
      if (column.digits === "") field.className = "t";
      field.textContent = shown(datum[column.field], column);
      return field;
    }));
    return row;
  }));
}

function openFrom(figure, item) {
  const datum = item?.datum?.datum ?? item?.datum;
  const name = datum?.cell ?? datum?.method ?? datum?.value;
  const id = cellId(datum?.board ?? figure.dataset.board, name);  // a chart may be of several boards
  if (name !== undefined && document.getElementById(id)) location.hash = id;
}

function startCharts() {
  const figures = all("figure.chart").filter((figure) => figure.querySelector("script"));
  const seen = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue;
      seen.unobserve(target);
      draw(target);
    }
  }, { rootMargin: "300px" });
  for (const figure of figures) {
    seen.observe(figure);
    const numbers = figure.querySelector("details.numbers");
    if (numbers === null) continue;
    numbers.hidden = false;
    numbers.addEventListener("toggle", () => numbers.open && fillNumbers(figure));
  }
  for (const form of all("form.shown")) {
    const name = () => {
      const on = all("input[type=checkbox]:checked", form).map((box) => box.value);
      const said = form.querySelector("summary b");  // none where no methods can be chosen
      if (said) said.textContent = on.join(", ") || "none";
    };
    form.addEventListener("change", () => {
      name();
      for (const figure of all("figure[data-follows]", form.closest("section"))) {
        if ("drawn" in figure.querySelector(".drawing").dataset) draw(figure);
        if (figure.querySelector("details[open]")) fillNumbers(figure);
      }
    });
    name();
    form.hidden = false;
  }
}

startTheme();
for (const button of all(".leaderboard thead button")) button.addEventListener("click", () => sortBy(button));
for (const form of all("form.filters")) startFilters(form);
startPanel();
startCharts();
