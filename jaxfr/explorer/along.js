/* Groups along a setting of numbers, such as the malicious ratio. */

const RATIO = "malicious_ratio";
const WIDE = 20; // of positive values, how many times the first the last is on a log axis
const LEGEND_ENTRY = 230; // pixels
const DODGE = 0.006; // of the axis, between lines that would cover each other

/** The settings that differ among the runs that are shown, and are numbers in all. */
function settingsOfNumbers() {
  const isNumber = (column) => state.shown.every((run) => typeof column[run] === "number");
  return settingsThatDiffer().filter((name) => isNumber(valuesOf(name)));
}

/** Groups by all but the setting; along the ratio, clean runs begin each attack's line. */
function groupsAlong(setting) {
  const by = [...state.by].filter((name) => name !== setting);
  const groups = grouped(state.shown, by);
  const place = by.indexOf("attack");
  const isClean = ({ values }) => values[place] === data.clean;
  const attacked = groups.filter((group) => !isClean(group));
  if (setting !== RATIO || place < 0 || !attacked.length) return styled(groups, by);
  const others = ({ values }) => JSON.stringify(values.toSpliced(place, 1));
  const clean = new Map(groups.filter(isClean).map((group) => [others(group), group.runs]));
  const whole = attacked.map((group) => ({
    ...group,
    runs: [...(clean.get(others(group)) ?? []), ...group.runs],
  }));
  return styled(whole, by);
}

function drawAlong() {
  const { name, heading } = described();
  const settings = settingsOfNumbers();
  const wished = [state.along, RATIO].find((one) => settings.includes(one));
  const setting = (state.along = fill($("along-setting"), settings, wished));
  const header = ["group", setting ?? "", "runs", `mean ${name}`, "low", "high"];
  if (!settings.length) {
    const why = "The runs that are shown differ in no setting of numbers.";
    return show("along", { header, rows: [], why });
  }
  const attacks = valuesOf("attack");
  const isNone = (run) => setting === RATIO && attacks[run] === data.clean;
  const groups = groupsAlong(setting);
  const points = groups.flatMap((group) =>
    [...Map.groupBy(group.runs, (run) => (isNone(run) ? 0 : valuesOf(setting)[run]))]
      .sort(([a], [b]) => a - b)
      .map(([at, runs]) => ({
        group: group.label,
        at,
        ...statsOf(runs, (run) => valuesOf(name)[run]),
      }))
      .filter(({ mean }) => mean !== null)
      .map((point) => ({ ...point, interval: interval(point) })),
  );
  const rows = points.map((p) => [p.group, p.at, p.n, p.mean, p.low, p.high]);
  const why = points.length ? tooMany(groups.length) : "No run that is shown has this metric.";
  if (why) return show("along", { header, rows, why });
  const places = inOrder(points.map(({ at }) => at));
  const [least, most] = [places[0], places.at(-1)];
  const isLog = least > 0 && most >= WIDE * least;
  const order = new Map(groups.map((group, place) => [group.label, place]));
  const beside = ({ at, group }) => {
    const share = DODGE * (order.get(group) - (groups.length - 1) / 2);
    return isLog ? at * (most / least) ** share : at + (most - least) * share;
  };
  const drawn = points.map((point) => ({ ...point, x: beside(point) }));
  const x = {
    field: "x",
    type: "quantitative",
    title: setting,
    scale: { type: isLog ? "log" : "linear", zero: false, nice: false, padding: 12 },
    axis: places.length <= 12 ? { values: places } : {},
  };
  const y = { field: "mean", type: "quantitative", title: heading };
  const legend = {
    orient: "bottom",
    title: null,
    columns: Math.max(1, Math.floor($("along").clientWidth / LEGEND_ENTRY)),
    labelLimit: LEGEND_ENTRY - 40,
    symbolType: "stroke",
    symbolSize: 900,
    labelFontSize: 12,
  };
  const shared = { x, ...encodings(groups, legend) };
  const across = levelsOfEach(state.shown, name);
  const spec = {
    height: 340,
    layer: [
      {
        data: { values: drawn },
        mark: { type: "line", strokeWidth: 2 },
        encoding: { ...shared, y, ...dashes(groups, legend) },
      },
      {
        data: { values: bars(drawn) },
        mark: { type: "rule", strokeWidth: 2 },
        encoding: { ...shared, y: { ...y, field: "low" }, y2: { field: "high" } },
      },
      {
        data: { values: drawn },
        mark: { type: "point", filled: true, size: 70, opacity: 1 },
        encoding: {
          ...shared,
          y,
          tooltip: [TOOLTIP[0], { field: "at", title: setting }, ...TOOLTIP.slice(1)],
        },
      },
      ...acrossLayers(across, heading),
    ],
  };
  const told = `${heading} along ${setting} of ${count(groups.length, "group")}; the numbers stand below`;
  return show("along", { spec, told, header, rows });
}
