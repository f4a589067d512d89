/* Groups over the rounds, and by popularity of the test item. */

function drawCurves() {
  const { name, heading } = described();
  const groups = styled().filter(({ on }) => on);
  const rounds = expand(data.rounds);
  const points = groups.flatMap((group) => {
    const at = new Map();
    for (const run of group.runs) {
      rounds[run].forEach((round, place) => {
        if (!at.has(round)) at.set(round, new Map());
        at.get(round).set(run, data.curves[name][run][place]);
      });
    }
    return [...at]
      .sort(([a], [b]) => a - b)
      .map(([round, values]) => ({
        group: group.label,
        round,
        ...statsOf([...values.keys()], (run) => values.get(run)),
      }))
      .filter(({ mean }) => mean !== null)
      .map((point) => ({ ...point, interval: interval(point) }));
  });
  const header = ["group", "round", "runs", `mean ${name}`, "low", "high"];
  const rows = points.map((p) => [p.group, p.round, p.n, p.mean, p.low, p.high]);
  const why = points.length ? tooMany(groups.length) : "No group is switched on.";
  if (why) return show("curves", { header, rows, why });
  const across = levelsOfEach(state.shown, name);
  const x = {
    field: "round",
    type: "quantitative",
    title: "round",
    scale: { nice: false },
    axis: { tickMinStep: 1, tickCount: 10 },
  };
  const y = { field: "mean", type: "quantitative", title: heading };
  const shared = encodings(groups);
  const hover = {
    name: "hover",
    select: {
      type: "point",
      on: "pointerover",
      nearest: true,
      clear: "pointerout",
      fields: ["group", "round"],
    },
  };
  // All that is in these is told: texts named one by one get lost for what is only nearest (Vega-Lite 6.4).
  const hovered = points.map((p) => ({
    group: p.group,
    round: p.round,
    mean: Number(p.mean.toFixed(4)),
    "95 % interval": p.interval,
    runs: p.n,
  }));
  const spec = {
    height: 380,
    layer: [
      {
        data: { values: bars(points) },
        mark: { type: "area", opacity: Math.min(0.16, 0.6 / groups.length) },
        encoding: {
          x,
          y: { field: "low", type: "quantitative", title: heading },
          y2: { field: "high" },
          ...shared,
        },
      },
      {
        data: { values: points },
        mark: { type: "line", strokeWidth: 2 },
        encoding: { x, y, ...shared, ...dashes(groups) },
      },
      {
        data: { values: hovered },
        params: [hover],
        mark: { type: "point", filled: true, size: 60, tooltip: { content: "data" } },
        encoding: {
          x,
          y,
          ...shared,
          opacity: { condition: { param: "hover", empty: false, value: 1 }, value: 0.25 },
        },
      },
      ...acrossLayers(across, heading),
    ],
  };
  const told = `${heading} by round of ${count(groups.length, "group")}; the numbers stand below`;
  return show("curves", { spec, told, header, rows });
}

function drawThirds() {
  const { name, heading, thirds } = described();
  const groups = styled().filter(({ on }) => on);
  const points = (thirds ? data.thirds : [])
    .flatMap((third) =>
      groups.map((group) => ({
        group: group.label,
        third,
        ...statsOf(group.runs, (run) => valuesOf(`${name}_${third}`)[run]),
      })),
    )
    .filter(({ mean }) => mean !== null)
    .map((point) => ({ ...point, interval: interval(point) }));
  const header = ["group", "third", "runs", `mean ${name}`, "low", "high"];
  const rows = points.map((p) => [p.group, p.third, p.n, p.mean, p.low, p.high]);
  const none = thirds ? "No group is switched on." : "This metric is not told by popularity.";
  const why = points.length ? tooMany(groups.length) : none;
  if (why) return show("thirds", { header, rows, why });
  const across = data.thirds.flatMap((third) =>
    levelsOfEach(state.shown, `${name}_${third}`).map((level) => ({ third, ...level })),
  );
  const x = {
    field: "third",
    type: "nominal",
    sort: data.thirds,
    title: "popularity of the test item",
    axis: { labelAngle: 0 },
    scale: { paddingInner: 0.3, paddingOuter: 0.15 },
  };
  const offset = { field: "group", type: "nominal", sort: groups.map((g) => g.label) };
  const y = { field: "mean", type: "quantitative", title: heading };
  const spec = {
    height: 320,
    layer: [
      {
        data: { values: across },
        mark: { type: "tick", thickness: 2, bandSize: { band: 1 } },
        encoding: {
          x,
          y: { field: "level", type: "quantitative", title: heading },
          tooltip: [
            { field: "name", title: "level" },
            { field: "third" },
            { field: "level", title: "mean", format: ".4f" },
          ],
        },
      },
      {
        data: { values: innerWidth < 500 ? [] : across },
        // Behind the level's end, where it covers no point.
        mark: { type: "text", align: "left", baseline: "bottom", dx: 4, fontSize: 11, lineBreak: " " },
        encoding: {
          x: { ...x, bandPosition: 1 },
          y: { field: "level", type: "quantitative" },
          text: { field: "name" },
        },
      },
      {
        data: { values: bars(points) },
        mark: { type: "rule", strokeWidth: 2 },
        encoding: {
          x,
          xOffset: offset,
          y: { ...y, field: "low" },
          y2: { field: "high" },
          ...encodings(groups),
        },
      },
      {
        data: { values: points },
        mark: { type: "point", filled: true, size: 70, opacity: 1 },
        encoding: {
          x,
          xOffset: offset,
          y,
          ...encodings(groups),
          tooltip: [TOOLTIP[0], { field: "third" }, ...TOOLTIP.slice(1)],
        },
      },
    ],
  };
  const told = `${heading} by third of popularity of ${count(groups.length, "group")}; the numbers stand below`;
  return show("thirds", { spec, told, header, rows });
}
