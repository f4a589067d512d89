/* Which runs there are, which are shown, in which groups, and what these come to. */

const $ = (id) => document.getElementById(id);
const ROWS_AT_ONCE = 25;
const CURVES_AT_FIRST = 12;
const GROUPS_AT_FIRST = 200;
const FIRST_GROUPINGS = ["dataset", "aggregator", "attack"]; // where all would make more groups
const MOST_LINES = 60; // of a chart, down and across
const COUNTS = new Set(["round", "runs", "pairs"]); // beside means
const INDEX = ["run", "seed"];
// With ten colours they make 70 looks, of which no picture draws so many.
const DASHES = [
  [1, 0],
  [8, 4],
  [9, 3, 2, 3],
  [2, 2],
  [18, 5],
  [2, 7],
  [14, 3, 2, 3, 2, 3],
];

let data;
const expanded = new Map();
const state = {
  search: "",
  hidden: new Map(),
  by: new Set(),
  columns: new Set(),
  metric: "",
  grouped: false,
  sort: null,
  down: false,
  from: 0,
  switched: new Map(),
  across: "attack",
  along: "",
  setting: "",
  first: "",
  second: "",
  shown: [],
  groups: [],
};
const darkness = matchMedia("(prefers-color-scheme: dark)");

// --- Reading ---

async function unpack(text) {
  const letters = atob(text);
  const bytes = new Uint8Array(letters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = letters.charCodeAt(i); // from() takes longer
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
const isMetric = (name) =>
  data.metrics.some(
    (one) => name === one.name || data.thirds.some((third) => name === `${one.name}_${third}`),
  );
const described = () => data.metrics.find((one) => one.name === state.metric);

function inOrder(values) {
  const rank = (value) =>
    value === null || value === data.clean ? 0 : typeof value === "string" ? 2 : 1;
  return [...new Set(values)].sort((a, b) => rank(a) - rank(b) || (rank(a) === 1 ? a - b : 0));
}

// --- Texts and numbers ---

function text(value, name = "") {
  if (value === null || value === undefined) return isMetric(name) ? "-" : "none";
  if (typeof value !== "number") return String(value);
  return isMetric(name)
    ? value.toFixed(4)
    : String(Number.isInteger(value) ? value : Number(value.toPrecision(7)));
}

/** What Python tells of some values of some settings. */
const ofValue = (table, name, value) =>
  typeof value === "string" && Object.hasOwn(table, name) && Object.hasOwn(table[name], value)
    ? table[name][value]
    : undefined;

/** What pictures for papers call a value; tables of runs and conditions say it as it is. */
const title = (name, value) => ofValue(data.titles, name, value) ?? text(value);
const label = (name, value) =>
  typeof value === "string" ? title(name, value) : `${name}=${text(value)}`;
const count = (number, what) => `${number.toLocaleString("en")} ${what}${number === 1 ? "" : "s"}`;

/** Of runs: first the mean of each seed's, as intervals are of means over seeds. */
function statsOf(runs, valueOf) {
  const seeds = valuesOf("seed");
  const known = runs
    .map((run) => ({ seed: seeds[run], value: valueOf(run) }))
    .filter(({ value }) => typeof value === "number");
  const bySeed = Map.groupBy(known, ({ seed }) => seed);
  const means = [...bySeed.values()].map((alike) => stats(alike.map(({ value }) => value)).mean);
  return { ...stats(means), n: known.length };
}

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
    if (!name || !Object.hasOwn(data.columns, name)) {
      const part = word.toLowerCase();
      return (run) => haystack(run).includes(part);
    }
    const values = valuesOf(name);
    const number = wanted === "" ? NaN : Number(wanted);
    const same = (value) =>
      text(value) === wanted || (typeof value === "number" && value === number);
    const tests = {
      "=": same,
      "!=": (value) => !same(value),
      "<": (value) => value !== null && value < number,
      ">": (value) => value !== null && value > number,
      "<=": (value) => value !== null && value <= number,
      ">=": (value) => value !== null && value >= number,
    };
    return (run) => tests[relation](values[run]);
  });
}

const haystacks = [];
function haystack(run) {
  haystacks[run] ??= [...new Set([...INDEX, ...data.settings, ...data.varying])]
    .map((name) => text(valuesOf(name)[run]))
    .join("\n")
    .toLowerCase();
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
  const places = columns.map(
    (column) => new Map(inOrder(column).map((value, place) => [value, place])),
  );
  return [...found.values()].sort((a, b) => {
    for (const [i, place] of places.entries()) {
      const difference = place.get(a.values[i]) - place.get(b.values[i]);
      if (difference) return difference;
    }
    return 0;
  });
}

/** The settings of which the runs that are shown have several values. */
function settingsThatDiffer() {
  return data.varying.filter((name) => {
    const column = valuesOf(name);
    return new Set(state.shown.map((run) => column[run])).size > 1;
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
  $("count").textContent =
    `${state.shown.length.toLocaleString("en")} of ${count(data.runs, "run")} shown, ` +
    `in ${count(state.groups.length, "group")}${bad ? `; ${bad.toLocaleString("en")} diverged` : ""}.`;
  const differ = data.varying.filter(
    (name) =>
      !state.by.has(name) &&
      state.groups.some(({ runs }) => {
        const values = valuesOf(name);
        return runs.some((run) => values[run] !== values[runs[0]]);
      }),
  );
  $("mixed").hidden = !differ.length;
  $("mixed").textContent =
    `Means are over runs that differ in ${differ.join(", ")}, besides the seed.`;
}
