/* Everything together. Every text from the store gets in by textContent, or is drawn by Vega as
   the text of an SVG: nothing here reads HTML. */

let settled = Promise.resolve();
function drawCharts() {
  drawLegend();
  settled = Promise.all([drawCurves(), drawAlong(), drawHeatmap(), drawThirds(), drawDifferences()]);
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
      checkList(
        $("filters"),
        name,
        values.map((value) => [value, text(value)]),
        ticked,
        () => {
          hidden.clear();
          values.filter((value) => !ticked.has(value)).forEach((value) => hidden.add(value));
          state.from = 0;
          draw();
        },
      );
    }
  }
}

function start() {
  const varying = data.varying.length
    ? [...data.varying].sort((a, b) => (a === "attack") - (b === "attack"))
    : ["attack"];
  const many = grouped([...Array(data.runs).keys()], varying).length > GROUPS_AT_FIRST;
  const fewer = varying.filter((name) => FIRST_GROUPINGS.includes(name));
  state.by = new Set(many && fewer.length ? fewer : varying);
  state.metric = (data.metrics.find(({ name }) => name === "hr@10") ?? data.metrics[0]).name;
  state.columns = new Set([
    ...varying,
    "seed",
    ...data.metrics.slice(0, 6).map(({ name }) => name),
  ]);
  const names = data.metrics.map(({ name }) => name);
  fill(
    $("metric"),
    names,
    state.metric,
    (name) => data.metrics.find((one) => one.name === name).heading,
  );
  const groupings = [...new Set([...varying, ...data.settings])];
  checkList(
    $("by"),
    "Group by",
    groupings.map((name) => [name, name]),
    state.by,
    draw,
  );
  checkList(
    $("columns"),
    "Columns",
    Object.keys(data.columns).map((name) => [name, name]),
    state.columns,
    drawTable,
  );
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
    csv(
      "runs",
      header,
      rows.map(({ values }) => values),
    );
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
  on("along-setting", "change", (event) => {
    state.along = picked(event.target);
    drawAlong();
  });
  for (const id of ["setting", "first", "second"]) {
    on(id, "change", (event) => {
      state[id] = picked(event.target);
      drawDifferences();
    });
  }
  document.querySelectorAll(".edges > *").forEach(tellEdges);
  for (const section of document.querySelectorAll("section[id]")) {
    section.querySelector(".numbers").addEventListener("toggle", () => listNumbers(section));
    section
      .querySelector(".csv")
      .addEventListener("click", () =>
        csv(section.id, section.numbers.header, section.numbers.rows),
      );
  }
  on("close", "click", () => $("details").close());
  on("copy", "click", async () => {
    const range = document.createRange();
    range.selectNodeContents($("command"));
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    const copied = await navigator.clipboard?.writeText($("command").textContent).then(
      () => true,
      () => false,
    );
    $("copied").textContent = copied ? "Copied." : "Selected; copy it with the keyboard.";
  });
  darkness.addEventListener("change", drawCharts);
}

unpack($("data").textContent)
  .then(async (read) => {
    data = read;
    start();
    draw();
    await settled;
    document.documentElement.dataset.ready = "true";
  })
  .catch((error) => {
    $("count").textContent = `This browser cannot show the page: ${error.message}`;
    throw error;
  });
