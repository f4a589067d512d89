"""The page in a browser: it says what the records say, and nothing else gets in or out.

What its script computes is held against what ``jaxfr results`` computes in Python.
"""

import csv
import io
import math
import re
import statistics

import pytest

from jaxfr.explorer import contents_of, render
from jaxfr.records.names import part_title
from jaxfr.records.palette import NEUTRAL, PALETTE, looks
from jaxfr.records.summary import summarize, worst_case
from tests.explorer.browser import AXE, Opened, opened_browser
from tests.explorer.samples import HIT_RATIOS, HOSTILE, sample_records

RECORDS = sample_records()


@pytest.fixture(scope="module")
def browser():
    with opened_browser() as found:
        yield found


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    page = tmp_path_factory.mktemp("explorer") / "report.html"
    page.write_text(
        render(contents_of(RECORDS, f"runs/{HOSTILE}", {"running": 1, "left": 0})),
        "utf-8",
    )
    return page


@pytest.fixture
def opened(browser, path):
    found = Opened(browser, path)
    yield found
    assert found.complaints == []
    found.page.context.close()


def test_the_page_names_its_store_and_how_many_runs_are_in_work(opened):
    assert opened.page.inner_text("h1") == f"Runs of runs/{HOSTILE}"
    assert "18 runs finished, 1 running." in opened.page.inner_text("header")
    assert opened.page.inner_text("#count") == "18 of 18 runs shown, in 6 groups."


def test_names_from_a_store_stay_text(opened):
    assert opened.column("attack").count(HOSTILE) == 6
    assert {row[1] for row in opened.numbers("heatmap")} > {HOSTILE}
    assert opened.page.locator("img").count() == 0
    assert opened.page.locator("script").count() == 3
    drawn = opened.page.locator("#heatmap svg text").all_text_contents()
    assert any(text.startswith("=1+1</script>") for text in drawn)


def test_a_heading_sorts_upwards_and_then_downwards(opened):
    expected = sorted(record["hr@10"] for record in RECORDS)
    for direction, values in (
        ("ascending", expected),
        ("descending", expected[::-1]),
    ):
        opened.page.click("th button:text-is('hr@10'), th button:has-text('hr@10 ')")
        assert opened.column("hr@10") == [f"{value:.4f}" for value in values]
        sorts = "heads => heads.map(head => head.ariaSort).filter(it => it !== 'none')"
        assert opened.page.eval_on_selector_all("th[aria-sort]", sorts) == [direction]
    focused = opened.page.evaluate("document.activeElement.textContent")
    assert focused.startswith("hr@10")


@pytest.mark.parametrize(
    ("words", "left"),
    [
        ("attack=none", 6),
        ("attack!=none seed=2", 4),
        ("hr@10>=0.5", 3),
        ("median onerror", 3),
        ("constructor=1", 0),
        ("nothing-like-this", 0),
    ],
)
def test_a_search_leaves_the_runs_that_fulfil_all_of_it(opened, words, left):
    opened.search(words)
    assert len(opened.table()) == 1 + left
    assert opened.page.inner_text("#count").startswith(f"{left} of 18 runs shown")


def test_values_of_a_setting_can_be_left_out_and_brought_back(opened):
    opened.page.click("#filters summary:has-text('aggregator')")
    opened.page.uncheck("#filters label:has-text('median') input")
    assert opened.column("aggregator") == ["mean"] * 9
    opened.page.click("#reset")
    assert len(opened.column("aggregator")) == 18


def test_groups_have_the_means_and_intervals_of_results(opened):
    opened.page.check("input[value=groups]")
    cells = summarize(RECORDS, ["aggregator", "attack"], "hr@10")
    assert [row[:3] for row in opened.table()[1:]] == [
        [*cell.group, str(cell.runs)] for cell in cells
    ]
    assert opened.column("hr@10") == [f"{cell.mean:.4f}" for cell in cells]
    assert opened.column("hr@10 ±") == [f"{cell.half_width:.4f}" for cell in cells]


def test_runs_are_grouped_by_what_is_ticked(opened):
    opened.page.click("#by summary")
    opened.page.uncheck("#by label:has-text('attack'):not(:has-text('_')) input")
    assert "in 2 groups" in opened.page.inner_text("#count")
    assert "differ in attack" in opened.page.inner_text("#mixed")


def test_a_heatmap_has_the_worst_case_of_results_and_chance(opened):
    groupings = ["aggregator", "attack"]
    cases = worst_case(summarize(RECORDS, groupings, "hr@10"), groupings)
    rows = opened.numbers("heatmap")
    found = [row for row in rows if row[1] == "worst case"]
    assert [(row[0], row[2], row[6]) for row in found] == [
        (
            part_title(str(case.group[0])),
            f"{case.cell.mean:.4f}",
            f"{part_title(str(case.attack))} (of 2)",
        )
        for case in cases
    ]
    assert [row[2] for row in rows if row[1] == "chance"] == ["0.1250", "0.1250"]


def test_along_the_ratio_a_line_begins_at_the_clean_runs(browser, tmp_path):
    records = [
        {**record, "run": f"{ratio}{record['run']}", "malicious_ratio": ratio}
        | ({"hr@10": record["hr@10"] / 2} if ratio > 0.1 and attacked else {})
        for record in RECORDS
        for attacked in [record["attack"] != "none"]
        for ratio in ((0.1, 0.2) if attacked else (0.1,))
    ]
    page = tmp_path / "report.html"
    page.write_text(render(contents_of(records, "runs")), "utf-8")
    opened = Opened(browser, page)
    lines: dict[str, list[tuple[str, str]]] = {}
    for group, ratio, runs, mean, *_ in opened.numbers("along"):
        lines.setdefault(group, []).append((ratio, mean))
        assert runs == "3"
    clean, attacked = (0.5 + 0.05 / 3, 0.125 + 0.05 / 3)
    assert lines["Mean · Spattack-O-D"] == [
        *(("0", f"{clean:.4f}"), ("0.1", f"{attacked:.4f}")),
        ("0.2", f"{attacked / 2:.4f}"),
    ]
    assert list(lines) == [
        f"{rule} · {attack}"
        for rule in ("Mean", "Median")
        for attack in ("Spattack-O-D", HOSTILE)
    ]
    assert opened.complaints == []
    opened.page.context.close()


def test_along_what_does_not_differ_there_is_nothing(opened):
    assert opened.page.inner_text("#along .empty") == (
        "The runs that are shown differ in no setting of numbers."
    )


def test_charts_say_the_titles_of_pictures_and_the_table_what_conditions_say(opened):
    assert opened.texts("#legend label") == [
        f"{rule} · {attack}"
        for rule in ("Mean", "Median")
        for attack in ("Clean", "Spattack-O-D", HOSTILE)
    ] + ["chance", "most popular"]
    # First what was run, then what is derived from it, then what nobody ran.
    columns = ["Clean", "Spattack-O-D", HOSTILE, "worst case", "chance", "most popular"]
    assert opened.labels("heatmap") == [
        *(name[:12] for name in columns),
        "Mean",
        "Median",
    ]
    assert opened.page.inner_text("#difference") == (
        "HR@10: Median − Mean (more is better)"
    )
    assert opened.labels("differences")[-3:] == [name[:12] for name in columns[:3]]
    assert set(opened.column("attack")) == {"none", "spattack_o_d", HOSTILE}
    assert opened.texts("#filters label") == [
        *(" none", " spattack_o_d", f" {HOSTILE}"),
        *(" mean", " median"),
    ]


def test_differences_are_of_runs_with_the_same_seed(opened):
    attacks = dict.fromkeys(record["attack"] for record in RECORDS)
    rows = opened.numbers("differences")
    assert [row[0] for row in rows] == [part_title(attack) for attack in attacks]
    for attack, (_, n, mean, low, high, *_) in zip(attacks, rows, strict=True):
        pairs = [
            [r["hr@10"] for r in RECORDS if (r["aggregator"], r["attack"]) == which]
            for which in (("mean", attack), ("median", attack))
        ]
        each = [second - first for first, second in zip(*pairs, strict=True)]
        half = 4.302653 * statistics.stdev(each) / math.sqrt(3)
        expected = [statistics.fmean(each) + sign * half for sign in (0, -1, 1)]
        assert [n, mean, low, high] == ["3", *(f"{one:.4f}" for one in expected)]


def test_a_heatmap_has_half_of_each_interval_below_its_mean(opened):
    cells = summarize(RECORDS, ["aggregator", "attack"], "hr@10")
    drawn = opened.texts("#heatmap svg .mark-text text")
    for cell in cells:
        assert f"{cell.mean:.3f}" in drawn
        assert f"± {cell.half_width:.3f}" in drawn


def test_groups_have_the_colours_of_pictures_and_are_told_apart_without(opened):
    def looks_of_lines(attribute: str) -> list[str]:
        lines = f"lines => lines.map(one => one.getAttribute('{attribute}'))"
        return opened.page.eval_on_selector_all("#legend line", lines)[:-2]

    assert looks_of_lines("stroke") == list(PALETTE[:6])
    assert len(set(looks_of_lines("stroke-dasharray"))) == 6
    opened.search("aggregator=median")
    attacks = looks(record["attack"] for record in RECORDS)
    assert looks_of_lines("stroke") == [look.color for look in attacks.values()]
    assert NEUTRAL in looks_of_lines("stroke")
    opened.search("attack=none")
    rules = looks(("mean", "median"))
    assert looks_of_lines("stroke") == [look.color for look in rules.values()]


def test_axes_end_where_a_metric_does(browser, tmp_path):
    records = [
        record | {"hr@10": value, "hr@10_head": value, "curve": curve}
        for at, record in enumerate(RECORDS)
        for value in (float(at % 2),)
        for curve in ([point | {"hr@10": value} for point in record["curve"]],)
    ]
    page = tmp_path / "report.html"
    page.write_text(render(contents_of(records, "runs/wide")), "utf-8")
    found = Opened(browser, page)
    assert min(float(row[4]) for row in found.numbers("thirds") if row[4] != "-") < 0
    for chart, least in (("curves", 0), ("thirds", 0), ("differences", -1)):
        labels = found.texts(f"#{chart} svg .role-axis-label text")
        drawn = [text.replace("−", "-") for text in labels]
        heights = [
            float(text) for text in drawn if re.fullmatch(r"-?[0-9]\.[0-9]+", text)
        ]
        assert (min(heights), max(heights)) == (least, 1)
    assert found.complaints == []
    found.page.context.close()


def test_switches_of_the_legend_take_curves_away(opened):
    assert len(opened.numbers("curves")) == 2 * len(HIT_RATIOS)
    opened.page.uncheck("#legend label:has-text('Median · Clean') input")
    opened.wait_until(lambda: len(opened.numbers("curves")) == 10)
    assert all(row[0] != "Median · Clean" for row in opened.numbers("thirds"))


def test_more_groups_than_can_be_told_apart_are_not_drawn(browser, tmp_path):
    records = [
        record | {"run": f"{at:016x}-aaaa0000", "malicious_ratio": at / 1000}
        for at, record in enumerate(RECORDS * 4)
    ]
    page = tmp_path / "report.html"
    page.write_text(render(contents_of(records, "runs/many")), "utf-8")
    found = Opened(browser, page)
    found.page.click("#all-on")
    for chart in ("curves", "thirds"):
        told = found.page.locator(f"#{chart} .empty").inner_text
        found.wait_until(lambda told=told: "too many" in told())
    assert len(found.numbers("curves")) == 2 * len(records)
    assert found.complaints == []
    found.page.context.close()


def test_thirds_are_told_where_the_metric_has_them(opened):
    head = [row for row in opened.numbers("thirds") if row[1] == "head"]
    cells = summarize(RECORDS, ["aggregator", "attack"], "hr@10_head")
    assert [row[3] for row in head] == [f"{cell.mean:.4f}" for cell in cells]


def test_a_run_tells_its_settings_and_its_command(opened):
    opened.page.click("#table tbody tr:nth-child(2) button")
    assert opened.page.is_visible("dialog[open]")
    assert opened.page.inner_text("#command") == (
        "jaxfr sweep --dataset=ml-100k --expected_byzantine=30 --seeds=1 "
        "--store=runs/again"
    )
    assert "code_version" in opened.page.inner_text("#values")
    opened.page.keyboard.press("Escape")
    assert not opened.page.is_visible("dialog")


def test_what_is_seen_is_saved_as_csv(opened):
    opened.search("aggregator=median")
    rows = list(csv.DictReader(io.StringIO(opened.saved("#runs-csv"), newline="")))
    wanted = [record for record in RECORDS if record["aggregator"] == "median"]
    # No spreadsheet takes it for a formula.
    as_text = {HOSTILE: f"'{HOSTILE}"}
    names = [as_text.get(one["attack"], one["attack"]) for one in wanted]
    assert [row["attack"] for row in rows] == names
    assert [float(row["hr@10"]) for row in rows] == [one["hr@10"] for one in wanted]
    chart = list(csv.reader(io.StringIO(opened.saved("#heatmap .csv"), newline="")))
    assert len(chart) == 1 + len(opened.numbers("heatmap"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1400])
def test_axe_finds_nothing_serious_and_the_page_has_room(browser, path, scheme, width):
    size = {"width": width, "height": 900}
    # The content's own policy would not let axe in.
    found = Opened(browser, path, viewport=size, color_scheme=scheme, bypass_csp=True)
    found.page.evaluate("document.querySelectorAll('details').forEach(d => d.open = 1)")
    found.page.evaluate(AXE.read_text("utf-8"))
    for _ in range(2):
        violations = found.page.evaluate("axe.run()")["violations"]
        serious = [v for v in violations if v["impact"] in ("serious", "critical")]
        assert [(one["id"], one["nodes"][0]["html"]) for one in serious] == []
        found.page.evaluate("document.querySelector('#table tbody button').click()")
    assert found.page.evaluate("document.documentElement.scrollWidth") == width
    assert found.complaints == []
    found.page.context.close()


def test_a_page_of_the_table_is_as_high_as_its_rows(opened):
    assert opened.page.inner_text("#place") == "Rows 1 to 18 of 18"
    hidden = "box => box.scrollHeight - box.clientHeight"
    assert opened.page.eval_on_selector(".edges > :has(#table)", hidden) == 0


def test_what_has_no_room_is_behind_a_shaded_edge(browser, path):
    found = Opened(browser, path, viewport={"width": 400, "height": 900})
    shaded = found.page.locator("#heatmap > .edges").get_attribute
    assert shaded("data-more") == "right"
    to_the_end = "box => box.scrollLeft = box.scrollWidth"
    found.page.locator("#heatmap .wide:has(.chart)").evaluate(to_the_end)
    found.wait_until(lambda: shaded("data-more") == "left")
    for chart in ("curves", "thirds", "differences"):
        assert found.page.get_attribute(f"#{chart} > .edges", "data-more") == ""
    assert found.complaints == []
    found.page.context.close()


def test_a_curve_tells_the_point_that_is_nearest_to_the_pointer(opened):
    opened.page.locator("#curves svg").hover(position={"x": 1100, "y": 20})
    opened.wait_until(lambda: opened.page.is_visible("#vg-tooltip-element"))
    told = opened.page.inner_text("#vg-tooltip-element").split()
    mean = statistics.fmean(r["hr@10"] for r in RECORDS[:3])
    for text in ("Mean · Clean", "round 10", f"mean {mean:.4f}", "runs 3"):
        assert text in " ".join(told)


def test_what_a_heatmap_tells_of_a_cell_is_text(opened):
    for cell in opened.page.locator("#heatmap .mark-rect path").all():
        cell.hover(force=True)
        opened.wait_until(lambda: opened.page.is_visible("#vg-tooltip-element"))
        if "</script>" in opened.page.inner_text("#vg-tooltip-element"):
            break
    else:
        raise AssertionError("no cell tells the name")
    told = opened.page.inner_text("#vg-tooltip-element").split()
    assert "half of the interval ±" in " ".join(told)
    assert opened.page.locator("img").count() == 0


def test_charts_follow_when_the_screen_turns_dark(opened):
    def letters() -> set[str | None]:
        all_of_it = opened.page.locator("#curves svg text").all()
        return {one.get_attribute("fill") for one in all_of_it}

    assert letters() == {"#1d2125"}
    opened.page.emulate_media(color_scheme="dark")
    opened.wait_until(lambda: letters() == {"#e4e8ec"})
