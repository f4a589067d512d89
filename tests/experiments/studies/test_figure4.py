"""The study of Figure 4: its grid, findings and tables."""

import pytest

from experiments.studies import figure4
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

STUDY = figure4.study()


def run(settings: Told) -> dict:
    """HR@10 of 0.5 clean, 0.2 under attack with the mean and 0.1 with the median."""
    if settings.attack == "none":
        return record(0.5)
    return record(0.1 if settings.aggregator == "median" else 0.2)


def test_both_models_are_run_clean_and_attacked_under_both_rules():
    wanted = wanted_by(STUDY, bases("steam"))
    assert len(set(wanted)) == len(wanted) == 2 * 2 * 5
    assert {settings.model for settings in wanted} == {"fedgnn", "fedmf"}
    assert {s.malicious_ratio for s in wanted if s.attack != "none"} == {0.1}
    assert {s.malicious_ratio for s in wanted if s.attack == "none"} == {0.0}


def test_the_figures_model_may_be_compared_with_itself():
    wanted = wanted_by(figure4.study("fedmf"), bases("steam"))
    assert len(wanted) == 2 * 5
    section = present(figure4.study("fedmf"), bases("steam"), run)
    assert "as FedMF does" not in finding(section, "drops dramatically").statement


def test_both_models_drop_or_the_finding_does_not_hold():
    found = finding(present(STUDY, bases("steam"), run), "drops dramatically")
    assert found.holds
    assert "as FedMF does" in found.statement

    def robust(settings: Told) -> dict:
        robust = settings.model == "fedmf" and settings.aggregator == "mean"
        return record(0.5) if robust else run(settings)

    found = finding(present(STUDY, bases("steam"), robust), "drops dramatically")
    assert found.holds is False
    assert "FedMF, no defense (mean): 0.500 to 0.500" in found.evidence


@pytest.mark.parametrize(("left", "holds"), [(0.1, True), (0.15, False)])
def test_convergence_is_prevented_where_the_strongest_ends_at_chance(left, holds):
    def strongest(settings: Told) -> dict:
        return record(left) if settings.attack == "spattack_o_s" else run(settings)

    found = finding(present(STUDY, bases("steam"), strongest), "from converging")
    assert found.holds is holds
    assert "Spattack-O-S" in found.evidence


def test_an_attack_that_is_weaker_under_the_median_is_named():
    assert finding(present(STUDY, bases("steam"), run), "under the median").holds

    def weaker(settings: Told) -> dict:
        if settings.attack == "spattack_l_s" and settings.aggregator == "median":
            return record(0.4)
        return run(settings)

    found = finding(present(STUDY, bases("steam"), weaker), "under the median")
    assert found.holds is False
    assert "Spattack-L-S 0.200 and 0.400 (no)" in found.evidence


def test_tables_have_both_metrics_and_the_checked_values():
    section = present(STUDY, bases("ml-100k"), run)
    shown = table(section, "ML-100K: mean")
    row = ("FedGNN", "defense (median)", "HR@5")
    assert cell(shown, "Spattack-O-D", *row) == "0.100"
    checked = table(section, "Beside an earlier simulation")
    assert len(checked.rows) == 6  # three runs, two metrics each
    row = ("ML-100K", "FedGNN", "no defense (mean)", "Clean", "HR@10")
    assert cell(checked, "earlier", *row) == "0.469"
    assert cell(checked, "difference", *row) == "+0.031"


def test_the_picture_is_drawn(tmp_path):
    section = present(STUDY, bases("ml-100k", seeds=2), run)
    section.pictures[0].draw(tmp_path / section.pictures[0].name, WIDTHS["column"])
    assert (tmp_path / "figure4.png").read_bytes().startswith(b"\x89PNG")


def test_some_of_the_attacks_can_be_run_alone():
    some = figure4.study(spattacks=("spattack_l_d", "spattack_o_d"))
    assert len(set(wanted_by(some, bases("steam")))) == 2 * 2 * 3
    section = present(some, bases("steam"), run)
    assert finding(section, "drops dramatically").holds
    assert "S" not in {title[-1] for title in section.tables[0].header}
