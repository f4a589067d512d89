"""What holds for every attack, and the parts that they share."""

import functools
import math
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaxfr.attacks import (
    ATTACKS,
    CLEAN,
    Knowledge,
    LimitedAttack,
    OmniscientAttack,
    RoundView,
    Task,
    WhiteBoxAttack,
    malicious_rows,
    same_rows,
)
from jaxfr.attacks import malicious_client_count as count
from jaxfr.attacks.base import malicious_uploads
from jaxfr.attacks.rows import attacked_items
from jaxfr.devices import WHOLE, spread
from jaxfr.models import fedmf
from jaxfr.parts import part
from jaxfr.uploads import Uploads, append_tables, item_sums, item_table, row_counts
from tests.attacks.known import knowledge_of, view_of
from tests.attacks.scopes import benign_uploads
from tests.uploads.samples import DIM, NUM_ITEMS

TASK = Task(fedmf(DIM).make(), 0.1, 0.1)
OMNISCIENT = {"spattack_o_d", "spattack_o_s", "cluster", "gaussian", "lie"}
OMNISCIENT |= {"fang", "fang_full_knowledge", "sign_flip", "ipm", "min_max", "min_sum"}
OMNISCIENT |= {"ua_mean", "invert_head", "invert_tail", "promote", "mix"}
OMNISCIENT |= {"fake_profile", "knapsack", "copied_sets", "groups", "sleeper"}
OMNISCIENT |= {"copied_profiles"}
OMNISCIENT |= {"byz_mean", "mimic", "water_filling"}
OMNISCIENT |= {"anchor_drift", "sign_guard_aware", "decorrelated"}
SILENT = {CLEAN, "poison_frs"}  # in the first rounds
BENIGN_CLIENTS = 20
every_attack = pytest.mark.parametrize("name", ATTACKS)


def knowledge(clients: int) -> Knowledge:
    activity = [1, 2] * (BENIGN_CLIENTS // 2)
    return knowledge_of([5, 4, 3, 2, 1, 0], clients, DIM, activity, task=TASK)


def upload(name: str, acting: jax.Array, benign: Uploads) -> Uploads:
    """In round 2, from the attack's start."""
    attack = ATTACKS[name]().make()
    state = attack.init(jax.random.key(1), knowledge(acting.size))
    view = view_of(benign.item_embeddings, acting, 2, TASK, BENIGN_CLIENTS)

    def served(uploads: Uploads) -> jax.Array:
        both = append_tables(benign, uploads)
        return benign.item_embeddings - item_sums(both)

    return malicious_uploads(attack, state, view, benign, served)[0]


def named(benign: Uploads) -> Uploads:
    """The same rows, each bundle from a client of its own, and those of tables, too."""
    bundles = jnp.arange(benign.vector.size)
    tables = tuple(
        table._replace(
            senders=jnp.ones((1, table.weight.shape[1], 1), bool),
            client=jnp.array([0]),
        )
        for table in benign.tables
    )
    return benign._replace(client=bundles, tables=tables)


compiled = jax.jit(upload, static_argnames="name")


def sent(name: str, acting: list[bool]) -> tuple[np.ndarray, ...]:
    """The sums and the counts of each item's rows, and who took part."""
    found = compiled(name, jnp.array(acting, bool), named(benign_uploads(0)))
    assert found.item.size == 0
    parts = item_sums(found), row_counts(found), found.participants
    return tuple(map(np.asarray, parts))


@every_attack
def test_room_for_clients_that_do_not_act_changes_nothing(name):
    few, more = (sent(name, [True, False, True, *[False] * room]) for room in (0, 3))
    for one, other in zip(few, more, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
    assert few[2] == (0 if name == CLEAN else 2)
    assert few[1].any() == (name not in SILENT)


@every_attack
def test_it_says_whether_each_client_sends_rows_of_its_own(name):
    def rows_per_item(clients: int) -> int:
        acting, benign = jnp.ones(clients, bool), named(benign_uploads(0))
        found = jax.eval_shape(functools.partial(upload, name), acting, benign)
        return found.tables[0].weight.shape[1]

    own = rows_per_item(5) == 5 and rows_per_item(7) == 7
    assert own == ATTACKS[name]().make().sends_own_rows


def test_rows_that_are_not_sent_are_shown_as_zeros():
    @part
    def of_the_first_item() -> OmniscientAttack:
        def send(state: object, view: RoundView, benign: Uploads) -> tuple:
            sent = jnp.arange(view.item_embeddings.shape[0]) == 0
            return same_rows(jnp.ones_like(view.item_embeddings), view, sent), state

        return OmniscientAttack(lambda key, known: (), send)

    shown = malicious_rows(of_the_first_item(), benign_uploads(0))
    assert shown[0].all()
    assert not shown[1:].any()


@pytest.mark.parametrize("acting", [[], [False] * 3])
@every_attack
def test_where_nobody_acts_nothing_is_sent(name, acting):
    sums, counts, participants = sent(name, acting)
    assert not sums.any()
    assert not counts.any()
    assert participants == 0


# Clusters are found by every device, rows are drawn and pairs worked off by some.
@pytest.mark.parametrize(
    "name", ["label_flip", "fed_attack", "cluster", "gaussian", "psmu"]
)
def test_devices_that_share_the_work_send_what_one_sends(name):
    # Tables, which every device has.
    rows = np.random.default_rng(0).normal(size=(NUM_ITEMS, 2, DIM))
    sent_twice = jnp.full((NUM_ITEMS, 2), 2)
    benign = item_table(
        jnp.float32(rows), sent_twice, jnp.float32(rows[:, 0]), jnp.int32(9)
    )
    arguments = jnp.array([True, False, True]), benign
    run = functools.partial(upload, name)
    found = jax.jit(spread(run, 4, (WHOLE, WHOLE), WHOLE))(*arguments)
    expected = compiled(name, *arguments)
    close = functools.partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-6)
    jax.tree.map(close, found, expected)


@every_attack
def test_it_poisons_the_items_that_it_says_and_tells_its_noise(name):
    attack = ATTACKS[name]().make()
    known = knowledge(3)
    state = attack.init(jax.random.key(1), known)
    poisoned = np.asarray(attack.poisoned_items(state, known))
    assert poisoned.shape == (3, NUM_ITEMS)
    some = {"spattack_o_s", "spattack_l_s", "label_flip", CLEAN}
    some |= {"eb", "a_ra", "a_hum", "pieck_ipe", "pieck_uea", "pip_attack"}
    assert poisoned.all() == (name not in some)
    assert poisoned.any() == (name != CLEAN)
    has_noise = attack.uploaded_noise(state) is not None
    assert has_noise == name.startswith("spattack_l")


@every_attack
def test_an_attack_is_of_the_kind_that_sees_what_it_knows(name):
    white_box = name.startswith("optimal") or name == "white_box"
    other = WhiteBoxAttack if white_box else LimitedAttack
    kind = OmniscientAttack if name in OMNISCIENT else other
    assert isinstance(ATTACKS[name]().make(), kind)


# --- what an attacker is shown ---

VIEW = view_of(jnp.ones((2, 1)), jnp.ones(1, bool), 3)
BENIGN = item_table(
    jnp.ones((2, 1, 1)), jnp.ones((2, 1), jnp.int32), VIEW.item_embeddings, jnp.int32(1)
)


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        (LimitedAttack, ("state", VIEW)),
        (OmniscientAttack, ("state", VIEW, BENIGN)),
        (WhiteBoxAttack, ("state", VIEW, BENIGN, row_counts)),
    ],
)
def test_an_attack_is_shown_what_its_kind_may_see(kind, shown):
    def upload(*arguments):
        seen.extend(arguments)
        return BENIGN, "next state"

    seen = []
    attack = kind(init=None, upload=upload)
    uploads, state = malicious_uploads(attack, "state", VIEW, BENIGN, row_counts)
    assert len(seen) == len(shown)
    assert all(found is expected for found, expected in zip(seen, shown, strict=True))
    assert uploads is BENIGN
    assert state == "next state"
    # What it does not say: it poisons all items, and has no noise.
    poisoned = attack.poisoned_items("state", knowledge_of([3, 1, 0], clients=2))
    np.testing.assert_array_equal(poisoned, np.ones((2, 3), bool))
    assert attack.uploaded_noise("state") is None
    assert attack.needs == ()


def test_the_dense_scope_attacks_all_items_and_the_sparse_one_those_with_rows():
    received = jnp.array([2, 0, 1])
    assert attacked_items("dense", received).tolist() == [True] * 3
    assert attacked_items("sparse", received).tolist() == [True, False, True]


@pytest.mark.parametrize("items", [None, np.array([True, True, False, True])])
def test_one_row_counts_for_all_that_act(items):
    rows = np.random.default_rng(0).normal(size=(4, 2)).astype(np.float32)
    acting = np.array([True, False, True])
    chosen = None if items is None else jnp.asarray(items)
    uploads = same_rows(jnp.asarray(rows), view_of(jnp.zeros((4, 2)), acting), chosen)
    number = 2 * (np.ones(4, bool) if items is None else items)
    (table,) = uploads.tables
    assert table.rows.shape == (4, 1, 2)
    assert uploads.participants == 2
    np.testing.assert_array_equal(table.senders, acting[None, None])
    np.testing.assert_array_equal(row_counts(uploads), number)
    np.testing.assert_allclose(item_sums(uploads), number[:, None] * rows, rtol=1e-6)


# --- how many malicious clients a share stands for ---


@pytest.mark.parametrize(
    ("ratio", "expected"),
    [(0, 0), (0.01, 9), (0.03, 29), (0.05, 49), (0.10, 104), (0.15, 166), (0.5, 943)],
)
def test_the_paper_s_shares_of_ml_100k(ratio, expected):
    assert count(943, ratio) == expected


@given(st.integers(1, 10**5), st.integers(0, 99))
def test_malicious_clients_are_the_largest_number_within_their_share(n, percent):
    share = Fraction(percent, 100)
    exact = math.floor(n * share / (1 - share))
    assert count(n, percent / 100) == exact
    assert Fraction(exact, n + exact) <= share < Fraction(exact + 1, n + exact + 1)
