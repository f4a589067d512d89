"""Settings: what is refused, and how the server's rule is made of them."""

import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.aggregators import aggregate
from jaxfr.errors import InvalidInputError
from jaxfr.evaluation.exposure import exposure
from jaxfr.evaluation.hit_ratio import hit_ratio
from jaxfr.ranges import RANGES
from jaxfr.training import Configuration, Hyperparameters, check_settings
from jaxfr.training.settings import OPTIMIZERS, make_aggregator
from jaxfr.uploads import ItemGroup, Uploads

NAMES = {
    "model": "fedmf, fedgnn, mlp",
    "attack": (
        "none, spattack_o_d, spattack_o_s, spattack_l_d, spattack_l_s, label_flip, "
        "fed_attack, cluster, gaussian, lie, fang, fang_full_knowledge"
    ),
    "scope": "dense, sparse",
    "aggregator": "mean, median, trimmed_mean, krum, norm",
    "client_optimizer": "sgd, momentum, adam",
    "server_optimizer": "sgd, momentum, adam",
    "aggregation": "sparse, dense",
    "trim_form": "paper, classic",
    "krum_distance": "squared, plain",
    "negatives": "fixed, resample",
    "ranking": "sampled, full",
    "repeated_negatives": "merged, reference",
}
# An attacker, and a server that expects none.
ONE_MALICIOUS = Configuration(malicious_clients=1)
ONE_EXISTS = Hyperparameters(malicious_clients=1, expected_byzantine=0)


def refusal(configuration: Configuration, hyperparameters: Hyperparameters) -> str:
    with pytest.raises(InvalidInputError) as error:
        check_settings(configuration, hyperparameters)
    message = str(error.value)
    assert "\n" not in message
    return message


def test_the_defaults_are_the_paper_s_and_are_accepted():
    configuration, hyperparameters = Configuration(), Hyperparameters()
    check_settings(configuration, hyperparameters)
    assert configuration.embedding_dim == 32
    assert configuration.num_candidates == 99
    assert configuration.negatives == "fixed"
    assert configuration.trim_form == "paper"
    assert configuration.num_devices == 1
    assert (hyperparameters.learning_rate, hyperparameters.regularization) == (
        0.01,
        0.1,
    )
    assert (hyperparameters.noise_scale, hyperparameters.clip_norm) == (1.0, 1.0)
    assert hyperparameters.attack_start == 0


@pytest.mark.parametrize("setting", NAMES)
def test_an_unknown_name_is_refused_with_the_names_that_exist(setting):
    configuration = dataclasses.replace(Configuration(), **{setting: "wrong"})
    message = refusal(configuration, Hyperparameters())
    assert message == f"{setting}='wrong': allowed are {NAMES[setting]}"


@pytest.mark.parametrize("setting", NAMES)
def test_every_name_that_is_offered_is_accepted(setting):
    for name in NAMES[setting].split(", "):
        configuration = dataclasses.replace(ONE_MALICIOUS, **{setting: name})
        check_settings(configuration, ONE_EXISTS)


NUMBERS_OF = {
    kind: [name for name in names if name in RANGES]
    for kind, names in (
        (Configuration, [f.name for f in dataclasses.fields(Configuration)]),
        (Hyperparameters, Hyperparameters._fields),
    )
}


@pytest.mark.parametrize("setting", NUMBERS_OF[Configuration])
def test_a_size_outside_its_range_is_refused(setting):
    for value in (-1, 3_000_000_000, 1.5, math.nan):
        configuration = dataclasses.replace(Configuration(), **{setting: value})
        message = refusal(configuration, Hyperparameters())
        assert message == f"{setting}={value}: must be {RANGES[setting]}"


@pytest.mark.parametrize("setting", NUMBERS_OF[Hyperparameters])
def test_a_number_outside_its_range_is_refused(setting):
    # 1e39 is finite, but not in float32.
    for value in (math.nan, math.inf, -math.inf, 1e39, 10**30, jnp.float32(jnp.nan)):
        message = refusal(ONE_MALICIOUS, ONE_EXISTS._replace(**{setting: value}))
        assert message == f"{setting}={value}: must be {RANGES[setting]}"


def test_numbers_of_several_runs_are_each_looked_at():
    rates = jnp.array([0.1, jnp.inf])
    assert "learning_rate" in refusal(Configuration(), Hyperparameters(rates))


def test_the_schedule_of_a_run_is_looked_at_where_it_is_known():
    for schedule, name in (((0, 0), "rounds"), ((5, -1), "eval_every")):
        with pytest.raises(InvalidInputError, match=f"^{name}="):
            check_settings(Configuration(), Hyperparameters(), *schedule)
    check_settings(Configuration(), Hyperparameters(), 5, 10)


# --- attacks that would not happen ---


@pytest.mark.parametrize(
    ("room", "malicious"), [(0, 0), (29, 0), (0, 29)], ids=["none", "only room", "none"]
)
def test_an_attack_with_nobody_is_refused(room, malicious):
    configuration = Configuration(attack="spattack_o_d", malicious_clients=room)
    message = refusal(configuration, Hyperparameters(malicious_clients=malicious))
    assert message.startswith(f"malicious_clients={malicious}: ")


def test_attackers_without_room_are_refused():
    configuration = Configuration(attack="spattack_o_d", malicious_clients=2)
    assert refusal(configuration, Hyperparameters(malicious_clients=99)) == (
        "malicious_clients=99: the configuration has room for 2"
    )


def test_an_attack_that_would_begin_after_the_last_round_is_refused():
    attacked = dataclasses.replace(ONE_MALICIOUS, attack="spattack_o_d")
    late = ONE_EXISTS._replace(attack_start=5)
    with pytest.raises(InvalidInputError, match=r"^attack_start=5: .* below rounds=5"):
        check_settings(attacked, late, rounds=5)
    check_settings(attacked, late, rounds=6)
    check_settings(ONE_MALICIOUS, late, rounds=5)  # a clean run


@pytest.mark.parametrize(
    "changes",
    [
        {"aggregator": "trimmed_mean"},
        {"aggregator": "trimmed_mean", "trim_form": "classic"},
        {"aggregator": "krum"},
    ],
)
def test_a_rule_that_expects_byzantine_clients_is_told_how_many(changes):
    """By default the trimmed mean would be the mean."""
    configuration = Configuration(**changes)
    assert refusal(configuration, Hyperparameters()).startswith("expected_byzantine=-1")
    check_settings(configuration, Hyperparameters(expected_byzantine=0))
    given = dataclasses.replace(
        configuration, aggregator="trimmed_mean", trim_form="classic"
    )
    given = dataclasses.replace(given, trim_share_given=True)
    check_settings(given, Hyperparameters(trim_share=0.1))


# --- devices ---


def test_as_many_devices_as_there_are_are_accepted_and_no_other_number():
    existing = jax.device_count()
    for number in range(1, existing + 1):
        check_settings(Configuration(num_devices=number), Hyperparameters())
    message = refusal(Configuration(num_devices=existing + 1), Hyperparameters())
    assert message == f"num_devices={existing + 1}: JAX has {existing}"


@pytest.mark.parametrize(
    "changes",
    [
        {"model": "fedgnn", "neighbours_per_item": 1},
        {"model": "mlp"},
        {"pseudo_items": 1},
        {"local_privacy": True},
        {"ranking": "full"},
    ],
)
def test_clients_that_are_taken_as_a_whole_may_be_spread_too(changes):
    check_settings(Configuration(num_devices=2, **changes), Hyperparameters())


# --- metrics ---


@pytest.mark.parametrize(
    ("changes", "targets", "message"),
    [
        ({"metrics": ()}, (), "metrics="),
        ({"metrics": (hit_ratio(5), hit_ratio(5))}, (), "metrics="),
        ({"metrics": (exposure(5),)}, (), "num_targets=0"),
        ({"metrics": (exposure(5),), "num_targets": 2}, (3,), "num_targets=2"),
    ],
)
def test_metrics_without_meaning_are_refused(changes, targets, message):
    numbers = Hyperparameters(targets=targets)
    assert refusal(Configuration(**changes), numbers).startswith(message)


# --- models ---


def test_neighbours_are_refused_by_a_model_that_looks_at_no_graph():
    for model in ("fedmf", "mlp"):
        configuration = Configuration(model=model, neighbours_per_item=2)
        assert refusal(configuration, Hyperparameters()) == (
            f"neighbours_per_item=2: the model {model} does not look at a client's "
            "graph"
        )
    with_graph = Configuration(model="fedgnn", neighbours_per_item=2)
    check_settings(with_graph, Hyperparameters())


@pytest.mark.parametrize("attack", ["label_flip", "fed_attack"])
@pytest.mark.parametrize("model", ["fedgnn", "mlp"])
def test_an_attack_that_needs_gradients_by_pairs_is_refused_without(attack, model):
    configuration = dataclasses.replace(ONE_MALICIOUS, model=model, attack=attack)
    assert refusal(configuration, ONE_EXISTS) == (
        f"attack={attack}: needs a model that gives its gradient pair by pair "
        "(Model.pair_gradients), such as fedmf"
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"aggregator": "median"},
        {"aggregator": "trimmed_mean"},
        {"aggregator": "krum"},
        {"model": "fedgnn"},
        {"pseudo_items": 2},
        {"local_privacy": True},
    ],
)
def test_rows_of_repeated_negatives_are_kept_apart_for_sums_of_pairs_only(changes):
    for aggregator in ("mean", "norm"):
        sums = Configuration(aggregator=aggregator, repeated_negatives="reference")
        check_settings(sums, Hyperparameters())
        changed = dataclasses.replace(sums, **changes)
        message = refusal(changed, Hyperparameters())
        assert message == (
            "repeated_negatives=reference: goes with the aggregators mean and norm, a "
            "model that works pair by pair, such as fedmf, and no private uploads"
        )


# --- the server's rule ---

ROWS = np.array([[-9.0], [0.0], [1.0], [2.0], [30.0]], np.float32)


def uploads_for_one_item(participants: int, rows: np.ndarray = ROWS) -> Uploads:
    uploads = Uploads(
        item=jnp.zeros(rows.size, jnp.int32),
        weight=jnp.ones(rows.size, jnp.int32),
        vector=jnp.arange(rows.size),
        scale=jnp.ones(rows.size),
        item_scale=jnp.zeros(()),
        vectors=jnp.asarray(rows),
        item_embeddings=jnp.zeros((1, 1)),
        participants=jnp.int32(participants),
    )
    group = ItemGroup(jnp.zeros(1, jnp.int32), jnp.arange(rows.size)[None])
    return uploads._replace(groups=(group,))


@pytest.mark.parametrize(
    ("changes", "numbers", "expected"),
    [
        ({"aggregator": "mean"}, {}, 24 / 5),
        ({"aggregator": "median"}, {}, 1.0),
        ({"aggregator": "norm"}, {"clip_norm": 1.5}, 2.5 / 5),
        ({"aggregator": "mean", "clip": True}, {"clip_norm": 1.5}, 2.5 / 5),
        ({"aggregator": "median", "clip": True}, {"clip_norm": 0.5}, 0.5),
        ({"aggregator": "mean", "aggregation": "dense"}, {}, 24 / 10),
        ({"aggregator": "median", "aggregation": "dense"}, {}, 0.0),
        ({"aggregator": "trimmed_mean"}, {"expected_byzantine": 3}, 0.5),
        # One at each end: the share is 2 / 10 clients, or the one given.
        (
            {"aggregator": "trimmed_mean", "trim_form": "classic"},
            {"expected_byzantine": 2},
            1.0,
        ),
        (
            {
                "aggregator": "trimmed_mean",
                "trim_form": "classic",
                "trim_share_given": True,
            },
            {"expected_byzantine": 2, "trim_share": 0.1},
            24 / 5,
        ),
        ({"aggregator": "krum"}, {"expected_byzantine": 1}, 1.0),
    ],
)
def test_the_rule_is_the_one_that_the_settings_name(changes, numbers, expected):
    numbers = {"expected_byzantine": 0} | numbers
    rule = make_aggregator(Configuration(**changes), Hyperparameters(**numbers))
    found, _ = aggregate(
        rule, uploads_for_one_item(10), jnp.int32(numbers["expected_byzantine"])
    )
    np.testing.assert_allclose(found.rows, [[expected]], atol=1e-6)


@pytest.mark.parametrize(("distance", "expected"), [("squared", 9.0), ("plain", 1.0)])
def test_the_krum_distance_can_be_chosen(distance, expected):
    """Two nearest others: 9 + 16 squared is least for 9, 1 + 5 plain for 1."""
    rule = make_aggregator(
        Configuration(aggregator="krum", krum_distance=distance), Hyperparameters()
    )
    rows = np.array([[0.0], [1.0], [6.0], [9.0], [13.0]], np.float32)
    found, _ = aggregate(rule, uploads_for_one_item(5, rows), jnp.int32(1))
    np.testing.assert_array_equal(found.rows, [[expected]])


@pytest.mark.parametrize(
    ("name", "first", "second"),
    [("sgd", -0.5, -0.5), ("momentum", -0.5, -0.95), ("adam", -0.5, -0.5)],
)
def test_optimisers_take_the_learning_rate_and_step_against_the_gradient(
    name, first, second
):
    optimizer = OPTIMIZERS[name](jnp.float32(0.5))
    value, gradient = jnp.zeros(1), jnp.ones(1)
    state = optimizer.init(value)
    for expected in (first, second):
        step, state = optimizer.update(gradient, state, value)
        np.testing.assert_allclose(jnp.asarray(step), [expected], rtol=1e-4)
