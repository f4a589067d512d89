"""The study of Figure 5: its grid, findings and tables."""

from collections.abc import Mapping

from experiments.studies import figure5
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

STUDY = figure5.study()
# What the clean run of these tests has after so many rounds.
CLEAN = {0: 0.1, 20: 0.15, 40: 0.2, 60: 0.3, 200: 0.6}


def curve(values: Mapping[int, float]) -> dict:
    points = [{"round": rounds, "hr@10": value} for rounds, value in values.items()]
    return record(points[-1]["hr@10"], curve=points)


def run(settings: Told) -> dict:
    """O keeps what was learnt, L-D ends at 0.05."""
    if settings.attack == "none":
        return curve(CLEAN)
    before = {
        rounds: min(CLEAN[rounds], CLEAN[settings.attack_start]) for rounds in CLEAN
    }
    limited = settings.attack == "spattack_l_d"
    return curve({**before, 200: 0.05} if limited else before)


def test_two_attacks_from_four_rounds_on_and_the_clean_run_are_run():
    wanted = wanted_by(STUDY, bases("steam"))
    assert len(set(wanted)) == len(wanted) == 1 + 2 * 4
    attacked = [settings for settings in wanted if settings.attack != "none"]
    assert {settings.attack_start for settings in attacked} == {0, 20, 40, 60}
    assert {settings.malicious_ratio for settings in attacked} == {0.1}
    assert {settings.eval_every for settings in wanted} == {5}


def test_every_start_is_evaluated():
    assert all(start % figure5.EVAL_EVERY == 0 for start in figure5.STARTS)


def test_the_omniscient_attack_freezes_what_it_finds():
    found = finding(present(STUDY, bases("steam"), run), "converging any further")
    assert found.holds
    assert "round 60 0.300 to 0.300" in found.evidence

    def going_on(settings: Told) -> dict:
        if settings.attack == "spattack_o_d" and settings.attack_start == 40:
            return curve({**CLEAN, 200: 0.3})
        return run(settings)

    found = finding(present(STUDY, bases("steam"), going_on), "converging any further")
    assert found.holds is False
    assert "round 40 0.200 to 0.300" in found.evidence


def test_where_no_start_was_evaluated_nobody_can_tell():
    def ends_only(settings: Told) -> dict:
        return curve({0: 0.1, 200: 0.2})

    section = present(STUDY, bases("steam"), ends_only)
    assert finding(section, "converging any further").holds is None
    shown = table(section, "when the attack starts")
    assert cell(shown, "at the start", "Spattack-O-D", "20") == "-"


def test_the_limited_attack_must_end_below_chance_from_every_start():
    assert finding(present(STUDY, bases("steam"), run), "collapse").holds

    def survives(settings: Told) -> dict:
        late = settings.attack == "spattack_l_d" and settings.attack_start == 60
        return curve(CLEAN) if late else run(settings)

    found = finding(present(STUDY, bases("steam"), survives), "collapse")
    assert found.holds is False
    assert "60: 0.600" in found.evidence


def test_a_later_start_must_leave_more():
    section = present(STUDY, bases("steam"), run)
    assert finding(section, "Spattack-O-D is the stronger").holds
    # Equal ends are no evidence.
    assert finding(section, "Spattack-L-D is the stronger").holds is False


def test_tables_have_start_end_and_checked_values():
    section = present(STUDY, bases("steam", seeds=2), run)
    shown = table(section, "when the attack starts")
    assert cell(shown, "at the start", "Spattack-O-D", "40") == "0.200"
    assert cell(shown, "in the end", "Spattack-O-D", "40") == "0.200 ± 0.000"
    assert cell(shown, "in the end", "Clean") == "0.600 ± 0.000"
    checked = table(section, "beside an earlier simulation")
    assert cell(checked, "earlier", "Steam", "Spattack-O-D", "60") == "0.29"
    assert cell(checked, "difference", "Steam", "Spattack-O-D", "60") == "+0.010"


def test_the_picture_is_drawn(tmp_path):
    section = present(STUDY, bases("steam", seeds=2), run)
    section.pictures[0].draw(tmp_path / section.pictures[0].name, WIDTHS["column"])
    assert (tmp_path / "figure5.png").read_bytes().startswith(b"\x89PNG")
