"""What the page of a tournament says beside its standings."""

from jaxfr.tournament.judging import judge
from jaxfr.tournament.page import render_page
from tests.tournament.samples import SUITE, record, trial


def page(values: dict[tuple[str, float, int], float]) -> str:
    """Of values of the undefended server by attack, share and seed."""
    records = {
        trial(attack=attack, ratio=ratio, seed=seed): record(value)
        for (attack, ratio, seed), value in values.items()
    }
    clean = {
        trial(seed=seed, ratio=ratio): record(0.5)
        for seed in (0, 1)
        for ratio in (0.05, 0.1)
    }
    records = clean | records
    return render_page(SUITE, judge(records, "hr@10"), records, {}, "jaxfr")


def test_an_attack_that_does_less_with_more_clients_in_every_seed_is_named():
    weaker = {("lie:lie_z=1.5", 0.05, seed): 0.2 for seed in (0, 1)}
    weaker |= {("lie:lie_z=1.5", 0.1, seed): 0.3 for seed in (0, 1)}
    told = "Weaker with more malicious clients, in every seed: lie:lie_z=1.5 on mean"
    assert f"{told} (5 to 10 %)." in page(weaker)
    assert "Weaker" not in page(weaker | {("lie:lie_z=1.5", 0.1, 1): 0.1})


def test_an_attack_that_takes_nothing_from_the_undefended_server_is_named():
    harmless = {("spattack_o_d", 0.05, seed): 0.5 for seed in (0, 1)}
    told = "Without effect on the undefended server"
    assert f"{told}: spattack_o_d." in page(harmless)
    assert told not in page({("spattack_o_d", 0.05, 0): 0.4})


def test_attacks_that_the_model_cannot_have_are_named():
    told = "Not possible with this model"
    assert f"{told}: lie:lie_z=1.5." in page({("spattack_o_d", 0.05, 0): 0.4})
    both = {(attack, 0.05, 0): 0.4 for attack in SUITE.attack}
    assert told not in page(both)
