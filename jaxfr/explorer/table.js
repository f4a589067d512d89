/* Pieces of the page, and the table made of them. */

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
  select.replaceChildren(
    ...values.map((value, place) => element("option", { value: place, textContent: shown(value) })),
  );
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
    if (
      typeof value === "string" &&
      /^[=+\-@\t\r\n]/.test(written) &&
      Number.isNaN(Number(written))
    )
      written = `'${written}`;
    return /[",\r\n]/.test(written) ? `"${written.replaceAll('"', '""')}"` : written;
  };
  const lines = [header, ...rows].map((row) => row.map(field).join(",") + "\n");
  const link = element("a", {
    href: URL.createObjectURL(new Blob(lines, { type: "text/csv" })),
    download: `${name}.csv`,
  });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

function cells(values, names = []) {
  return values.map((value, place) =>
    element("td", {
      className: typeof value === "number" ? "number" : "",
      textContent: typeof value === "string" ? value : text(value, names[place] ?? ""),
      title: typeof value === "string" && value.length > 40 ? value : "",
    }),
  );
}

/** Says on what holds a box behind which of its edges there is more to scroll to. */
function tellEdges(box) {
  const tell = () => {
    const more = {
      left: box.scrollLeft,
      right: box.scrollWidth - box.clientWidth - box.scrollLeft,
      above: box.scrollTop,
      below: box.scrollHeight - box.clientHeight - box.scrollTop,
    };
    const edges = Object.keys(more).filter((edge) => more[edge] > 1);
    box.parentElement.dataset.more = edges.join(" ");
  };
  box.addEventListener("scroll", tell, { passive: true });
  new ResizeObserver(tell).observe(box);
  new MutationObserver(tell).observe(box, { childList: true, subtree: true });
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
      const means = metrics.map((name) => statsOf(runs, (run) => valuesOf(name)[run]));
      const bad = runs.filter((run) => diverged[run]).length;
      return {
        run: null,
        values: [...values, runs.length, bad, ...means.flatMap(({ mean, half }) => [mean, half])],
      };
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
  const numeric = new Set(
    header.filter((_, place) => rows.some(({ values }) => typeof values[place] === "number")),
  );
  const heads = header.map((name) => {
    const button = element("button", { type: "button" }, name);
    button.dataset.sorts = name;
    const sorted = state.sort === name;
    if (sorted)
      button.append(element("span", { ariaHidden: "true", textContent: state.down ? " ▼" : " ▲" }));
    button.addEventListener("click", () => {
      state.down = sorted && !state.down;
      state.sort = name;
      state.from = 0;
      drawTable();
    });
    const head = element(
      "th",
      { scope: "col", className: numeric.has(name) ? "number" : "" },
      button,
    );
    head.setAttribute("aria-sort", sorted ? (state.down ? "descending" : "ascending") : "none");
    return head;
  });
  if (!state.grouped) heads.unshift(element("th", { scope: "col", textContent: "settings" }));
  const plain = header.map((name) => name.replace(/ ±$/, ""));
  const diverged = expand(data.diverged);
  const lines = rows.slice(state.from, to).map(({ run, values }) => {
    const line = element("tr", {}, ...cells(values, plain));
    if (run !== null) {
      const button = element("button", {
        type: "button",
        textContent: "Show",
        ariaLabel: `Show run ${valuesOf("run")[run]}`,
      });
      button.addEventListener("click", () => tellAll(run));
      line.prepend(element("td", {}, button));
      if (diverged[run]) Object.assign(line, { className: "diverged", title: "diverged" });
    }
    return line;
  });
  $("table").tHead.replaceChildren(element("tr", {}, ...heads));
  $("table").tBodies[0].replaceChildren(...lines);
  if (focused !== undefined)
    heads
      .map((head) => head.firstChild)
      .find((one) => one.dataset?.sorts === focused)
      ?.focus();
  $("place").textContent = rows.length
    ? `Rows ${state.from + 1} to ${to} of ${rows.length.toLocaleString("en")}`
    : "No rows";
  $("previous").disabled = state.from === 0;
  $("next").disabled = to >= rows.length;
}

function tellAll(run) {
  $("details-title").textContent = `Run ${valuesOf("run")[run]}`;
  $("command").textContent =
    `${expand(data.commands)[run]} --seeds=${valuesOf("seed")[run]} --store=runs/again`;
  $("copied").textContent = "";
  const pairs = Object.keys(data.columns)
    .map((name) => [name, valuesOf(name)[run]])
    .filter(([, value]) => value !== null);
  $("values").replaceChildren(
    ...pairs.flatMap(([name, value]) => [
      element("dt", { textContent: name }),
      element("dd", { textContent: text(value, name) }),
    ]),
  );
  $("details").showModal();
}
