/* What all charts share: how they look, the legend, and the numbers below each. */

const isOn = (group, place) => state.switched.get(group.key) ?? place < CURVES_AT_FIRST;

/** The groups as they are drawn: in the colours of pictures where one rule, or one attack,
    differs from another, else by their places. */
function styled(groups = state.groups, names = [...state.by]) {
  const differing = names.filter(
    (_, at) => new Set(groups.map(({ values }) => values[at])).size > 1,
  );
  const [name] = differing.length === 1 ? differing : [];
  return groups.map((group, place) => {
    const own = ofValue(data.colors, name, group.values[names.indexOf(name)]);
    const color = own ?? data.palette[place % data.palette.length];
    return {
      ...group,
      color: color === data.neutral && darkness.matches ? "currentColor" : color,
      dash: DASHES[place % DASHES.length],
      on: isOn(group, place),
    };
  });
}

function theme() {
  const style = getComputedStyle(document.documentElement);
  const color = (name) => style.getPropertyValue(`--${name}`).trim();
  const axis = {
    labelColor: color("text"),
    titleColor: color("text"),
    gridColor: color("line"),
    domainColor: color("soft"),
    tickColor: color("soft"),
    labelFontSize: 12,
    titleFontSize: 13,
    labelLimit: 260,
    titleFontWeight: "normal",
  };
  return {
    font: "system-ui, sans-serif",
    background: "transparent",
    axis,
    view: { stroke: color("line") },
    legend: { labelColor: color("text"), titleColor: color("text"), titleFontWeight: "normal" },
    text: { color: color("text") },
    rule: { color: color("soft") },
    tick: { color: color("soft") },
  };
}

/** Draws a chart into its section, or says why there is none, and keeps its numbers. */
async function show(name, { spec, told, header, rows, why, least = 0 }) {
  const section = $(name);
  const chart = section.querySelector(".chart");
  const empty = section.querySelector(".empty");
  empty.hidden = !why;
  empty.textContent = why ?? "";
  section
    .querySelectorAll(".wide, .numbers, .csv")
    .forEach((one) => (one.hidden = Boolean(why) && !rows.length));
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
  const whole = {
    width: "container",
    autosize: { type: "fit-x", contains: "padding" },
    ...spec,
    config: theme(),
  };
  // Of a layer of nothing Vega warns.
  if (spec.layer) whole.layer = spec.layer.filter((one) => one.data?.values.length !== 0);
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
  const isMean = (name) => !COUNTS.has(name) && !data.settings.includes(name);
  const names = header.map((name) => (isMean(name) ? state.metric : ""));
  const lines = rows.map((row) => element("tr", {}, ...cells(row, names)));
  const caption = element("caption", { textContent: section.querySelector("h2").textContent });
  details
    .querySelector(".wide")
    .replaceChildren(
      element(
        "table",
        {},
        caption,
        element("thead", {}, element("tr", {}, ...heads)),
        element("tbody", {}, ...lines),
      ),
    );
}

function drawLegend() {
  const references = Object.keys(data.references).map((name) => ({
    key: name,
    label: name.replace("_", " "),
    on: state.switched.get(name) ?? true,
    color: "currentColor",
    dash: [3, 3],
  }));
  $("legend").replaceChildren(
    ...[...styled(), ...references].map((group) => {
      const box = element("input", { type: "checkbox", checked: group.on });
      box.addEventListener("change", () => {
        state.switched.set(group.key, box.checked);
        drawCurves();
        drawThirds();
        drawHeatmap();
      });
      const line = document.createElementNS("http://www.w3.org/2000/svg", "svg");
      const stroke = {
        x1: 0,
        x2: 30,
        y1: 5,
        y2: 5,
        stroke: group.color,
        "stroke-width": 3,
        "stroke-dasharray": group.dash[1] ? group.dash.join(" ") : "none",
      };
      const path = document.createElementNS("http://www.w3.org/2000/svg", "line");
      for (const [name, value] of Object.entries(stroke)) path.setAttribute(name, value);
      for (const [name, value] of Object.entries({ width: 30, height: 10, "aria-hidden": "true" }))
        line.setAttribute(name, value);
      line.append(path);
      return element("label", {}, box, line, group.label);
    }),
  );
}

const encodings = (groups, legend = null) => ({
  color: {
    field: "group",
    type: "nominal",
    legend,
    scale: { domain: groups.map((g) => g.label), range: groups.map((g) => g.color) },
  },
});
const dashes = (groups, legend = null) => ({
  strokeDash: {
    field: "group",
    type: "nominal",
    legend,
    scale: { domain: groups.map((g) => g.label), range: groups.map((g) => g.dash) },
  },
});
const TOOLTIP = [
  { field: "group", title: "group" },
  { field: "mean", title: "mean", format: ".4f" },
  { field: "interval", title: "95 % interval" },
  { field: "n", title: "runs" },
];
const interval = ({ low, high }) =>
  low === null ? "-" : `${low.toFixed(4)} to ${high.toFixed(4)}`;

/** Of the intervals that there are what can be true: no share is below 0 or above 1. */
const bars = (points, least = 0) =>
  points
    .filter(({ low }) => low !== null)
    .map((point) =>
      described().share
        ? { ...point, low: Math.max(point.low, least), high: Math.min(point.high, 1) }
        : point,
    );

/** Why so many groups are not drawn; nothing of fewer. */
const tooMany = (number) =>
  number > MOST_LINES
    ? `${number} groups are too many to draw; filter, group by less, or switch some off.`
    : undefined;

/** What a random order and the most popular items come to, where all runs know it. */
function levels(runs, field) {
  return Object.entries(data.references).flatMap(([name, columns]) => {
    if (state.switched.get(name) === false) return [];
    const { n, mean } = stats(runs.map((run) => expand(columns[field])[run]));
    return n && n === runs.length ? [{ name: name.replace("_", " "), level: mean }] : [];
  });
}

/** Draws levels across a chart, their names above them at the right. */
const acrossLayers = (across, heading) => {
  const y = { field: "level", type: "quantitative", title: heading };
  return [
    { data: { values: across }, mark: { type: "rule", strokeDash: [3, 3] }, encoding: { y } },
    {
      data: { values: across },
      mark: { type: "text", align: "right", dx: -4, dy: -7 },
      encoding: { x: { value: "width" }, y, text: { field: "name" } },
    },
  ];
};

/** The same for each data set, by whose name it is told where there are several. */
function levelsOfEach(runs, field) {
  const sets = grouped(runs, ["dataset"]);
  const named = (one, set) =>
    sets.length > 1 ? { ...one, name: `${one.name}, ${set.label}` } : one;
  return sets.flatMap((set) => levels(set.runs, field).map((one) => named(one, set)));
}
