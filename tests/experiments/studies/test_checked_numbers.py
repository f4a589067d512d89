from experiments.studies.checked_numbers import DEFENSES, MODELS, STARTS
from experiments.studies.figure3.points import DEFENSES as RULES
from experiments.studies.figure3.points import SPATTACKS, Point, points
from experiments.studies.figure4.bars import AGGREGATORS, ATTACKS
from experiments.studies.figure5.curves import ATTACKS as CURVES
from experiments.studies.figure5.study import STARTS as START_ROUNDS


def test_every_checked_number_is_one_that_a_study_simulates():
    simulated = points(RULES, SPATTACKS)
    assert all(Point(*key[1:]) in simulated for key in DEFENSES)
    for model in MODELS:
        assert model.aggregator in AGGREGATORS
        assert model.attack in ATTACKS
    for start in STARTS:
        assert start.attack in CURVES
        assert start.attack_start in START_ROUNDS


def test_numbers_are_hit_ratios():
    assert all(0 < value < 1 for value in (*DEFENSES.values(), *STARTS.values()))
    assert all(0 < at_5 < at_10 < 1 for at_5, at_10 in MODELS.values())
