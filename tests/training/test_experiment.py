"""An experiment: what is refused, what of it is a number, and what it makes."""

import dataclasses
import functools
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.aggregators import (
    STAGES,
    aggregate,
    chain,
    clip_by_norm,
    krum,
    mean,
    median,
)
from jaxfr.attacks import lie, none, spattack_l_s, spattack_o_d
from jaxfr.attacks.rows import Scope
from jaxfr.errors import InvalidInputError
from jaxfr.evaluation.metrics import exposure, hit_ratio
from jaxfr.experiment import PART_KINDS, Experiment
from jaxfr.models import fedgnn, fedmf, mlp
from jaxfr.optimizers import OPTIMIZERS, adam, sgd
from jaxfr.parts import Option, options_of
from jaxfr.ranges import Range
from jaxfr.texts import CATALOGUES
from jaxfr.training import check_run
from jaxfr.uploads import uploads_of
from tests.training.problem import (
    DIM,
    EXPERIMENT,
    NUM_USERS,
    ROOM,
    changed,
    compiled_start,
    configured,
    drawn_values,
    one_round,
    small_layout,
    user_embeddings,
)

NAMES = {
    "aggregation": "sparse, dense",
    "negatives": "fixed, resample",
    "ranking": "sampled, full",
    "repeated_negatives": "merged, reference",
}
ATTACKED = configured("spattack_o_d", "mean")


def refusal(function, *arguments: Any, **changes: Any) -> str:
    with pytest.raises(InvalidInputError) as error:
        function(*arguments, **changes)
    message = str(error.value)
    assert "\n" not in message
    return message


def options_of_parts() -> dict[str, tuple[str, str, Option]]:
    """Every option of every factory: the field, the factory and the option."""
    return {
        f"{field}-{name}-{option.name}": (field, name, option)
        for field, catalogue in CATALOGUES.items()
        for name, factory in catalogue.items()
        for option in factory.options
    }


PART_OPTIONS = options_of_parts()


# --- what is refused ---


def test_the_defaults_are_the_paper_s_and_are_accepted():
    experiment = Experiment()
    check_run(experiment.with_data(NUM_USERS), small_layout())
    assert (experiment.model, experiment.model.embedding_dim) == (fedmf(), 32)
    assert (experiment.attack, experiment.aggregator) == (none(), mean())
    assert experiment.num_candidates == 99
    assert experiment.negatives == "fixed"
    assert (experiment.learning_rate, experiment.regularization) == (0.01, 0.1)
    assert experiment.attack_start == 0
    assert spattack_l_s().noise_scale == clip_by_norm().clip_norm == 1.0
    assert krum().krum_distance == "squared"


@pytest.mark.parametrize("field", PART_KINDS)
def test_every_part_of_a_catalogue_is_accepted(field):
    for factory in CATALOGUES[field].values():
        part = factory()
        if factory.name in STAGES:
            part = chain(part, median())
        experiment = changed(EXPERIMENT, **{field: part})
        check_run(experiment, small_layout(), rounds=1)
        assert getattr(experiment, field) == part


@pytest.mark.parametrize("field", PART_KINDS)
def test_what_makes_something_else_is_refused(field):
    other = sgd() if field == "aggregator" else median()
    assert refusal(Experiment, **{field: other}).startswith(f"{field}={other}: ")


@pytest.mark.parametrize("field", PART_KINDS)
def test_what_is_no_part_is_refused(field):
    """A name, what a part makes, or a factory that was not called."""
    factory = next(iter(CATALOGUES[field].values()))
    for value in (factory.name, factory().make()):
        message = refusal(Experiment, **{field: value})
        assert message.startswith(f"{field}: is a {type(value).__name__}, must be")
        assert f"such as {field}=jaxfr." in message
    called = f"{field}={factory.name}: must be called, as in {field}={factory.name}()"
    assert refusal(Experiment, **{field: factory}) == called


SUMS_ONLY = (
    "repeated_negatives=reference: goes with the aggregators mean and norm, a model "
    "that works pair by pair, such as fedmf, and no private uploads"
)
REFUSED = [
    *(
        ({field: "wrong"}, f"{field}='wrong': allowed are {NAMES[field]}")
        for field in NAMES
    ),
    (
        {"aggregator": clip_by_norm(2.0)},
        "aggregator=clip_by_norm: must end with a rule, as in clip_by_norm+mean",
    ),
    ({"aggregator": chain(median(), clip_by_norm())}, "aggregator=median+"),
    ({"metrics": ()}, "metrics="),
    (
        {"metrics": ("hr@10",)},
        "metrics: 'hr@10' must be a metric, such as jaxfr",
    ),
    ({"malicious_ratio": [0.01]}, "malicious_ratio=[0.01]: is a list, must be a num"),
    ({"metrics": (hit_ratio(5), hit_ratio(5))}, "metrics=hr@5,hr@5: "),
    ({"metrics": (exposure(5),), "targets": ()}, "targets="),
    ({"privacy_noise": 0.1}, "privacy_noise=0.1: needs privacy_clip"),
    ({"privacy_noise": jnp.array([0.0, 0.1])}, "privacy_noise"),
    *(
        (
            {"attack": attack, "model": model},
            f"attack={attack}: needs a model that has pair_gradients, such as fedmf; "
            f"{model} has none",
        )
        for attack in ("label_flip", "fed_attack")
        for model in ("fedgnn", "mlp")
    ),
    *(
        (
            {"aggregator": "realisable+mean", **others},
            "aggregator=realisable+mean: needs a model that works pair by pair, such "
            "as fedmf, and no private uploads (privacy_clip, pseudo_items)",
        )
        for others in (
            {"model": "fedgnn"},
            {"model": "mlp"},
            {"pseudo_items": 2},
            {"privacy_clip": 1.0},
        )
    ),
    # Rows of repeated negatives are kept apart for sums of pairs only.
    *(
        ({"repeated_negatives": "reference", **others}, SUMS_ONLY)
        for others in (
            {"aggregator": "median"},
            {"aggregator": "krum"},
            {"aggregator": "clip_by_norm+median"},
            {"model": "fedgnn"},
            {"pseudo_items": 2},
            {"privacy_clip": 1.0},
        )
    ),
]


@pytest.mark.parametrize(("changes", "message"), REFUSED)
def test_what_has_no_meaning_is_refused(changes, message):
    assert refusal(changed, EXPERIMENT, **changes).startswith(message)


def test_what_goes_together_is_accepted():
    for aggregator in ("mean", "norm", "clip_by_norm+mean"):
        configured("none", aggregator, repeated_negatives="reference")
    for attack in ("label_flip", "fed_attack"):
        configured(attack, "mean")
    assert not changed(EXPERIMENT, privacy_clip=1.0, privacy_noise=0.1).works_by_pairs
    assert changed(EXPERIMENT, privacy_noise=0.0).works_by_pairs


NUMBERS = [option for option in options_of(Experiment) if option.kind in (int, float)]


@pytest.mark.parametrize("option", NUMBERS, ids=lambda option: option.name)
def test_a_number_outside_its_range_is_refused(option):
    assert isinstance(option.allowed, Range)
    # 1e39 is finite, but not in float32.
    wrong = [math.nan, math.inf, -math.inf, 1e39, 10**30, jnp.float32(jnp.nan)]
    wrong += [-2, 3_000_000_000, 1.5] if option.kind is int else []
    for value in wrong:
        message = refusal(changed, EXPERIMENT, **{option.name: value})
        assert message == f"{option.name}={value}: must be {option.allowed}"


@pytest.mark.parametrize("name", PART_OPTIONS)
def test_what_an_option_of_a_part_does_not_allow_is_refused(name):
    field, factory, option = PART_OPTIONS[name]
    if isinstance(option.allowed, Range):
        wrong = [math.nan, math.inf, -math.inf, 1e39, 10**30]
        wrong += [-(10**10), 1.5] if option.kind is int else []
        said = f"must be {option.allowed}"
    else:
        assert option.allowed is not None
        wrong, said = ["wrong"], f"allowed are {', '.join(option.allowed)}"
    for value in wrong:
        message = refusal(CATALOGUES[field][factory], **{option.name: value})
        assert message == f"{option.name}={value!r}: {said}"


def test_numbers_of_several_runs_are_each_looked_at():
    for rates in (jnp.array([0.1, jnp.inf]), np.array([0.1, -1.0])):
        assert "learning_rate" in refusal(changed, EXPERIMENT, learning_rate=rates)
    malicious = jnp.array([1, ROOM + 1])
    several = changed(EXPERIMENT, malicious_clients=malicious)
    assert "malicious_clients" in refusal(check_run, several, small_layout())


def test_numbers_that_are_traced_are_not_looked_at():
    def checked(rate: jax.Array, number: jax.Array) -> jax.Array:
        traced = changed(ATTACKED, learning_rate=rate, malicious_clients=number)
        check_run(traced, small_layout(), rounds=1)
        return rate

    assert np.isnan(jax.jit(checked)(jnp.nan, 10**9))


# --- runs that would not happen ---

LATE = "attack_start=5: attack=spattack_o_d would never begin, must be below rounds=5"


@pytest.mark.parametrize(
    ("changes", "room", "schedule", "message"),
    [
        ({}, ROOM, (0, 0), "rounds="),
        ({}, ROOM, (5, -1), "eval_every="),
        ({"malicious_clients": 0}, 0, (), "malicious_clients=0: "),
        ({"malicious_clients": 0}, 29, (), "malicious_clients=0: "),
        ({"malicious_clients": 9}, 0, (), "malicious_clients=9: "),
        ({"malicious_clients": 9}, 2, (), "malicious_clients=9: the layout has room"),
        ({"malicious_clients": None}, 9, (), "malicious_clients=None: Experiment.with"),
        ({"attack_start": 5}, ROOM, (5,), LATE),
        (
            {"model": fedgnn(DIM, neighbours_per_item=2)},
            ROOM,
            (),
            "neighbours_per_item=2: the layout is planned without neighbours",
        ),
        *(
            (
                {"aggregator": rule, "expected_byzantine": None},
                ROOM,
                (),
                "expected_byzantine=None",
            )
            for rule in ("trimmed_mean", "classic_trimmed_mean", "krum")
        ),
    ],
)
def test_a_run_without_meaning_is_refused(changes, room, schedule, message):
    layout = small_layout().with_room(room)
    found = refusal(check_run, changed(ATTACKED, **changes), layout, *schedule)
    assert found.startswith(message)


def test_a_run_with_meaning_is_accepted():
    check_run(EXPERIMENT, small_layout(), 5, 10)
    check_run(changed(ATTACKED, malicious_clients=99), small_layout().with_room(99))
    late = changed(ATTACKED, attack_start=5)
    check_run(late, small_layout(), rounds=6)
    check_run(changed(late, attack="none"), small_layout(), rounds=5)
    untold = configured("none", "krum", expected_byzantine=None)
    check_run(changed(untold, expected_byzantine=0), small_layout())
    check_run(untold.with_data(NUM_USERS), small_layout())
    given = changed(untold, aggregator="classic_trimmed_mean:0.1")
    check_run(given, small_layout())
    with_neighbours = changed(EXPERIMENT, model=fedgnn(DIM, neighbours_per_item=2))
    check_run(with_neighbours, small_layout(with_neighbours=True))


def test_an_attack_of_a_ratio_that_adds_nobody_is_refused():
    attacked = Experiment(attack=spattack_o_d(), malicious_ratio=0)
    assert refusal(attacked.with_data, 99).startswith("malicious_ratio=0: ")
    few = dataclasses.replace(attacked, malicious_ratio=0.01)
    assert refusal(few.with_data, 98, "these data") == (
        "malicious_ratio=0.01: adds no malicious client to the 98 of these data; "
        "attack=spattack_o_d needs at least 0.010102, and the clean run is attack=none"
    )
    assert few.with_data(99).malicious_clients == 1
    enough = dataclasses.replace(attacked, malicious_ratio=0.010102)
    assert enough.with_data(98).malicious_clients == 1


# --- numbers, and all else ---

FULL = Experiment(
    learning_rate=0.2,
    regularization=0.3,
    participation=0.4,
    client_optimizer=sgd(0.5),
    server_optimizer=adam(0.6),
    attack=spattack_l_s(noise_scale=0.7, max_poisoned_items=8),
    malicious_ratio=0.09,
    malicious_clients=10,
    attack_start=11,
    aggregator=chain(clip_by_norm(12.0), median()),
    expected_byzantine=13,
    targets=(14, 15),
    privacy_clip=16.0,
    privacy_noise=17.0,
)


def test_the_leaves_of_an_experiment_are_its_numbers():
    numbers = [0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 8, 0.09, *range(10, 16), 16.0, 17.0]
    assert sorted(jax.tree.leaves(FULL)) == sorted(numbers)
    # Sizes are none, as shapes follow from them.
    sizes = {"model": fedmf(9), "num_candidates": 9, "pseudo_items": 9}
    assert jax.tree.leaves(changed(FULL, **sizes)) == jax.tree.leaves(FULL)


def test_numbers_are_no_part_of_the_structure_and_all_else_is():
    structure = jax.tree.structure(FULL)
    # Whole numbers where others are meant count as such.
    again = changed(FULL, learning_rate=1, attack=spattack_l_s(2, 3))
    assert jax.tree.structure(again) == structure
    assert hash(jax.tree.structure(again)) == hash(structure)
    dense: Scope = "dense"
    others = [
        {"participation": None},
        {"privacy_clip": None, "privacy_noise": 0.0},
        {"client_optimizer": sgd()},
        {"server_optimizer": sgd(0.6)},
        {"attack": lie(scope=dense)},
        {"attack": lie(2.0, scope=dense)},
        {"attack": lie(2.0, scope="sparse")},
        {"aggregator": median()},
        {"aggregator": chain(clip_by_norm(12.0), krum())},
        {"aggregator": chain(clip_by_norm(12.0), krum("plain"))},
        {"model": fedmf(9)},
        {"model": mlp()},
        {"targets": (14,)},
        {"ranking": "full"},
        {"num_candidates": 9},
        {"metrics": (hit_ratio(5),)},
    ]
    found = {jax.tree.structure(changed(FULL, **changes)) for changes in others}
    assert len(found | {structure}) == len(others) + 1


# --- what follows from the data ---


@pytest.mark.parametrize(
    "experiment",
    [
        Experiment(),
        Experiment(attack=spattack_o_d(), malicious_ratio=0.3, participation=0.5),
        Experiment(attack=lie(), malicious_clients=2, expected_byzantine=1),
        Experiment(metrics=(exposure(5),), targets=(3, 4)),
        EXPERIMENT,
        FULL,
    ],
)
def test_with_data_twice_changes_nothing(experiment):
    settled = experiment.with_data(NUM_USERS)
    assert settled.with_data(NUM_USERS) == settled
    assert settled.with_data(7 * NUM_USERS) == settled


def test_with_data_fills_in_what_follows_from_the_number_of_clients():
    clean = Experiment(malicious_ratio=0.2).with_data(NUM_USERS)
    # The server expects as many in a clean run, too.
    assert (clean.malicious_clients, clean.expected_byzantine) == (0, ROOM)
    attacked = Experiment(attack=lie(), malicious_ratio=0.2).with_data(NUM_USERS)
    assert (attacked.malicious_clients, attacked.expected_byzantine) == (ROOM, ROOM)
    own = dataclasses.replace(attacked, malicious_clients=1, expected_byzantine=0)
    assert own.with_data(NUM_USERS) == own


def test_with_data_leaves_out_numbers_that_no_program_asks_for():
    settled = Experiment().with_data(NUM_USERS)
    assert settled.participation is None
    assert settled.targets == ()
    some = Experiment(metrics=(exposure(5),), participation=0.5).with_data(NUM_USERS)
    assert some.participation == 0.5
    assert some.targets == Experiment().targets


# --- the server's rule ---

ROWS = np.array([[-9.0], [0.0], [1.0], [2.0], [30.0]], np.float32)


@pytest.mark.parametrize(
    ("aggregator", "changes", "expected"),
    [
        ("mean", {}, 24 / 5),
        ("median", {}, 1.0),
        ("norm:1.5", {}, 2.5 / 5),
        ("clip_by_norm:1.5+mean", {}, 2.5 / 5),
        ("clip_by_norm:0.5+median", {}, 0.5),
        ("mean", {"aggregation": "dense"}, 24 / 10),
        ("median", {"aggregation": "dense"}, 0.0),
        ("clip_by_norm:1.5+mean", {"aggregation": "dense"}, 2.5 / 10),
        ("trimmed_mean", {"expected_byzantine": 3}, 0.5),
        # One at each end: the share is 2 / 10 clients, or the one given.
        ("classic_trimmed_mean", {"expected_byzantine": 2}, 1.0),
        ("classic_trimmed_mean:0.1", {"expected_byzantine": 2}, 24 / 5),
        ("krum", {"expected_byzantine": 1}, 1.0),
    ],
)
def test_the_rule_is_the_one_that_the_experiment_names(aggregator, changes, expected):
    experiment = configured("none", aggregator, **{"expected_byzantine": 0} | changes)
    expected_byzantine = jnp.asarray(experiment.expected_byzantine)
    uploads = uploads_of(ROWS[None])._replace(participants=jnp.int32(10))
    found, _ = aggregate(experiment.rule(), uploads, expected_byzantine)
    np.testing.assert_allclose(found.rows, [[expected]], atol=1e-6)


# --- learning rates ---


@pytest.mark.parametrize(
    ("name", "first", "second"),
    [("sgd", -0.5, -0.5), ("momentum", -0.5, -0.95), ("adam", -0.5, -0.5)],
)
def test_optimisers_take_the_learning_rate_and_step_against_the_gradient(
    name, first, second
):
    """That of the experiment, unless they have one of their own."""
    shared = OPTIMIZERS[name]().make()(jnp.float32(0.5))
    own = OPTIMIZERS[name](learning_rate=0.5).make()(jnp.float32(9.0))
    for optimizer in (shared, own):
        value, gradient = jnp.zeros(1), jnp.ones(1)
        state = optimizer.init(value)
        for expected in (first, second):
            step, state = optimizer.update(gradient, state, value)
            np.testing.assert_allclose(jnp.asarray(step), [expected], rtol=1e-4)


@functools.cache
def steps_of_a_round(**changes: Any) -> tuple[np.ndarray, np.ndarray]:
    """How far users and items go from where they begin."""
    experiment = changed(EXPERIMENT, learning_rate=0.2, **changes)
    layout, given = small_layout(), drawn_values()
    begun = compiled_start(experiment, layout, jax.random.key(0), given)
    state, _ = one_round(experiment, layout, *begun, jnp.int32(0))
    users = user_embeddings(state) - np.asarray(given.user_embeddings)
    return users, np.asarray(state.item_embeddings) - np.asarray(given.item_embeddings)


def test_clients_and_server_share_a_learning_rate_or_have_one_of_their_own():
    users, items = steps_of_a_round()
    assert min(np.max(np.abs(step)) for step in (users, items)) > 0.1
    own = steps_of_a_round(client_optimizer=sgd(0.2), server_optimizer=sgd(0.2))
    jax.tree.map(np.testing.assert_array_equal, own, (users, items))
    of_clients = steps_of_a_round(client_optimizer=sgd(learning_rate=0.6))
    np.testing.assert_allclose(of_clients[0], 3 * users, atol=1e-5)
    np.testing.assert_array_equal(of_clients[1], items)
    of_server = steps_of_a_round(server_optimizer=sgd(learning_rate=0.0))
    np.testing.assert_array_equal(of_server[0], users)
    np.testing.assert_array_equal(of_server[1], 0)
