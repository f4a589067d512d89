"""What a run starts from, what its seed fixes, and what its rounds change."""

from typing import NamedTuple

import optax
from jax import Array

from jaxfr.aggregators.base import ServerState
from jaxfr.attacks.base import AttackState
from jaxfr.clients.update import ClientState
from jaxfr.devices import Own
from jaxfr.evaluation.outcome import Outcome
from jaxfr.showing import by_shapes
from jaxfr.training.pairs import Pairs


@by_shapes
class GivenValues(NamedTuple):
    """Values to start from instead of drawing them; each may be None.

    Attributes:
        user_embeddings: float32 ``[n, d]``.
        item_embeddings: float32 ``[m, d]``.
        negatives: for each training pair in the data set's order, int32
            ``[pairs]``; they replace the fixed negatives. The layout is to be planned
            with them, see ``plan_layout``.
        noise: noise of the L attacks, float32 ``[m, d]``.
        weights: the model's shared weights as one row of numbers, float32 ``[w]``.
    """

    user_embeddings: Array | None = None
    item_embeddings: Array | None = None
    negatives: Array | None = None
    noise: Array | None = None
    weights: Array | None = None


@by_shapes
class Setup(NamedTuple):
    """What a seed fixes for all rounds.

    Attributes:
        key: the run's random key.
        pairs: the fixed pairs, or those of round 0 where they are drawn anew.
        candidates: the items that each test item is ranked among, int32
            ``[n, num_candidates]``; empty where no metric is of sampled ranking.
        neighbours: of each training pair, int32 ``[pairs, neighbours_per_item]``.
        within_third: candidates of each test item's popularity third, padded with
            ``PADDING_ITEM``, int32 ``[n, num_candidates]``; empty where no metric asks.
        targets: items whose exposure is measured, int32 ``[num_targets]``.
        most_popular: what an evaluation finds that ranks items by their degree.
        server_ids: by which number the server knows each client, malicious ones behind
            the benign ones, a permutation, int32 ``[n + malicious_clients]``; None
            where it does not ask.
    """

    key: Array
    pairs: Pairs
    candidates: Own[Array]
    neighbours: Own[Array]
    within_third: Own[Array]
    targets: Array
    most_popular: Outcome
    server_ids: Array | None


@by_shapes
class Table(NamedTuple):
    """Rows that the server keeps, each aggregated on its own.

    Attributes:
        values: float32 ``[rows, numbers]``.
        optimizer: the state of the server's optimiser.
        attack: the attackers' state.
        server: the state of the server's stages and rule.
        last_aggregate: what the rule made in the round before, of the values' shape; 0
            before round 0.
    """

    values: Array
    optimizer: optax.OptState
    attack: AttackState
    server: ServerState
    last_aggregate: Array


@by_shapes
class TrainingState(NamedTuple):
    """What a round changes.

    Attributes:
        clients: the benign clients' private state, leading axis ``[n]``.
        items: the item embeddings, values ``[m, d]``.
        weights: the model's shared weights as a single row, values ``[1, w]``; None
            for a model without.
    """

    clients: Own[ClientState]
    items: Table
    weights: Table | None

    @property
    def item_embeddings(self) -> Array:
        """The item embeddings, float32 ``[m, d]``."""
        return self.items.values
