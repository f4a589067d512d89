"""What tables, pictures and messages call the fields of records."""

import re

from jaxfr.evaluation.candidates import GROUP_NAMES
from jaxfr.evaluation.names import is_higher_better

_AS_IN_PAPERS = {"hr": "HR", "ndcg": "nDCG", "er": "ER"}
_SHORT = re.compile(rf"\b({'|'.join(_AS_IN_PAPERS)})(?=@)")

OF_THIRDS = (
    "head, middle, tail: users whose test item is among the most, the middling or the "
    "least popular items, with a third of the interactions each"
)


def heading(column: str) -> str:
    """Writes the name of a field as papers do, such as ``HR@10 tail``."""
    words = column.replace("_", " ")
    return _SHORT.sub(lambda found: _AS_IN_PAPERS[found[0]], words)


def direction(field: str) -> str:
    """What to write behind the name of a field of which less is better."""
    return "" if is_higher_better(field) else " (less is better)"


def is_of_third(metric: str) -> bool:
    """Whether a metric is over users of one of these thirds.

    >>> is_of_third("hr@10_tail"), is_of_third("hr@10")
    (True, False)
    """
    return metric.rpartition("_")[2] in GROUP_NAMES
