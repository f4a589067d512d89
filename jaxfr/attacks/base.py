"""The interface of attacks, split by what an attacker may see.

A limited attacker's ``upload`` is never handed benign rows, so it cannot use them, and
only a white-box one is handed the server. What all see is what the server sends to
every client.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.contracts import ask, check_uploads, refuse, with_state
from jaxfr.errors import InvalidInputError
from jaxfr.models import Model, fedmf
from jaxfr.parts import Part, made
from jaxfr.sampling import KEY_KIND
from jaxfr.shapes import Bool, Float, Int
from jaxfr.showing import by_shapes
from jaxfr.uploads import Uploads, row_counts

AttackState = Any
"""A pytree of the attack's own."""


@by_shapes
class Task(NamedTuple):
    """What the server asks every client to train, and how.

    >>> fr.attacks.Task(fr.models.fedmf(2).make(), 0.01, 0.1).learning_rate
    0.01

    Attributes:
        learning_rate: with which a client trains its embedding, scalar.
        regularization: L2 coefficient lambda in its gradients, scalar.
    """

    model: Model
    learning_rate: Array | float
    regularization: Array | float


@by_shapes
class Knowledge(NamedTuple):
    """What attackers know before training.

    >>> fr.Knowledge._fields[:2]
    ('task', 'item_popularity')

    Attributes:
        task: what every client is asked to train.
        item_popularity: interactions of each item, training and test.
        most_uploaded: the largest number of distinct items that one benign client
            uploads.
        malicious_clients: room for malicious clients, static; which of them exist and
            take part, each round says.
        embedding_dim: embedding size d, static.
        client_activity: training items of each benign client.
        targets: items that a targeted attack promotes; those whose exposure is
            measured.
        noise: the noise to upload instead of drawing it or None.
        public_items: training items of each benign client that everybody may know of,
            ``LimitedAttack.public_items`` of them, padded with ``PADDING_ITEM``; None
            for 0.
    """

    task: Task
    item_popularity: Int[Array, " m"]
    most_uploaded: Int[Array, ""]
    malicious_clients: int
    embedding_dim: int
    client_activity: Int[Array, " n"]
    targets: Int[Array, " targets"]
    noise: Float[Array, "m d"] | None = None
    public_items: Int[Array, "n public"] | None = None


@by_shapes
class RoundView(NamedTuple):
    """What every malicious client sees of a round.

    >>> fr.RoundView._fields
    ('round', 'item_embeddings', 'taking_part', 'task', 'benign_clients')

    Attributes:
        round: number of the round, from 0.
        item_embeddings: as the server sent them out.
        taking_part: malicious clients that act this round.
        task: what every client is asked to train.
        benign_clients: their number n, static; benign uploads name them by numbers
            below it, the same in all rounds.
    """

    round: Int[Array, ""]
    item_embeddings: Float[Array, "m d"]
    taking_part: Bool[Array, " malicious_clients"]
    task: Task
    benign_clients: int = 0


Init = Callable[[Array, Knowledge], AttackState]
"""Draws, from a random key, what the attack fixes before round 0."""

TableAfter = Callable[[Uploads], Array]
"""The item embeddings after this round, ``[m, d]``, as a function of malicious uploads.

It goes through all stages, the rule and the server's step, with this round's benign
uploads, and has derivatives: those of a rule that chooses rows are those of what it
chooses, but for ties.
"""

Uploaded = tuple[Uploads, AttackState]
"""The malicious uploads of a round, an :func:`~jaxfr.item_table`, and the new state."""

LimitedUpload = Callable[[AttackState, RoundView], Uploaded]
"""Makes the malicious uploads of a round without seeing benign ones."""

OmniscientUpload = Callable[[AttackState, RoundView, Uploads], Uploaded]
"""Makes them knowing the benign uploads of this round, as the server received them
(after clipping, where it clips)."""

WhiteBoxUpload = Callable[[AttackState, RoundView, Uploads, TableAfter], Uploaded]
"""Makes them knowing benign ones, and what the server will make of uploads."""

PoisonedItems = Callable[[AttackState, Knowledge], Array]
"""Which items each malicious client poisons, bool ``[malicious_clients, m]``."""

UploadedNoise = Callable[[AttackState], Array | None]
"""The noise that the attack uploads, float32 ``[m, d]``; None without any."""


def draws_nothing(key: Array, knowledge: Knowledge) -> AttackState:
    """``Init`` of an attack that fixes and remembers nothing."""
    del key, knowledge
    return ()


def poisons_all_items(state: AttackState, knowledge: Knowledge) -> Array:
    """``PoisonedItems`` where every malicious client may poison all items."""
    del state
    shape = knowledge.malicious_clients, knowledge.item_popularity.size
    return jnp.ones(shape, bool)


def without_noise(state: AttackState) -> None:
    """``UploadedNoise`` of an attack that has no noise matrix."""
    del state


@by_shapes
class LimitedAttack(NamedTuple):
    """An attack that cannot see benign uploads.

    >>> isinstance(fr.attacks.spattack_l_d().make(), fr.LimitedAttack)
    True

    Attributes:
        init: draws what the attack fixes.
        upload: makes the malicious uploads of a round.
        poisoned_items: which items are poisoned, for the record.
        uploaded_noise: the noise that is uploaded, for the record.
        needs: fields of ``Model``, None in some models, without which it does nothing.
        promotes_targets: whether it reads ``Knowledge.targets``.
        public_items: how many training items of each benign client it is to be told.
        sends_own_rows: whether each malicious client sends rows of its own, so that a
            program costs by how many it has room for.
    """

    init: Init
    upload: LimitedUpload
    poisoned_items: PoisonedItems = poisons_all_items
    uploaded_noise: UploadedNoise = without_noise
    needs: tuple[str, ...] = ()
    promotes_targets: bool = False
    public_items: int = 0
    sends_own_rows: bool = False


@by_shapes
class OmniscientAttack(NamedTuple):
    """An attack that sees the benign uploads of the round; as ``LimitedAttack``.

    >>> isinstance(fr.attacks.lie().make(), fr.OmniscientAttack)
    True

    Attributes:
        needs_rows: whether it reads single rows, and not only what they sum up to and
            how many they are.
    """

    init: Init
    upload: OmniscientUpload
    poisoned_items: PoisonedItems = poisons_all_items
    uploaded_noise: UploadedNoise = without_noise
    needs: tuple[str, ...] = ()
    needs_rows: bool = True
    promotes_targets: bool = False
    sends_own_rows: bool = False


@by_shapes
class WhiteBoxAttack(NamedTuple):
    """An attack that sees the whole server, too; as ``LimitedAttack``.

    >>> attack = fr.WhiteBoxAttack(lambda key, known: (), lambda *seen: ...)
    >>> attack.needs
    ()
    """

    init: Init
    upload: WhiteBoxUpload
    poisoned_items: PoisonedItems = poisons_all_items
    uploaded_noise: UploadedNoise = without_noise
    needs: tuple[str, ...] = ()
    promotes_targets: bool = False
    sends_own_rows: bool = False


Attack = LimitedAttack | OmniscientAttack | WhiteBoxAttack
"""Any attack; its type says what it may see."""


def malicious_uploads(
    attack: Attack,
    state: AttackState,
    view: RoundView,
    benign: Uploads,
    after: TableAfter,
) -> Uploaded:
    """Asks the attack for its uploads, and shows it what its kind may see.

    Raises:
        InvalidInputError: if it returns anything but a table of rows and a state.
    """
    seen: dict[str, Any] = {}
    if not isinstance(attack, LimitedAttack):
        seen["benign"] = benign
    if isinstance(attack, WhiteBoxAttack):
        seen["after"] = after
    returned = ask(attack.upload, state=state, view=view, **seen)
    sent, state = with_state(attack.upload, returned, state, "uploads")
    check_uploads(attack.upload, sent, view.item_embeddings.shape)
    if sent.item.size > 0:
        refuse(
            attack.upload,
            "returned uploads with scattered rows, as benign clients send them; must "
            "be a table, as fr.same_rows and fr.item_table make it",
        )
    return sent, state


def malicious_rows(
    attack: Attack | Part[Attack], benign: Uploads, malicious_clients: int = 1
) -> Float[Array, "m rows d"]:
    """What an attack, but for a white-box one, uploads in a first round, to try it.

    >>> benign = fr.uploads_of([[[1.0], [2.0], [9.0]]])  # 1 item, 3 clients, d = 1
    >>> fr.attacks.malicious_rows(fr.attacks.spattack_o_d(), benign)
    Array([[[-12.]]], dtype=float32)

    The model is FedMF, every item is as popular as it has benign rows, the target is
    item 0, and random draws are those of one fixed key.

    Args:
        attack: the attack.
        benign: the benign uploads, such as from ``fr.uploads_of``.
        malicious_clients: their number.

    Returns:
        The rows of each item, zeros where none is sent; one that all malicious clients
        send alike stands once.

    Raises:
        InvalidInputError: if it is a white-box attack.
    """
    whole: Attack = made(attack)
    if isinstance(whole, WhiteBoxAttack):
        raise InvalidInputError("attack: sees the server, and there is none")
    num_items, dim = benign.item_embeddings.shape
    task = Task(fedmf(dim).make(), 0.01, 0.1)
    # No client has a number that is not below that of all bundles of rows.
    clients = benign.vector.size
    known = Knowledge(
        task, row_counts(benign), jnp.int32(num_items), malicious_clients, dim,
        client_activity=jnp.ones(clients, jnp.int32), targets=jnp.zeros(1, jnp.int32),
    )  # fmt: skip
    acting = jnp.ones(malicious_clients, bool)
    view = RoundView(jnp.int32(0), benign.item_embeddings, acting, task, clients)
    state = whole.init(jax.random.key(0, impl=KEY_KIND), known)

    def without_server(sent: Uploads) -> Array:
        return sent.item_embeddings

    uploads, _ = malicious_uploads(whole, state, view, benign, without_server)
    return jnp.concatenate(
        [jnp.where(t.weight[..., None] > 0, t.rows, 0.0) for t in uploads.tables],
        axis=1,
    )


def malicious_client_count(benign_clients: int, malicious_ratio: float | int) -> int:
    """Malicious clients to add, ``floor(n rho / (1 - rho))``.

    >>> fr.attacks.malicious_client_count(943, 0.05)
    49

    They are then a share of at most ``malicious_ratio`` rho of all clients.

    Args:
        benign_clients: number of benign clients n.
        malicious_ratio: share rho of all clients, in [0, 1).
    """
    exact = benign_clients * malicious_ratio / (1 - malicious_ratio)
    # What is whole but for rounding counts as whole (0.9 of 10 clients: 90, not 89).
    return int(exact * (1 + 1e-12))


def least_benign_clients(malicious_ratio: float | int) -> int:
    """The fewest benign clients to whom a ratio adds a malicious one.

    Args:
        malicious_ratio: share rho of all clients, in (0, 1).
    """
    return math.ceil((1 - malicious_ratio) / malicious_ratio)
