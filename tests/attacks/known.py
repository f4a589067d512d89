"""What attackers know and see, as far as a test does not say it."""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxfr.attacks import Knowledge, RoundView, Task
from jaxfr.models import fedmf

TASK = Task(fedmf().make(), learning_rate=0.01, regularization=0.1)


def knowledge_of(
    popularity: Sequence[int] | np.ndarray,
    clients: int,
    dim: int = 2,
    activity: Sequence[int] = (1, 2),
    most_uploaded: int = 3,
    task: Task = TASK,
    targets: Sequence[int] = (0,),
) -> Knowledge:
    """What attackers know before training."""
    return Knowledge(
        task=task,
        item_popularity=jnp.asarray(popularity, jnp.int32),
        most_uploaded=jnp.int32(most_uploaded),
        malicious_clients=clients,
        embedding_dim=dim,
        client_activity=jnp.asarray(activity, jnp.int32),
        targets=jnp.asarray(targets, jnp.int32),
    )


def view_of(
    items: Array | np.ndarray,
    acting: Array | np.ndarray,
    number: Array | int = 0,
    task: Task = TASK,
    benign_clients: int = 0,
) -> RoundView:
    """What every malicious client sees of a round."""
    return RoundView(
        jnp.asarray(number, jnp.int32),
        jnp.asarray(items),
        jnp.asarray(acting),
        task,
        benign_clients,
    )
