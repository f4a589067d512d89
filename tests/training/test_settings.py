"""Settings: what is refused, and how the server's rule is made of them."""

import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.aggregators import aggregate
from jaxfr.errors import InvalidInputError
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
ABOVE_ZERO = "above 0 and finite"
AT_LEAST_ZERO = [
    "privacy_noise",
    "learning_rate",
    "regularization",
    "noise_scale",
    "expected_byzantine",
    "attack_start",
    "max_poisoned_items",
]


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
        configuration = dataclasses.replace(Configuration(), **{setting: name})
        check_settings(configuration, Hyperparameters())


@pytest.mark.parametrize(
    ("setting", "value", "least"),
    [
        ("embedding_dim", 0, 1),
        ("num_candidates", 0, 1),
        ("malicious_clients", -1, 0),
        ("neighbours_per_item", -1, 0),
        ("pseudo_items", -1, 0),
    ],
)
def test_a_size_that_is_too_small_is_refused(setting, value, least):
    configuration = dataclasses.replace(Configuration(), **{setting: value})
    message = refusal(configuration, Hyperparameters())
    assert message == f"{setting}={value}: must be at least {least}"


@pytest.mark.parametrize("setting", AT_LEAST_ZERO)
@pytest.mark.parametrize("value", [-1, -1e-9, math.nan, math.inf])
def test_a_number_below_zero_or_not_finite_is_refused(setting, value):
    message = refusal(Configuration(), Hyperparameters(**{setting: value}))
    assert message == f"{setting}={value}: must be at least 0"


@pytest.mark.parametrize("setting", AT_LEAST_ZERO)
def test_zero_is_accepted(setting):
    check_settings(Configuration(), Hyperparameters(**{setting: 0}))


@pytest.mark.parametrize(
    ("setting", "bad", "good", "limits"),
    [
        ("malicious_clients", [-1, 4], [0, 3], "at least 0 and at most 3"),
        ("clip_norm", [0.0, -1.0, math.nan, math.inf], [1e-6, 5], ABOVE_ZERO),
        ("privacy_clip", [0.0, -1.0, math.nan, math.inf], [1e-6, 5], ABOVE_ZERO),
        ("trim_share", [-0.1, 0.5, math.nan], [0, 0.49], "at least 0, below 0.5"),
        ("participation", [0.0, 1.01, math.nan], [0.001, 1], "above 0, at most 1"),
    ],
)
def test_a_number_outside_its_range_is_refused(setting, bad, good, limits):
    configuration = Configuration(malicious_clients=3)
    for value in bad:
        message = refusal(configuration, Hyperparameters(**{setting: value}))
        assert message == f"{setting}={value}: must be {limits}"
    for value in good:
        check_settings(configuration, Hyperparameters(**{setting: value}))


# --- devices ---


def test_as_many_devices_as_there_are_are_accepted_and_no_other_number():
    existing = jax.device_count()
    for number in range(1, existing + 1):
        check_settings(Configuration(num_devices=number), Hyperparameters())
    for number, limits in (
        (-1, "at least 1"),
        (0, "at least 1"),
        (existing + 1, f"at least 1 and at most {existing}"),
    ):
        message = refusal(Configuration(num_devices=number), Hyperparameters())
        assert message == f"num_devices={number}: must be {limits}"


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
    configuration = Configuration(model=model, attack=attack)
    assert refusal(configuration, Hyperparameters()) == (
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
    found = aggregate(
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
    found = aggregate(rule, uploads_for_one_item(5, rows), jnp.int32(1))
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
