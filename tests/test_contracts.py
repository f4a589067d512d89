"""What a part must take and return is refused in a line that names its function."""

# pyright: reportArgumentType=false, reportReturnType=false

import functools
import re

import jax
import jax.numpy as jnp
import pytest

import jaxfr as fr
from jaxfr.aggregators import chained
from jaxfr.attacks import malicious_rows
from jaxfr.contracts import check_arguments
from jaxfr.evaluation.outcome import no_outcome

UPLOADS = fr.uploads_of([[[1.0], [2.0], [9.0]]])  # 1 item, 3 clients, d = 1
MEAN = fr.mean().make()


def before_mean(stage: fr.Stage) -> fr.Rule:
    return chained(stage, MEAN)


def stage(update) -> fr.Rule:
    return before_mean(fr.Stage(update=update))


def on_items(transform) -> fr.Rule:
    return before_mean(fr.aggregators.item_wise(transform))


RULES = {
    "a stage that returns uploads alone": (
        lambda: stage(lambda state, uploads, view: uploads),
        "returned Uploads; must return (uploads, state)",
    ),
    "a stage that returns rows": (
        lambda: stage(lambda state, uploads, view: (jnp.ones((1, 1)), state)),
        "returned float32[1, 1] as uploads; must be Uploads",
    ),
    "a stage without state that returns rows": (
        lambda: before_mean(fr.stateless_stage(lambda uploads, view: jnp.ones(3))),
        "returned float32[3] as uploads; must be Uploads",
    ),
    "a stage that changes its state's shape": (
        lambda: stage(lambda state, uploads, view: (uploads, jnp.ones(2))),
        "returned the state float32[2]; must be as the one that it was given and init",
    ),
    "a stage that takes too little": (
        lambda: stage(lambda state, uploads: (uploads, state)),
        "takes (state, uploads), must take (state, uploads, view)",
    ),
    "a stage that trusts each row as if it were a client": (
        lambda: stage(lambda s, u, view: (fr.trust_clients(u, jnp.ones(7)), s)),
        "returned uploads whose client_trust are float32[7]; must be [3]",
    ),
    "a stage that scales other rows": (
        lambda: stage(lambda state, u, view: (u._replace(scale=jnp.ones(2)), state)),
        "returned uploads whose scale are float32[2]; must be [3]",
    ),
    "a change of each row that returns nothing": (
        lambda: before_mean(fr.row_wise(lambda uploads: None)),
        "returned None as uploads; must be Uploads",
    ),
    "a change of each item that returns a pair": (
        lambda: on_items(lambda uploads, view: (uploads, ())),
        "returned (Uploads, ()) as uploads; must be Uploads",
    ),
    "a rule that returns a number for each item": (
        lambda: fr.stateless_rule(lambda uploads, view: jnp.ones(1)),
        "returned the rows float32[1]; must be float32[1, 1], a row for each item",
    ),
    "a rule with a state that returns rows alone": (
        lambda: fr.Rule(lambda known: (), lambda state, uploads, view: jnp.ones(1)),
        "returned float32[1]; must return (rows, state)",
    ),
    "a rule that takes too much": (
        lambda: fr.stateless_rule(lambda uploads, view, seed: uploads),
        "takes (uploads, view, seed), must take (uploads, view)",
    ),
    "a state before round 0 that takes nothing": (
        lambda: fr.Rule(lambda: (), MEAN.update),
        "takes (), must take (knowledge)",
    ),
}


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("traced", [False, True])
def test_of_stages_and_rules(rule, traced):
    make, told = RULES[rule]
    attempt = functools.partial(fr.aggregate, make(), num_clients=3)
    with pytest.raises(fr.InvalidInputError) as refused:
        (jax.jit(attempt) if traced else attempt)(UPLOADS)
    place = re.match(rf"{__file__}:\d+ in .*<lambda>: ", str(refused.value))
    assert place
    assert str(refused.value)[place.end() :].startswith(told)


def test_a_stage_alone_is_no_rule_to_aggregate_with():
    with pytest.raises(
        fr.InvalidInputError, match=r"^rule: is a Stage, must be a rule"
    ):
        fr.aggregate(fr.clip_by_norm(), UPLOADS)


def wide(state, view):
    uploads = fr.same_rows(view.item_embeddings, view)
    (table,) = uploads.tables
    return uploads._replace(tables=(table._replace(rows=jnp.ones((1, 1, 2))),)), state


@pytest.mark.parametrize(
    ("upload", "told"),
    [
        (
            lambda state, view: jnp.ones((1, 1)),
            "returned float32[1, 1]; must return (u",
        ),
        (
            lambda state, view: (jnp.ones(3), state),
            "returned float32[3] as uploads; mu",
        ),
        (
            lambda state, view: (UPLOADS, state),
            "returned uploads with scattered rows, ",
        ),
        (lambda state: state, "takes (state), must take (state, view)"),
        (
            wide,
            "returned uploads whose rows are float32[1, 1, 2]; must be "
            "[1, rows_per_item, 1]",
        ),
    ],
)
def test_of_attacks(upload, told):
    attack = fr.LimitedAttack(lambda key, knowledge: (), upload)
    with pytest.raises(fr.InvalidInputError) as refused:
        malicious_rows(attack, UPLOADS)
    assert re.match(rf"{__file__}:\d+ in \S+: {re.escape(told)}", str(refused.value))


def test_of_metrics():
    with pytest.raises(fr.InvalidInputError, match=r"takes \(rank\), must take \(rank"):
        fr.mean_over_users("mine", lambda rank: rank, True)
    several = fr.mean_over_users("mine", lambda rank, _: jnp.ones(3) * rank, True)
    with pytest.raises(fr.InvalidInputError, match=r"must return one number of a rank"):
        no_outcome([several], 0)
    one = several._replace(count_user=lambda rank, others: rank)
    with pytest.raises(
        fr.InvalidInputError, match=r"returned int32\[\]; must be whole"
    ):
        no_outcome([one], 0)
    with pytest.raises(
        fr.InvalidInputError, match=r"takes \(\), must take \(rank, num"
    ):
        fr.Experiment(metrics=(one._replace(count_user=lambda: 0),))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (fr.hit_ratio, r"hit_ratio must be called, as in hit_ratio\(\.\.\.\)"),
        (fr.part(fr.hit_ratio), r"hit_ratio must be called, as in hit_ratio\(.*"),
        (fr.part(fr.hit_ratio)(3), r"hit_ratio\(cutoff=3\) is a part, .*\.make\(\)"),
        ("hr@3", r"'hr@3' must be a metric, such as jaxfr\.hit_ratio\(10\)"),
    ],
)
def test_what_is_no_metric_of_an_experiment_is_told_what_it_lacks(given, told):
    with pytest.raises(fr.InvalidInputError, match=f"^metrics: {told}$"):
        fr.Experiment(metrics=(given,))


def test_functions_that_are_wrapped_are_asked_for_what_they_take_themselves():
    for function in (jax.jit(lambda a, b: a), jax.vmap(lambda a, b: a), jnp.add):
        check_arguments(function, "ab")
    with pytest.raises(fr.InvalidInputError, match=r"takes \(a, b\), must take \(a\)"):
        check_arguments(jax.jit(lambda a, b: a), "a")
    with pytest.raises(fr.InvalidInputError, match=r"^3: is no function"):
        check_arguments(3, "ab")
