"""A rule of one's own: few rows move an item less than many.

jaxfr train --aggregator=experiments/examples/shrunk_mean.py:shrunk_mean
"""

import jaxfr as fr


@fr.part
def shrunk_mean(prior: fr.Number = 5.0) -> fr.Rule:
    """``sum of an item's rows / (their number + prior)``.

    Args:
        prior: as many zero rows are added to each item.
    """

    def combine(uploads, view):
        count = fr.row_counts(uploads) / uploads.client_weight
        return fr.item_sums(uploads) / uploads.client_weight / (count + prior)[:, None]

    return fr.stateless_rule(combine)
