"""The study of hyperparameters: its grid, findings and tables."""

from experiments.studies import hyperparameters
from experiments.studies.hyperparameters import SWEEPS
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

STUDY = hyperparameters.study()


def run(settings: Told) -> dict:
    """Stronger with more items and more noise; a client uploads 1200 items."""
    items = settings.max_poisoned_items or 1200
    value = 0.4
    if settings.attack.startswith("spattack"):
        value = 0.3 / (1 + settings.noise_scale) * (1 - items / 2000)
        value = min(value, 0.1) if settings.embedding_dim != 32 else value
    return record(
        value,
        max_poisoned_items=settings.max_poisoned_items,
        max_poisoned_items_used=items,
        embedding_dim=settings.embedding_dim,
        noise_scale=settings.noise_scale,
    )


def test_one_option_at_a_time_leaves_its_default():
    wanted = wanted_by(STUDY, bases("steam"))
    assert len(wanted) == 6 * 2 + 5 * 3 + 6 * 2
    usual = {sweep.option: sweep.usual for sweep in SWEEPS}
    assert usual == {"max_poisoned_items": 0, "embedding_dim": 32, "noise_scale": 1}
    for settings in wanted:
        changed = [name for name in usual if getattr(settings, name) != usual[name]]
        assert len(changed) <= 1


def test_every_sweep_holds_the_papers_value():
    for sweep in SWEEPS:
        assert sweep.usual in sweep.values


def test_what_is_left_to_its_default_stands_at_the_number_that_it_came_to():
    shown = table(present(STUDY, bases("steam"), run), "poisoned items per client")
    assert cell(shown, "Spattack-O-S", "1200 (default)") == "0.060"
    assert cell(shown, "Spattack-O-S", "1000") == "0.075"
    assert len(shown.rows) == 6


def test_attacks_grow_with_their_items_and_noise_or_the_finding_does_not_hold():
    section = present(STUDY, bases("steam"), run)
    assert finding(section, "Spattack-L-S is the stronger, the larger").holds
    found = finding(section, "Spattack-L-S is the stronger, the more items")
    assert found.holds
    assert found.evidence.index("1000: 0.075") < found.evidence.index("1200: 0.060")

    def backwards(settings: Told) -> dict:
        return run(settings) | {"hr@10": settings.max_poisoned_items / 2000}

    section = present(STUDY, bases("steam"), backwards)
    assert finding(section, "L-S is the stronger, the more items").holds is False


def test_a_default_stands_between_its_neighbours():
    def few(settings: Told) -> dict:
        return run(settings) | {
            "max_poisoned_items_used": settings.max_poisoned_items or 700
        }

    section = present(STUDY, bases("steam"), few)
    told = finding(section, "Spattack-L-S is the stronger, the more items").evidence
    assert told.index("500: ") < told.index("700: ") < told.index("1000: ")


def test_every_embedding_size_must_be_broken_by_every_attack():
    section = present(STUDY, bases("steam"), run)
    assert finding(section, "whatever the embedding size").holds

    def large_is_safe(settings: Told) -> dict:
        safe = settings.embedding_dim == 128 and settings.attack == "spattack_l_d"
        return record(0.3) if safe else run(settings)

    section = present(STUDY, bases("steam"), large_is_safe)
    assert finding(section, "whatever the embedding size").holds is False


def test_the_picture_is_drawn(tmp_path):
    section = present(STUDY, bases("steam", seeds=2), run)
    section.pictures[0].draw(tmp_path / section.pictures[0].name, WIDTHS["column"])
    assert (tmp_path / "hyperparameters.png").read_bytes().startswith(b"\x89PNG")
