"""The study of Figure 3: its grid, findings and tables."""

import pytest

from experiments.studies import figure3
from jaxfr.errors import InvalidInputError
from jaxfr.records import WIDTHS
from tests.experiments.studies.invented import (
    Told,
    bases,
    cell,
    finding,
    present,
    record,
    table,
    wanted_by,
)

STUDY = figure3.study()
QUICK = figure3.study(("norm", "median"))


def falling(settings: Told) -> dict:
    """HR@10 of 0.4, and 0.05 less for every percent of malicious clients, to 0.02."""
    return record(max(0.4 - 5 * settings.malicious_ratio, 0.02))


def test_the_papers_points_are_run():
    wanted = wanted_by(STUDY, bases("ml-100k"))
    # A clean run for each rule, 12 points for mean, median and norm, 6 for the others.
    assert len(set(wanted)) == len(wanted) == 5 + 3 * 12 + 2 * 6
    clean = [settings for settings in wanted if settings.attack == "none"]
    assert {settings.malicious_ratio for settings in clean} == {0.0}
    for attack, ratios in (
        ("spattack_o_d", {0.01, 0.03, 0.05}),
        ("spattack_l_d", {0.05, 0.10, 0.15}),
    ):
        found = {s.malicious_ratio for s in wanted if s.attack == attack}
        assert found == ratios


def test_trimmed_mean_and_krum_are_not_run_against_some_items_only():
    wanted = wanted_by(STUDY, bases("ml-100k"))
    for rule in ("trimmed_mean", "krum"):
        attacks = {s.attack for s in wanted if s.aggregator == rule}
        assert attacks == {"none", "spattack_o_d", "spattack_l_d"}
    shown = table(present(STUDY, bases("ml-100k"), falling), "ML-100K: HR@10")
    assert cell(shown, "Krum", "Spattack-O-S", "1 %") == "does not apply"
    assert cell(shown, "Krum", "Spattack-O-D", "1 %") == "0.350"
    found = finding(present(STUDY, bases("ml-100k"), falling), "cannot be applied")
    assert found.holds is None


def test_some_of_the_defenses_may_be_chosen():
    assert {s.aggregator for s in wanted_by(QUICK, bases("steam"))} == {
        "median",
        "norm",
    }
    shown = table(present(QUICK, bases("steam"), falling), "Steam: HR@10")
    assert shown.header == ("attack", "malicious", "Median", "Norm")


def test_some_of_the_attacks_may_be_chosen(tmp_path):
    study = figure3.study(("mean", "median"), ("spattack_l_d", "spattack_o_d"))
    assert {s.attack for s in wanted_by(study, bases("steam"))} == {
        *("none", "spattack_l_d", "spattack_o_d")
    }
    section = present(study, bases("steam"), falling)
    shown = table(section, "Steam: HR@10")
    assert [row[0] for row in shown.rows] == [
        *("Clean", *["Spattack-O-D"] * 3, *["Spattack-L-D"] * 3)
    ]
    assert finding(section, "under Spattack-L-D").holds
    assert not [f for f in section.findings if "under Spattack-L-S" in f.statement]
    section.pictures[0].draw(tmp_path / "figure3.png", WIDTHS["column"])


@pytest.mark.parametrize("defenses", [(), ("mean", "none")])
def test_other_defenses_are_refused(defenses):
    with pytest.raises(InvalidInputError, match="trimmed_mean"):
        figure3.study(defenses)


def test_five_percent_degrade_every_defense_or_the_finding_does_not_hold():
    def run(norm: float):
        def of_settings(settings: Told) -> dict:
            if settings.attack == "none":
                return record(0.4)
            return record(norm if settings.aggregator == "norm" else 0.05)

        return of_settings

    for norm, holds in ((0.2, True), (0.21, False)):
        found = finding(present(STUDY, bases("ml-100k"), run(norm)), "dramatically")
        assert found.holds is holds
        assert f"Norm 0.400 to {norm:.3f}" in found.evidence


@pytest.mark.parametrize(
    ("median", "mean", "holds"),
    [(0.08, 0.1, True), (0.11, 0.12, False), (0.08, 0.07, False)],
)
def test_the_median_must_end_below_the_mean_and_below_chance(median, mean, holds):
    def run(settings: Told) -> dict:
        return record(median if settings.aggregator == "median" else mean)

    found = finding(present(STUDY, bases("ml-100k"), run), "breaks the median")
    assert found.holds is holds


def test_without_the_mean_nobody_can_tell_which_is_worse():
    section = present(QUICK, bases("ml-100k"), falling)
    assert finding(section, "breaks the median").holds is None


def test_a_step_up_in_the_malicious_ratio_is_told():
    section = present(STUDY, bases("ml-100k"), falling)
    assert finding(section, "under Spattack-L-D").holds
    assert finding(section, "under Spattack-L-S").holds

    def rising(settings: Told) -> dict:
        if settings.aggregator == "median" and settings.attack == "spattack_l_d":
            return record(0.1 + settings.malicious_ratio)
        return falling(settings)

    section = present(STUDY, bases("ml-100k"), rising)
    found = finding(section, "under Spattack-L-D")
    assert found.holds is False
    assert "Median 0.400, 0.150, 0.200, 0.250 (no)" in found.evidence
    assert finding(section, "under Spattack-L-S").holds


def test_a_step_up_below_chance_is_none():
    def broken(settings: Told) -> dict:
        if settings.malicious_ratio == 0.10:
            return record(0.03)
        return record(0.09 if settings.malicious_ratio == 0.15 else 0.4)

    section = present(STUDY, bases("ml-100k"), broken)
    assert finding(section, "under Spattack-L-D").holds


def test_checked_values_stand_beside_the_simulation_where_it_has_them():
    section = present(STUDY, bases("ml-100k"), falling)
    shown = table(section, "beside an earlier simulation")
    assert len(shown.rows) == 6
    row = ("ML-100K", "Median", "Spattack-O-D", "5 %")
    assert cell(shown, "earlier", *row) == "0.09"
    assert cell(shown, "simulation", *row) == "0.150"
    assert cell(shown, "difference", *row) == "+0.060"
    other = present(STUDY, bases("ml-1m"), falling)
    assert not [t for t in other.tables if "beside an earlier simulation" in t.caption]


def test_the_picture_is_drawn(tmp_path):
    section = present(QUICK, bases("ml-100k", "steam", seeds=2), falling)
    section.pictures[0].draw(tmp_path / section.pictures[0].name, WIDTHS["column"])
    assert (tmp_path / "figure3.png").read_bytes().startswith(b"\x89PNG")
