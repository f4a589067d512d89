/* Attacks against defenses, and the differences of paired runs. */

function drawHeatmap() {
  const { name, heading, higher } = described();
  const by = [...state.by];
  const across = fill($("heatmap-columns"), by, state.across);
  const others = by.filter((one) => one !== across);
  const lines = grouped(state.shown, others);
  const own = across ? [across] : [];
  $("heatmap-title").textContent = across
    ? `Heatmap: ${across} by ${others.join(", ") || "all runs"}`
    : "Heatmap";
  const called = ({ values }) => (across ? title(across, values[0]) : "all");
  const header = [
    others.join(", ") || "runs",
    across ?? "",
    `mean ${name}`,
    "low",
    "high",
    "runs",
    "worst attack",
  ];
  const found = lines.flatMap(({ label: row, runs }) => {
    const known = grouped(runs, own)
      .map((group) => ({
        row,
        column: called(group),
        clean: group.values[0] === data.clean,
        worst: "",
        ...statsOf(group.runs, (run) => valuesOf(name)[run]),
      }))
      .filter(({ mean }) => mean !== null);
    const attacked = known.filter(({ clean }) => !clean);
    if (across === "attack" && attacked.length) {
      const worst = attacked.reduce((a, b) =>
        (higher ? b.mean < a.mean : b.mean > a.mean) ? b : a,
      );
      known.push({
        ...worst,
        column: "worst case",
        worst: `${worst.column} (of ${attacked.length})`,
      });
    }
    return [
      ...known,
      ...levels(runs, name).map(({ name: column, level }) => ({
        row,
        column,
        worst: "",
        ...stats([level]),
        n: null,
      })),
    ];
  });
  const rows = found.map((c) => [c.row, c.column, c.mean, c.low, c.high, c.n, c.worst]);
  const columns = [
    ...grouped(state.shown, own).map(called),
    "worst case",
    ...Object.keys(data.references).map((one) => one.replace("_", " ")),
  ].filter((column) => found.some((cell) => cell.column === column));
  if (!found.length)
    return show("heatmap", { header, rows, why: "No run that is shown has this metric." });
  if (lines.length > MOST_LINES || columns.length > MOST_LINES) {
    const why = `${lines.length} rows by ${columns.length} columns are too many to draw; filter, or group by less.`;
    return show("heatmap", { header, rows, why });
  }
  const means = found.filter(({ n }) => n).map(({ mean }) => mean); // references take no colour
  const most = Math.max(0, ...means) || 1; // from 0, as in heatmaps for papers
  const values = found.map((one) => ({
    ...one,
    interval: interval(one),
    shown: one.mean.toFixed(3),
    spread: one.half === null ? "" : `± ${one.half.toFixed(3)}`,
    light: (higher ? one.mean : most - one.mean) > 0.45 * most,
  }));
  const spread = values.filter(({ half }) => half !== null);
  const { text: ink } = theme();
  const words = (values, field, dy, fontSize) => ({
    data: { values },
    mark: { type: "text", dy, fontSize },
    encoding: {
      text: { field },
      color: {
        condition: [
          { test: "datum.n === null", value: ink.color },
          { test: "datum.light", value: "#000000" },
        ],
        value: "#ffffff",
      },
    },
  });
  const axis = (orient) => ({
    title: orient === "top" ? (across ?? null) : null,
    orient,
    domain: false,
    ticks: false,
    labelLimit: 220,
    ...(orient === "top" ? { labelAngle: -35, titleAnchor: "start" } : {}),
  });
  const spec = {
    height: (spread.length ? 38 : 30) * lines.length,
    data: { values },
    encoding: {
      x: { field: "column", type: "nominal", sort: columns, axis: axis("top") },
      y: {
        field: "row",
        type: "nominal",
        sort: lines.map((line) => line.label),
        axis: axis("left"),
      },
      tooltip: [
        { field: "row", title: others.join(", ") || "group" },
        { field: "column", title: across ?? "" },
        TOOLTIP[1],
        { field: "spread", title: "half of the interval" },
        ...TOOLTIP.slice(2),
        { field: "worst", title: "worst attack" },
      ],
    },
    layer: [
      {
        mark: { type: "rect" },
        encoding: {
          color: {
            condition: { test: "datum.n === null", value: "transparent" },
            field: "mean",
            type: "quantitative",
            legend: null,
            scale: {
              scheme: "viridis",
              domain: [0, most],
              reverse: !higher,
            },
          },
        },
      },
      words(
        values.filter(({ half }) => half === null),
        "shown",
        0,
        12,
      ),
      words(spread, "shown", -7, 12),
      words(spread, "spread", 8, 11),
    ],
  };
  const told = `${heading} by ${others.join(", ") || "all runs"} and ${across}; the numbers stand below`;
  return show("heatmap", { spec, told, header, rows, least: 180 + 60 * columns.length });
}

function drawDifferences() {
  const { name, heading, higher } = described();
  const header = [
    "group",
    "pairs",
    "mean difference",
    "low",
    "high",
    `mean ${name}, first`,
    `mean ${name}, second`,
  ];
  const several = settingsThatDiffer();
  const wished = [state.setting, "aggregator", "attack"].find((one) => several.includes(one));
  state.setting = fill($("setting"), several, wished);
  const column = state.setting === undefined ? [] : valuesOf(state.setting);
  const choices = inOrder(state.shown.map((run) => column[run]));
  const shown = (value) => title(state.setting, value);
  state.first = fill(
    $("first"),
    choices,
    choices.includes(state.first) ? state.first : choices[0],
    shown,
  );
  const fallback = choices.find((one) => one !== state.first);
  state.second = fill(
    $("second"),
    choices,
    choices.includes(state.second) && state.second !== state.first ? state.second : fallback,
    shown,
  );
  $("difference").hidden = choices.length < 2;
  if (choices.length < 2)
    return show("differences", {
      header,
      rows: [],
      why: "The runs that are shown differ in no setting.",
    });
  const values = valuesOf(name);
  const alike = [...data.varying.filter((one) => one !== state.setting), "dataset_hash", "seed"];
  const points = grouped(
    state.shown,
    [...state.by].filter((one) => one !== state.setting),
  ).flatMap((group) => {
    const known = group.runs.filter((run) => values[run] !== null);
    const firsts = new Map(
      grouped(
        known.filter((run) => column[run] === state.first),
        alike,
      ).map(({ key, runs }) => [key, runs[0]]),
    );
    const pairs = grouped(
      known.filter((run) => column[run] === state.second),
      alike,
    )
      .filter(({ key }) => firsts.has(key))
      .map(({ key, runs }) => [values[firsts.get(key)], values[runs[0]]]);
    const found = stats(pairs.map(([first, second]) => second - first));
    const mean = (place) => stats(pairs.map((pair) => pair[place])).mean;
    return pairs.length
      ? [
          {
            group: group.label,
            ...found,
            interval: interval(found),
            first: mean(0),
            second: mean(1),
          },
        ]
      : [];
  });
  const rows = points.map((p) => [p.group, p.n, p.mean, p.low, p.high, p.first, p.second]);
  const none = "No two runs of these two have the same seed, data and other settings.";
  const why = points.length ? tooMany(points.length) : none;
  $("difference").hidden = Boolean(why);
  if (why) return show("differences", { header, rows, why });
  const y = {
    field: "group",
    type: "nominal",
    title: null,
    sort: points.map(({ group }) => group),
    axis: { labelLimit: Math.min(320, innerWidth * 0.4) },
  };
  // In lines of its own, as an axis would cut it.
  const difference = `${heading}: ${shown(state.second)} − ${shown(state.first)}${higher ? " (more is better)" : ""}`;
  $("difference").textContent = difference;
  const x = { field: "mean", type: "quantitative", title: null, axis: { tickCount: 8 } };
  const [color] = data.palette;
  const spec = {
    height: 28 * points.length,
    layer: [
      {
        data: { values: [{ zero: 0 }] },
        mark: { type: "rule", strokeDash: [3, 3] },
        encoding: { x: { ...x, field: "zero" } },
      },
      {
        data: { values: bars(points, -1) },
        mark: { type: "rule", strokeWidth: 2, color },
        encoding: { x: { ...x, field: "low" }, x2: { field: "high" }, y },
      },
      {
        data: { values: points },
        mark: { type: "point", filled: true, size: 70, opacity: 1, color },
        encoding: {
          x,
          y,
          tooltip: [
            TOOLTIP[0],
            { field: "mean", title: "mean difference", format: "+.4f" },
            TOOLTIP[2],
            { field: "n", title: "pairs" },
          ],
        },
      },
    ],
  };
  const told = `${difference}, of ${count(points.length, "group")}; the numbers stand below`;
  return show("differences", { spec, told, header, rows, least: 320 });
}
