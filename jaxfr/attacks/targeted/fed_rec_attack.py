"""FedRecAttack: users approximated by the few items of theirs that are public."""

from typing import Annotated, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import Array

from jaxfr.attacks.base import AttackState, Knowledge, LimitedAttack, RoundView
from jaxfr.attacks.recommendation.fake_profiles import NEEDS
from jaxfr.attacks.rows import of_length
from jaxfr.attacks.targeted.pull import are_targets
from jaxfr.optimizers import init_rows, learn_rows
from jaxfr.parts import Number, part
from jaxfr.ranges import AMOUNT, POSITIVE, Range
from jaxfr.sampling import PADDING_ITEM, draw_by_popularity
from jaxfr.shapes import Bool, Float, Int
from jaxfr.side_by_side import where_needed
from jaxfr.uploads import Uploads, item_table
from jaxfr.uploads.norms import row_norm

RANKED = 10
"""How long the lists are that targets are to get into."""


class Approximated(NamedTuple):
    """What the colluding clients keep.

    Attributes:
        targets: items to promote.
        key: of which each round makes its own.
        public: items of each benign client that are public.
        users: the embeddings that benign clients are taken to have.
        optimizer: the state of the steps that these learn by.
        fillers: items beside the targets that each client sends rows for.
        chosen: whether fillers have been drawn.
    """

    targets: Int[Array, " targets"]
    key: Array
    public: Int[Array, "n public"]
    users: Float[Array, "n d"]
    optimizer: optax.OptState
    fillers: Bool[Array, "malicious_clients m"]
    chosen: Bool[Array, ""]


class Lift(NamedTuple):
    """What one user's list asks of the targets.

    Attributes:
        rival: the item whose place each target is to take.
        slope: derivative of the loss by how far the rival is ahead.
    """

    rival: Int[Array, " targets"]
    slope: Float[Array, " targets"]


@part
def fed_rec_attack(
    bound: Annotated[Number, POSITIVE] = 10.0,
    rows: Annotated[int, Range(1, 100_000, whole=True)] = 60,
    public_items: Annotated[int, Range(0, 1000, whole=True)] = 1,
    steps: Annotated[int, Range(1, 1000, whole=True)] = 4,
    rate: Annotated[Number, AMOUNT] = 0.01,
) -> LimitedAttack:
    """Lifts targets into the lists of users whom public interactions betray.

    ``public_items`` training items of each benign client are public. In each round, the
    malicious clients let an embedding for each client take ``steps`` steps of Adam on
    the BPR loss of its public items, each with a negative drawn anew, in the table that
    they were sent. Of each client's ten best items, public ones and targets left out,
    the last one is the first target's rival, the one before it the second's, and so
    on. With x the scores, the loss is the sum over clients and targets t of ``g(x_rival
    - x_t)``, ``g(x) = x`` for x >= 0 and ``e^x - 1`` below.

    Its derivative by the items is shared out: a malicious client sends rows for the
    targets and for ``rows`` - targets other items, which it draws once, in proportion
    to how long their derivative is in the first round. What one client cannot send in
    a row of norm ``bound`` is left to the next.

    >>> benign = fr.uploads_of([[[1.0], [2.0], [9.0]]])  # 1 item, 3 clients, d = 1
    >>> fr.attacks.malicious_rows(fr.attacks.fed_rec_attack(), benign).shape
    (1, 3, 1)

    Knows the item table, and the public items of each benign client.

    Source: Zhang et al., "FedRecAttack: Model poisoning attack to federated
    recommendation", ICDE 2022, and its released code. There 1 % of all interactions are
    public, one of a client of ML-100K on average, and not the same number of each; the
    server sums, and cuts every row, benign ones too, to norm 1. Here benign rows are as
    long as user embeddings, some 8, hence ``bound``. As there, nothing is promoted
    where nothing is public.

    Args:
        bound: on the norm of a row.
        rows: how many items a malicious client sends rows for.
        public_items: how many training items of each client are public.
        steps: by which users are approximated in a round; there one for 256 users.
        rate: of these steps.
    """
    descent = optax.adam(jnp.asarray(rate))

    def init(key: Array, knowledge: Knowledge) -> AttackState:
        key_users, key_rounds = jax.random.split(key)
        clients, dim = knowledge.client_activity.size, knowledge.embedding_dim
        public = knowledge.public_items
        if public is None:
            public = jnp.zeros((clients, 0), jnp.int32)
        users = knowledge.task.model.init_embeddings(key_users, clients, dim)
        shape = knowledge.malicious_clients, knowledge.item_popularity.size
        return Approximated(
            *(knowledge.targets, key_rounds, public, users, init_rows(descent, users)),
            fillers=jnp.zeros(shape, bool),
            chosen=jnp.zeros((), bool),
        )

    def upload(state: Approximated, view: RoundView) -> tuple[Uploads, AttackState]:
        table = view.item_embeddings
        round_key = jax.random.fold_in(state.key, view.round)
        learns = jnp.any(state.public != PADDING_ITEM, axis=1)

        def step(
            number: Array, learned: tuple[Array, optax.OptState]
        ) -> tuple[Array, optax.OptState]:
            users, optimizer = learned
            step_key = jax.random.fold_in(round_key, number)
            negatives = draw_negatives(step_key, state.public, table.shape[0])
            slopes = jax.vmap(user_gradient, in_axes=(0, 0, 0, None))
            gradient = slopes(users, state.public, negatives, table)
            return learn_rows(descent, users, optimizer, gradient, learns)

        learned = state.users, state.optimizer
        users, optimizer = jax.lax.fori_loop(0, steps, step, learned)
        by_items = lifting_gradient(users, state.public, state.targets, table)

        others = max(rows - state.targets.size, 0)
        acts = jnp.any(view.taking_part)
        fillers = where_needed(
            ~state.chosen,
            lambda: draw_fillers(state.key, by_items, state, others),
            lambda: state.fillers,
        )
        sends = (fillers | are_targets(state.targets, table.shape[0])).T
        sent = share_out(by_items, sends & view.taking_part, jnp.asarray(bound), view)
        kept = state._replace(users=users, optimizer=optimizer)
        return sent, kept._replace(fillers=fillers, chosen=state.chosen | acts)

    return LimitedAttack(
        init, upload, needs=NEEDS, promotes_targets=True, public_items=public_items
    )


def draw_negatives(
    key: Array, public: Int[Array, "n public"], num_items: int
) -> Int[Array, "n public"]:
    """For each public item one that is not among the client's, uniformly."""
    ascending = jnp.sort(public, axis=1)
    left = num_items - jnp.sum(public != PADDING_ITEM, axis=1, keepdims=True)
    rank = jax.random.randint(key, public.shape, 0, jnp.maximum(left, 1))
    # The rank-th item that is left comes behind so many that are public.
    before = ascending - jnp.arange(public.shape[1])
    passed = before[:, None, :] <= rank[:, :, None]
    return rank + jnp.sum(passed, axis=2)


def user_gradient(
    user: Float[Array, " d"],
    positives: Int[Array, " public"],
    negatives: Int[Array, " public"],
    items: Float[Array, "m d"],
) -> Float[Array, " d"]:
    """Derivative by u of ``-sum over pairs of ln sigma(u . v_j - u . v_k)``."""
    ahead = items.at[positives].get(mode="clip") - items.at[negatives].get(mode="clip")
    slope = jnp.where(positives == PADDING_ITEM, 0.0, jax.nn.sigmoid(-ahead @ user))
    return -slope @ ahead


def lift(
    user: Float[Array, " d"],
    public: Int[Array, " public"],
    targets: Int[Array, " targets"],
    items: Float[Array, "m d"],
) -> Lift:
    """What one user's list asks of the targets; nothing of those that are public."""
    scores = items @ user
    left = scores.at[targets].set(-jnp.inf).at[public].set(-jnp.inf, mode="drop")
    count = min(RANKED, items.shape[0])
    best, rivals = jax.lax.top_k(left, count)
    wanted = ~jnp.any(targets[:, None] == public, axis=1)
    place = jnp.maximum(count - jnp.cumsum(wanted), 0)
    behind = best[place] - scores[targets]
    slope = jnp.exp(jnp.minimum(behind, 0.0))
    return Lift(rivals[place], jnp.where(wanted, slope, 0.0))


def lifting_gradient(
    users: Float[Array, "n d"],
    public: Int[Array, "n public"],
    targets: Int[Array, " targets"],
    items: Float[Array, "m d"],
) -> Float[Array, "m d"]:
    """Derivative of the loss by the items, summed over users."""
    found = jax.vmap(lift, in_axes=(0, 0, None, None))(users, public, targets, items)
    by_rivals = found.slope[..., None] * users[:, None]
    pushed = jnp.zeros_like(items).at[found.rival].add(by_rivals)
    return pushed.at[targets].add(-jnp.sum(by_rivals, axis=0))


def draw_fillers(
    key: Array, by_items: Float[Array, "m d"], state: Approximated, count: int
) -> Bool[Array, "malicious_clients m"]:
    """Draws each client's items beside the targets."""
    length = row_norm(by_items).at[state.targets].set(0.0)
    clients = jnp.arange(state.fillers.shape[0])
    keys = jax.vmap(jax.random.fold_in, in_axes=(None, 0))(key, clients)

    def of_client(key: Array) -> Array:
        return draw_by_popularity(key, length, jnp.int32(count))

    return jax.lax.map(of_client, keys)


def share_out(
    rows: Float[Array, "m d"],
    sends: Bool[Array, "m malicious_clients"],
    bound: Array,
    view: RoundView,
) -> Uploads:
    """Uploads whose rows of an item add up to one row, as far as a bound lets them.

    The clients that send an item take turns: each sends what is left of the row, but no
    more than the bound, and the rest send zeros.
    """
    length = row_norm(rows)
    clients = sends.shape[1]
    in_full = jnp.minimum(jnp.floor(length / bound), clients).astype(jnp.int32)
    left = length - in_full * bound
    zeros = jnp.zeros_like(rows)
    parts = of_length(rows, bound), of_length(rows, left[:, None])
    turn = jnp.cumsum(sends, axis=1, dtype=jnp.int32) - 1
    kinds = (turn < in_full[:, None], turn == in_full[:, None], turn > in_full[:, None])
    senders = jnp.stack([kind & sends for kind in kinds], axis=1)
    weight = jnp.sum(senders, axis=2, dtype=jnp.int32)
    acting = jnp.sum(view.taking_part, dtype=jnp.int32)
    table = jnp.stack([*parts, zeros], axis=1)
    return item_table(table, weight, view.item_embeddings, acting, senders)
