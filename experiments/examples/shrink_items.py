"""An attack of one's own: it pulls every item towards zero.

jaxfr train --attack=experiments/examples/shrink_items.py:shrink_items
"""

import jaxfr as fr


@fr.part
def shrink_items(strength: fr.Number = 10.0) -> fr.LimitedAttack:
    """Every malicious client sends each item's embedding as its gradient.

    Args:
        strength: how many times the embedding.
    """

    def upload(state, view):
        return fr.same_rows(strength * view.item_embeddings, view), state

    return fr.LimitedAttack(lambda key, knowledge: (), upload)
