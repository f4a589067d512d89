"""Exposure of target items: what an attacker who promotes them is after."""

import functools

from jaxfr.evaluation.hit_ratio import hit_ratio
from jaxfr.evaluation.metric import Metric


@functools.cache  # so that the same metric is the same part of a program
def exposure(cutoff: int) -> Metric:
    """Exposure ratio at K of the run's target items, ``er@K``.

    The mean over targets of the share of users without the target who have it among
    the first K of all items that they did not train on; a user is without it where it
    is no training item of its own. So it is the targets' hit ratio in a full ranking.
    Less is better for users. A target that every user holds is left out.

    By chance a user has a target on its list with K over the number of items that it
    did not train on.

    Source: Rong et al., "FedRecAttack: model poisoning attack to federated
    recommendation", ICDE 2022, where it is called ER@K.

    Args:
        cutoff: length K of the list.
    """
    return hit_ratio(cutoff)._replace(
        name=f"er@{cutoff}", higher_is_better=False, ranking="targets"
    )
