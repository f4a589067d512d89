/* The page's own script. Every text from the store gets in by textContent, or is drawn
   by Vega as the text of an SVG: nothing here reads HTML. */

const $ = (id) => document.getElementById(id);
const ROWS_AT_ONCE = 50;
const CURVES_AT_FIRST = 12;
const GROUPS_AT_FIRST = 200;
const FIRST_GROUPINGS = ["dataset", "aggregator", "attack"]; // where all would make more groups
const MOST_LINES = 60; // of a chart, down and across
const COUNTS = new Set(["round", "runs", "pairs"]); // beside means
const INDEX = ["run", "seed"];
const PALETTES = {
  light: ["#1f6fb4", "#c4500a", "#2b8a3e", "#b3398f", "#8a6a00", "#0b8293", "#6b4fbb", "#a01722"],
  dark: ["#6cb2f5", "#ff9d5c", "#6fd08c", "#f08fd0", "#e3c04f", "#4fd0e0", "#b9a3ff", "#ff8a94"],
};
const DASHES = [[1, 0], [7, 3], [2, 2], [9, 3, 2, 3]];

let data;
const expanded = new Map();
const state = {
  search: "", hidden: new Map(), by: new Set(), columns: new Set(), metric: "",
  grouped: false, sort: null, down: false, from: 0, switched: new Map(),
  across: "", setting: "", first: "", second: "", shown: [], groups: [],
};
const darkness = matchMedia("(prefers-color-scheme: dark)");

// --- Reading ---

async function unpack(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

function expand(column) {
  if (!column) return Array(data.runs).fill(null);
  if (!expanded.has(column)) {
    const { values, at } = column;
    expanded.set(column, at ? at.map((place) => values[place]) : Array(data.runs).fill(values[0]));
  }
  return expanded.get(column);
}

const valuesOf = (name) => expand(data.columns[name]);
const isMetric = (name) => data.metrics.some((one) => name === one.name || data.thirds.some((third) => name === `${one.name}_${third}`));
const described = () => data.metrics.find((one) => one.name === state.metric);

function inOrder(values) {
  const rank = (value) => (value === null || value === data.clean ? 0 : typeof value === "string" ? 2 : 1);
  return [...new Set(values)].sort((a, b) => rank(a) - rank(b) || (rank(a) === 1 ? a - b : 0));
}

// --- Texts and numbers ---

function text(value, name = "") {
  if (value === null || value === undefined) return isMetric(name) ? "-" : "none";
  if (typeof value !== "number") return String(value);
  return isMetric(name) ? value.toFixed(4) : String(Number.isInteger(value) ? value : Number(value.toPrecision(7)));
}

const label = (name, value) => (typeof value === "string" ? value : `${name}=${text(value)}`);
const count = (number, what) => `${number.toLocaleString("en")} ${what}${number === 1 ? "" : "s"}`;

function stats(values) {
  const known = values.filter((value) => typeof value === "number");
  const n = known.length;
  const mean = n ? known.reduce((sum, value) => sum + value, 0) / n : null;
  if (n < 2) return { n, mean, deviation: null, half: null, low: null, high: null };
  const squares = known.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const deviation = Math.sqrt(squares / (n - 1));
  const half = (quantile(n - 1) * deviation) / Math.sqrt(n);
  return { n, mean, deviation, half, low: mean - half, high: mean + half };
}

function quantile(freedom) {
  const { quantiles } = data;
  if (freedom < quantiles.length) return quantiles[freedom - 1];
  const z = quantiles.at(-1);
  return z + (z ** 3 + z) / (4 * freedom);
}

// --- Which runs, in which groups ---

function conditions(search) {
  return (search.match(/\S+/g) ?? []).map((word) => {
    const [, name, relation, wanted] = word.match(/^(.+?)(!=|<=|>=|=|<|>)(.*)$/) ?? [];
    if (!name || !(name in data.columns)) {
      const part = word.toLowerCase();
      return (run) => haystack(run).includes(part);
    }
    const values = valuesOf(name);
    const number = wanted === "" ? NaN : Number(wanted);
    const same = (value) => text(value) === wanted || (typeof value === "number" && value === number);
    const tests = {
      "=": same, "!=": (value) => !same(value),
      "<": (value) => value !== null && value < number, ">": (value) => value !== null && value > number,
      "<=": (value) => value !== null && value <= number, ">=": (value) => value !== null && value >= number,
    };
    return (run) => tests[relation](values[run]);
  });
}

const haystacks = [];
function haystack(run) {
  haystacks[run] ??= [...new Set([...INDEX, ...data.settings, ...data.varying])]
    .map((name) => text(valuesOf(name)[run])).join("\n").toLowerCase();
  return haystacks[run];
}

function grouped(runs, names) {
  const columns = names.map(valuesOf);
  const found = new Map();
  for (const run of runs) {
    const values = columns.map((column) => column[run]);
    const key = JSON.stringify(values);
    if (!found.has(key)) {
      const words = values.map((value, place) => label(names[place], value));
      found.set(key, { key, values, runs: [], label: words.join(" · ") || "all runs" });
    }
    found.get(key).runs.push(run);
  }
  const places = columns.map((column) => new Map(inOrder(column).map((value, place) => [value, place])));
  return [...found.values()].sort((a, b) => {
    for (const [i, place] of places.entries()) {
      const difference = place.get(a.values[i]) - place.get(b.values[i]);
      if (difference) return difference;
    }
    return 0;
  });
}

function choose() {
  const all = conditions(state.search);
  for (const [name, hidden] of state.hidden) {
    const values = valuesOf(name);
    if (hidden.size) all.push((run) => !hidden.has(values[run]));
  }
  state.shown = [...Array(data.runs).keys()].filter((run) => all.every((holds) => holds(run)));
  state.groups = grouped(state.shown, [...state.by]);
  const diverged = expand(data.diverged);
  const bad = state.shown.filter((run) => diverged[run]).length;
  $("count").textContent = `${state.shown.length.toLocaleString("en")} of ${count(data.runs, "run")} shown, ` +
    `in ${count(state.groups.length, "group")}${bad ? `; ${bad.toLocaleString("en")} diverged` : ""}.`;
  const differ = data.varying.filter((name) => !state.by.has(name) && state.groups.some(({ runs }) => {
    const values = valuesOf(name);
    return runs.some((run) => values[run] !== values[runs[0]]);
  }));
  $("mixed").hidden = !differ.length;
  $("mixed").textContent = `Means are over runs that differ in ${differ.join(", ")}, besides the seed.`;
}

// --- Pieces of the page ---

function element(tag, properties = {}, ...inside) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...inside);
  return made;
}

/** A list of checkboxes that opens; told by its summary how many are ticked. */
function checkList(holder, title, items, ticked, changed) {
  const summary = element("summary");
  const tell = () => (summary.textContent = `${title}: ${ticked.size} of ${items.length}`);
  const boxes = items.map(([value, shown]) => {
    const box = element("input", { type: "checkbox", checked: ticked.has(value) });
    box.addEventListener("change", () => {
      ticked[box.checked ? "add" : "delete"](value);
      tell();
      changed();
    });
    return element("label", {}, box, ` ${shown}`);
  });
  const fieldset = element("fieldset", {}, element("legend", { textContent: title }), ...boxes);
  const details = element("details", { className: "list" }, summary, fieldset);
  tell();
  holder.append(details);
}

/** Puts values into a select; the one that is then picked. */
function fill(select, values, chosen, shown = (value) => text(value)) {
  select.replaceChildren(...values.map((value, place) => element("option", { value: place, textContent: shown(value) })));
  select.selectedIndex = Math.max(values.indexOf(chosen), 0);
  select.disabled = values.length < 2;
  select.choices = values;
  return picked(select);
}

const picked = (select) => select.choices[select.selectedIndex];

function csv(name, header, rows) {
  const field = (value) => {
    if (value === null || value === undefined) return "";
    let written = String(value);
    // What a spreadsheet would take for a formula becomes text.
    if (typeof value === "string" && /^[=+\-@\t\r\n]/.test(written) && Number.isNaN(Number(written))) written = `'${written}`;
    return /[",\r\n]/.test(written) ? `"${written.replaceAll('"', '""')}"` : written;
  };
  const lines = [header, ...rows].map((row) => row.map(field).join(",") + "\n");
  const link = element("a", { href: URL.createObjectURL(new Blob(lines, { type: "text/csv" })), download: `${name}.csv` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

function cells(values, names = []) {
  return values.map((value, place) => element("td", {
    className: typeof value === "number" ? "number" : "",
    textContent: typeof value === "string" ? value : text(value, names[place] ?? ""),
    title: typeof value === "string" && value.length > 40 ? value : "",
  }));
}

// --- The table ---

/** Its columns, its rows as values, and of each row the run; in the order wanted. */
function tabulated() {
  const names = Object.keys(data.columns).filter((name) => state.columns.has(name));
  let header, rows;
  if (state.grouped) {
    const by = [...state.by];
    const metrics = names.filter(isMetric);
    const diverged = expand(data.diverged);
    header = [...by, "runs", "diverged", ...metrics.flatMap((name) => [name, `${name} ±`])];
    rows = state.groups.map(({ values, runs }) => {
      const means = metrics.map((name) => stats(runs.map((run) => valuesOf(name)[run])));
      const bad = runs.filter((run) => diverged[run]).length;
      return { run: null, values: [...values, runs.length, bad, ...means.flatMap(({ mean, half }) => [mean, half])] };
    });
  } else {
    header = names;
    const columns = names.map(valuesOf);
    rows = state.shown.map((run) => ({ run, values: columns.map((column) => column[run]) }));
  }
  const place = header.indexOf(state.sort);
  if (place >= 0) {
    const sign = state.down ? -1 : 1;
    const collator = new Intl.Collator("en", { numeric: true });
    rows.sort(({ values: { [place]: a } }, { values: { [place]: b } }) => {
      if (a === null || b === null) return (a === null) - (b === null); // those at the end
      if (typeof a === "number" && typeof b === "number") return sign * (a - b);
      return sign * collator.compare(String(a), String(b));
    });
  }
  return { header, rows };
}

function drawTable() {
  const { header, rows } = tabulated();
  state.from = Math.min(state.from, Math.max(0, rows.length - 1));
  state.from -= state.from % ROWS_AT_ONCE;
  const to = Math.min(state.from + ROWS_AT_ONCE, rows.length);
  const focused = document.activeElement?.dataset?.sorts;
  const numeric = new Set(header.filter((_, place) => rows.some(({ values }) => typeof values[place] === "number")));
  const heads = header.map((name) => {
    const button = element("button", { type: "button" }, name);
    button.dataset.sorts = name;
    const sorted = state.sort === name;
    if (sorted) button.append(element("span", { ariaHidden: "true", textContent: state.down ? " ▼" : " ▲" }));
    button.addEventListener("click", () => {
      state.down = sorted && !state.down;
      state.sort = name;
      state.from = 0;
      drawTable();
    });
    const head = element("th", { scope: "col", className: numeric.has(name) ? "number" : "" }, button);
    head.setAttribute("aria-sort", sorted ? (state.down ? "descending" : "ascending") : "none");
    return head;
  });
  if (!state.grouped) heads.unshift(element("th", { scope: "col", textContent: "settings" }));
  const plain = header.map((name) => name.replace(/ ±$/, ""));
  const diverged = expand(data.diverged);
  const lines = rows.slice(state.from, to).map(({ run, values }) => {
    const line = element("tr", {}, ...cells(values, plain));
    if (run !== null) {
      const button = element("button", { type: "button", textContent: "Show", ariaLabel: `Show run ${valuesOf("run")[run]}` });
      button.addEventListener("click", () => tellAll(run));
      line.prepend(element("td", {}, button));
      if (diverged[run]) Object.assign(line, { className: "diverged", title: "diverged" });
    }
    return line;
  });
  $("table").tHead.replaceChildren(element("tr", {}, ...heads));
  $("table").tBodies[0].replaceChildren(...lines);
  if (focused !== undefined) heads.map((head) => head.firstChild).find((one) => one.dataset?.sorts === focused)?.focus();
  $("place").textContent = rows.length ? `Rows ${state.from + 1} to ${to} of ${rows.length.toLocaleString("en")}` : "No rows";
  $("previous").disabled = state.from === 0;
  $("next").disabled = to >= rows.length;
}

function tellAll(run) {
  $("details-title").textContent = `Run ${valuesOf("run")[run]}`;
  $("command").textContent = `${expand(data.commands)[run]} --seeds=${valuesOf("seed")[run]} --store=runs/again`;
  $("copied").textContent = "";
  const pairs = Object.keys(data.columns).map((name) => [name, valuesOf(name)[run]]).filter(([, value]) => value !== null);
  $("values").replaceChildren(...pairs.flatMap(([name, value]) => [
    element("dt", { textContent: name }), element("dd", { textContent: text(value, name) }),
  ]));
  $("details").showModal();
}

// --- Charts ---

const palette = () => PALETTES[darkness.matches ? "dark" : "light"];
const styleOf = (place) => ({
  color: palette()[place % palette().length], dash: DASHES[Math.floor(place / palette().length) % DASHES.length],
});

function theme() {
  const style = getComputedStyle(document.documentElement);
  const color = (name) => style.getPropertyValue(`--${name}`).trim();
  const axis = {
    labelColor: color("text"), titleColor: color("text"), gridColor: color("line"), domainColor: color("soft"),
    tickColor: color("soft"), labelFontSize: 12, titleFontSize: 13, labelLimit: 260, titleFontWeight: "normal",
  };
  return {
    font: "system-ui, sans-serif", background: "transparent", axis, view: { stroke: color("line") },
    legend: { labelColor: color("text"), titleColor: color("text"), titleFontWeight: "normal" },
    text: { color: color("text") }, rule: { color: color("soft") }, tick: { color: color("soft") },
  };
}

/** Draws a chart into its section, or says why there is none, and keeps its numbers. */
async function show(name, { spec, told, header, rows, why, least = 0 }) {
  const section = $(name);
  const chart = section.querySelector(".chart");
  const empty = section.querySelector(".empty");
  empty.hidden = !why;
  empty.textContent = why ?? "";
  section.querySelectorAll(".wide, .numbers, .csv").forEach((one) => (one.hidden = Boolean(why) && !rows.length));
  section.numbers = { header, rows };
  listNumbers(section);
  const turn = (chart.turn = (chart.turn ?? 0) + 1);
  await chart.busy; // one after the other, and of those that wait the last
  if (turn !== chart.turn) return;
  chart.drawing?.finalize();
  chart.drawing = null;
  chart.replaceChildren();
  if (!spec) return;
  chart.ariaLabel = told;
  chart.style.minWidth = `${least}px`;
  const tooltip = { theme: darkness.matches ? "dark" : "light" };
  const whole = { width: "container", autosize: { type: "fit-x", contains: "padding" }, ...spec, config: theme() };
  if (spec.layer) whole.layer = spec.layer.filter((one) => one.data?.values.length !== 0); // of nothing Vega warns
  const options = { mode: "vega-lite", actions: false, renderer: "svg", ast: true, tooltip };
  chart.busy = vegaEmbed(chart, whole, options);
  chart.drawing = await chart.busy;
  // Its label and its numbers say what it shows; hundreds of marks would not.
  chart.querySelector("svg").setAttribute("aria-hidden", "true");
}

function listNumbers(section) {
  const details = section.querySelector(".numbers");
  if (!details.open) return;
  const { header, rows } = section.numbers;
  const heads = header.map((name) => element("th", { scope: "col", textContent: name }));
  const names = header.map((name) => (COUNTS.has(name) ? "" : state.metric));
  const lines = rows.map((row) => element("tr", {}, ...cells(row, names)));
  const caption = element("caption", { textContent: section.querySelector("h2").textContent });
  details.querySelector(".wide").replaceChildren(
    element("table", {}, caption, element("thead", {}, element("tr", {}, ...heads)), element("tbody", {}, ...lines)),
  );
}

const isOn = (group, place) => state.switched.get(group.key) ?? place < CURVES_AT_FIRST;
const styled = () => state.groups.map((group, place) => ({ ...group, ...styleOf(place), on: isOn(group, place) }));

function drawLegend() {
  const references = Object.keys(data.references).map((name) => (
    { key: name, label: name.replace("_", " "), on: state.switched.get(name) ?? true, color: "currentColor", dash: [2, 4] }));
  $("legend").replaceChildren(...[...styled(), ...references].map((group) => {
    const box = element("input", { type: "checkbox", checked: group.on });
    box.addEventListener("change", () => {
      state.switched.set(group.key, box.checked);
      drawCurves();
      drawThirds();
      drawHeatmap();
    });
    const line = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const stroke = { x1: 0, x2: 30, y1: 5, y2: 5, stroke: group.color, "stroke-width": 3, "stroke-dasharray": group.dash[1] ? group.dash.join(" ") : "none" };
    const path = document.createElementNS("http://www.w3.org/2000/svg", "line");
    for (const [name, value] of Object.entries(stroke)) path.setAttribute(name, value);
    for (const [name, value] of Object.entries({ width: 30, height: 10, "aria-hidden": "true" })) line.setAttribute(name, value);
    line.append(path);
    return element("label", {}, box, line, group.label);
  }));
}

const encodings = (groups) => ({
  color: { field: "group", type: "nominal", legend: null, scale: { domain: groups.map((g) => g.label), range: groups.map((g) => g.color) } },
});
const dashes = (groups) => ({
  strokeDash: { field: "group", type: "nominal", legend: null, scale: { domain: groups.map((g) => g.label), range: groups.map((g) => g.dash) } },
});
const TOOLTIP = [
  { field: "group", title: "group" }, { field: "mean", title: "mean", format: ".4f" },
  { field: "interval", title: "95 % interval" }, { field: "n", title: "runs" },
];
const interval = ({ low, high }) => (low === null ? "-" : `${low.toFixed(4)} to ${high.toFixed(4)}`);

function levels(runs, field) {
  return Object.entries(data.references).flatMap(([name, columns]) => {
    if (state.switched.get(name) === false) return [];
    const { mean } = stats(runs.map((run) => expand(columns[field])[run]));
    return mean === null ? [] : [{ name: name.replace("_", " "), level: mean }];
  });
}

function drawCurves() {
  const { name, heading } = described();
  const groups = styled().filter(({ on }) => on);
  const rounds = expand(data.rounds);
  const points = groups.flatMap((group) => {
    const at = new Map();
    for (const run of group.runs) {
      rounds[run].forEach((round, place) => {
        if (!at.has(round)) at.set(round, []);
        at.get(round).push(data.curves[name][run][place]);
      });
    }
    return [...at].sort(([a], [b]) => a - b).map(([round, values]) => ({ group: group.label, round, ...stats(values) }))
      .filter(({ mean }) => mean !== null).map((point) => ({ ...point, interval: interval(point) }));
  });
  const header = ["group", "round", "runs", `mean ${name}`, "low", "high"];
  const rows = points.map((p) => [p.group, p.round, p.n, p.mean, p.low, p.high]);
  if (!points.length) return show("curves", { header, rows, why: "No group is switched on." });
  const across = levels(state.shown, name);
  const x = { field: "round", type: "quantitative", title: "round", scale: { nice: false } };
  const y = { field: "mean", type: "quantitative", title: heading };
  const shared = encodings(groups);
  const hover = { name: "hover", select: { type: "point", on: "pointerover", nearest: true, clear: "pointerout", fields: ["group", "round"] } };
  // All that is in these is told: texts named one by one get lost for what is only nearest (Vega-Lite 6.4).
  const hovered = points.map((p) => (
    { group: p.group, round: p.round, mean: Number(p.mean.toFixed(4)), "95 % interval": p.interval, runs: p.n }));
  const spec = {
    height: 380,
    layer: [
      { data: { values: points.filter(({ low }) => low !== null) }, mark: { type: "area", opacity: 0.16 },
        encoding: { x, y: { field: "low", type: "quantitative", title: heading }, y2: { field: "high" }, ...shared } },
      { data: { values: points }, mark: { type: "line", strokeWidth: 2 }, encoding: { x, y, ...shared, ...dashes(groups) } },
      { data: { values: hovered }, params: [hover], mark: { type: "point", filled: true, size: 60, tooltip: { content: "data" } },
        encoding: { x, y, ...shared, opacity: { condition: { param: "hover", empty: false, value: 1 }, value: 0.25 } } },
      { data: { values: across }, mark: { type: "rule", strokeDash: [3, 3] }, encoding: { y: { field: "level", type: "quantitative" } } },
      { data: { values: across }, mark: { type: "text", align: "right", dx: -4, dy: -7 },
        encoding: { x: { value: "width" }, y: { field: "level", type: "quantitative" }, text: { field: "name" } } },
    ],
  };
  const told = `${heading} by round of ${count(groups.length, "group")}; the numbers stand below`;
  return show("curves", { spec, told, header, rows });
}

function drawHeatmap() {
  const { name, heading, higher } = described();
  const by = [...state.by];
  state.across = fill($("heatmap-columns"), by, state.across || "attack");
  const others = by.filter((one) => one !== state.across);
  const lines = grouped(state.shown, others);
  const header = [others.join(", ") || "runs", state.across ?? "", `mean ${name}`, "low", "high", "runs", "worst attack"];
  const found = lines.flatMap(({ label: row, runs }) => {
    const cell = (column, members, worst = "") => ({ row, column, worst, ...stats(members.map((run) => valuesOf(name)[run])) });
    const known = grouped(runs, state.across ? [state.across] : []).map((group) => ({ ...cell(text(group.values[0] ?? "all"), group.runs) }))
      .filter(({ mean }) => mean !== null);
    const attacked = known.filter(({ column }) => column !== data.clean);
    if (state.across === "attack" && attacked.length) {
      const worst = attacked.reduce((a, b) => ((higher ? b.mean < a.mean : b.mean > a.mean) ? b : a));
      known.push({ ...worst, column: "worst case", worst: `${worst.column} (of ${attacked.length})` });
    }
    return [...known, ...levels(runs, name).map(({ name: column, level }) => ({ row, column, worst: "", ...stats([level]), n: null }))];
  });
  const rows = found.map((c) => [c.row, c.column, c.mean, c.low, c.high, c.n, c.worst]);
  const beside = ["worst case", ...Object.keys(data.references).map((one) => one.replace("_", " "))];
  const own = inOrder(found.map(({ column }) => column).filter((column) => !beside.includes(column)));
  const columns = [...beside.filter((column) => found.some((cell) => cell.column === column)), ...own];
  if (!found.length) return show("heatmap", { header, rows, why: "No run that is shown has this metric." });
  if (lines.length > MOST_LINES || columns.length > MOST_LINES) {
    const why = `${lines.length} rows by ${columns.length} columns are too many to draw; filter, or group by less.`;
    return show("heatmap", { header, rows, why });
  }
  const means = found.filter(({ n }) => n).map(({ mean }) => mean); // references take no colour
  const [least, most] = [Math.min(...means), Math.max(...means)];
  const share = (mean) => (most > least ? (mean - least) / (most - least) : 0.5);
  const values = found.map((one) => ({
    ...one, interval: interval(one), shown: one.mean.toFixed(3), light: (higher ? share(one.mean) : 1 - share(one.mean)) > 0.55,
  }));
  const { text: ink } = theme();
  const axis = (orient) => ({ title: orient === "top" ? state.across ?? null : null, orient, domain: false, ticks: false, labelLimit: 220, ...(orient === "top" ? { labelAngle: -35, titleAnchor: "start" } : {}) });
  const spec = {
    height: 30 * lines.length, data: { values },
    encoding: {
      x: { field: "column", type: "nominal", sort: columns, axis: axis("top") },
      y: { field: "row", type: "nominal", sort: lines.map((line) => line.label), axis: axis("left") },
    },
    layer: [
      { mark: { type: "rect" }, encoding: {
        color: { condition: { test: "datum.n === null", value: "transparent" }, field: "mean", type: "quantitative", legend: null,
          scale: { scheme: "viridis", domain: most > least ? [least, most] : [least - 1, most + 1], reverse: !higher } },
        tooltip: [{ field: "row", title: others.join(", ") || "runs" }, { field: "column", title: state.across ?? "" },
          ...TOOLTIP.slice(1), { field: "worst", title: "worst attack" }] } },
      { mark: { type: "text", fontSize: 12 }, encoding: {
        text: { field: "shown" }, color: { condition: [{ test: "datum.n === null", value: ink.color }, { test: "datum.light", value: "#000000" }], value: "#ffffff" } } },
    ],
  };
  const told = `${heading} by ${others.join(", ") || "all runs"} and ${state.across}; the numbers stand below`;
  return show("heatmap", { spec, told, header, rows, least: 180 + 52 * columns.length });
}

function drawThirds() {
  const { name, heading, thirds } = described();
  const groups = styled().filter(({ on }) => on);
  const points = (thirds ? data.thirds : []).flatMap((third) => groups.map((group) => ({
    group: group.label, third, ...stats(group.runs.map((run) => valuesOf(`${name}_${third}`)[run])),
  }))).filter(({ mean }) => mean !== null).map((point) => ({ ...point, interval: interval(point) }));
  const header = ["group", "third", "runs", `mean ${name}`, "low", "high"];
  const rows = points.map((p) => [p.group, p.third, p.n, p.mean, p.low, p.high]);
  if (!points.length) return show("thirds", { header, rows, why: thirds ? "No group is switched on." : "This metric is not told by popularity." });
  const across = data.thirds.flatMap((third) => levels(state.shown, `${name}_${third}`).map((level) => ({ third, ...level })));
  const x = { field: "third", type: "nominal", sort: data.thirds, title: "popularity of the test item", axis: { labelAngle: 0 } };
  const offset = { field: "group", type: "nominal", sort: groups.map((g) => g.label) };
  const y = { field: "mean", type: "quantitative", title: heading };
  const spec = {
    height: 320,
    layer: [
      { data: { values: across }, mark: { type: "tick", thickness: 2, bandSize: { band: 1 } }, encoding: { x, y: { field: "level", type: "quantitative", title: heading },
        tooltip: [{ field: "name", title: "level" }, { field: "third" }, { field: "level", title: "mean", format: ".4f" }] } },
      { data: { values: across }, mark: { type: "text", dy: -7, fontSize: 11 }, encoding: { x, y: { field: "level", type: "quantitative" }, text: { field: "name" } } },
      { data: { values: points.filter(({ low }) => low !== null) }, mark: { type: "rule", strokeWidth: 2 },
        encoding: { x, xOffset: offset, y: { ...y, field: "low" }, y2: { field: "high" }, ...encodings(groups) } },
      { data: { values: points }, mark: { type: "point", filled: true, size: 70, opacity: 1 },
        encoding: { x, xOffset: offset, y, ...encodings(groups), tooltip: [TOOLTIP[0], { field: "third" }, ...TOOLTIP.slice(1)] } },
    ],
  };
  const told = `${heading} by third of popularity of ${count(groups.length, "group")}; the numbers stand below`;
  return show("thirds", { spec, told, header, rows });
}

function drawDifferences() {
  const { name, heading, higher } = described();
  const header = ["group", "pairs", "mean difference", "low", "high", `mean ${name}, first`, `mean ${name}, second`];
  const several = data.varying.filter((one) => new Set(state.shown.map((run) => valuesOf(one)[run])).size > 1);
  const wished = [state.setting, "aggregator", "attack"].find((one) => several.includes(one));
  state.setting = fill($("setting"), several, wished);
  const column = state.setting === undefined ? [] : valuesOf(state.setting);
  const choices = inOrder(state.shown.map((run) => column[run]));
  state.first = fill($("first"), choices, choices.includes(state.first) ? state.first : choices[0]);
  const fallback = choices.find((one) => one !== state.first);
  state.second = fill($("second"), choices, choices.includes(state.second) && state.second !== state.first ? state.second : fallback);
  if (choices.length < 2) return show("differences", { header, rows: [], why: "The runs that are shown differ in no setting." });
  const values = valuesOf(name);
  const alike = [...data.varying.filter((one) => one !== state.setting), "dataset_hash", "seed"];
  const points = grouped(state.shown, [...state.by].filter((one) => one !== state.setting)).flatMap((group) => {
    const known = group.runs.filter((run) => values[run] !== null);
    const firsts = new Map(grouped(known.filter((run) => column[run] === state.first), alike).map(({ key, runs }) => [key, runs[0]]));
    const pairs = grouped(known.filter((run) => column[run] === state.second), alike)
      .filter(({ key }) => firsts.has(key)).map(({ key, runs }) => [values[firsts.get(key)], values[runs[0]]]);
    const found = stats(pairs.map(([first, second]) => second - first));
    const mean = (place) => stats(pairs.map((pair) => pair[place])).mean;
    return pairs.length ? [{ group: group.label, ...found, interval: interval(found), first: mean(0), second: mean(1) }] : [];
  });
  const rows = points.map((p) => [p.group, p.n, p.mean, p.low, p.high, p.first, p.second]);
  if (points.length > MOST_LINES) {
    return show("differences", { header, rows, why: `${points.length} groups are too many to draw; filter, or group by less.` });
  }
  if (!points.length) return show("differences", { header, rows, why: "No two runs of these two have the same seed, data and other settings." });
  const y = { field: "group", type: "nominal", title: null, sort: points.map(({ group }) => group), axis: { labelLimit: Math.min(320, innerWidth * 0.4) } };
  const title = `difference of ${heading}: ${text(state.second)} − ${text(state.first)} (${higher ? "more" : "less"} is better)`;
  const x = { field: "mean", type: "quantitative", title: title.split(": ") };
  const { color } = styleOf(0);
  const spec = {
    height: 28 * points.length,
    layer: [
      { data: { values: [{ zero: 0 }] }, mark: { type: "rule", strokeDash: [3, 3] }, encoding: { x: { ...x, field: "zero" } } },
      { data: { values: points.filter(({ low }) => low !== null) }, mark: { type: "rule", strokeWidth: 2, color }, encoding: { x: { ...x, field: "low" }, x2: { field: "high" }, y } },
      { data: { values: points }, mark: { type: "point", filled: true, size: 70, opacity: 1, color }, encoding: { x, y,
        tooltip: [TOOLTIP[0], { field: "mean", title: "mean difference", format: "+.4f" }, TOOLTIP[2], { field: "n", title: "pairs" }] } },
    ],
  };
  const told = `${title}, of ${count(points.length, "group")}; the numbers stand below`;
  return show("differences", { spec, told, header, rows, least: 480 });
}

// --- Everything together ---

let settled = Promise.resolve();
function drawCharts() {
  drawLegend();
  settled = Promise.all([drawCurves(), drawHeatmap(), drawThirds(), drawDifferences()]);
}

function draw() {
  choose();
  drawTable();
  drawCharts();
}

function listFilters() {
  $("filters").replaceChildren();
  for (const name of data.varying) {
    const values = inOrder(valuesOf(name));
    const hidden = new Set();
    state.hidden.set(name, hidden);
    const ticked = new Set(values);
    if (values.length > 1 && values.length <= 200) {
      checkList($("filters"), name, values.map((value) => [value, text(value)]), ticked, () => {
        hidden.clear();
        values.filter((value) => !ticked.has(value)).forEach((value) => hidden.add(value));
        state.from = 0;
        draw();
      });
    }
  }
}

function start() {
  const varying = data.varying.length ? [...data.varying].sort((a, b) => (a === "attack") - (b === "attack")) : ["attack"];
  const many = grouped([...Array(data.runs).keys()], varying).length > GROUPS_AT_FIRST;
  const fewer = varying.filter((name) => FIRST_GROUPINGS.includes(name));
  state.by = new Set(many && fewer.length ? fewer : varying);
  state.metric = (data.metrics.find(({ name }) => name === "hr@10") ?? data.metrics[0]).name;
  state.columns = new Set([...varying, "seed", ...data.metrics.slice(0, 6).map(({ name }) => name)]);
  const names = data.metrics.map(({ name }) => name);
  fill($("metric"), names, state.metric, (name) => data.metrics.find((one) => one.name === name).heading);
  const groupings = [...new Set([...varying, ...data.settings])].filter((name) => name in data.columns);
  checkList($("by"), "Group by", groupings.map((name) => [name, name]), state.by, draw);
  checkList($("columns"), "Columns", Object.keys(data.columns).map((name) => [name, name]), state.columns, drawTable);
  listFilters();

  const on = (id, kind, act) => $(id).addEventListener(kind, act);
  let waiting;
  on("search", "input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      state.search = $("search").value;
      state.from = 0;
      draw();
    }, 150);
  });
  on("metric", "change", (event) => {
    state.metric = picked(event.target);
    drawCharts();
  });
  on("reset", "click", () => {
    $("search").value = state.search = "";
    state.from = 0;
    listFilters();
    draw();
  });
  for (const radio of document.getElementsByName("rows")) {
    radio.addEventListener("change", () => {
      Object.assign(state, { grouped: radio.value === "groups", sort: null, from: 0 });
      drawTable();
    });
  }
  const turn = (by) => () => {
    state.from += by;
    drawTable();
  };
  on("previous", "click", turn(-ROWS_AT_ONCE));
  on("next", "click", turn(ROWS_AT_ONCE));
  on("runs-csv", "click", () => {
    const { header, rows } = tabulated();
    csv("runs", header, rows.map(({ values }) => values));
  });
  const switchAll = (whether) => () => {
    state.groups.forEach(({ key }) => state.switched.set(key, whether));
    drawLegend();
    drawCurves();
    drawThirds();
  };
  on("all-on", "click", switchAll(true));
  on("all-off", "click", switchAll(false));
  on("heatmap-columns", "change", (event) => {
    state.across = picked(event.target);
    drawHeatmap();
  });
  for (const id of ["setting", "first", "second"]) {
    on(id, "change", (event) => {
      state[id] = picked(event.target);
      drawDifferences();
    });
  }
  for (const section of document.querySelectorAll("section[id]")) {
    section.querySelector(".numbers").addEventListener("toggle", () => listNumbers(section));
    section.querySelector(".csv").addEventListener("click", () => csv(section.id, section.numbers.header, section.numbers.rows));
  }
  on("close", "click", () => $("details").close());
  on("copy", "click", async () => {
    const range = document.createRange();
    range.selectNodeContents($("command"));
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    const copied = await navigator.clipboard?.writeText($("command").textContent).then(() => true, () => false);
    $("copied").textContent = copied ? "Copied." : "Selected; copy it with the keyboard.";
  });
  darkness.addEventListener("change", drawCharts);
}

unpack($("data").textContent).then(async (read) => {
  data = read;
  start();
  draw();
  await settled;
  document.documentElement.dataset.ready = "true";
});
