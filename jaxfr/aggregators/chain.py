"""Parts of a server one after the other, as one part."""

from typing import Any

from jaxfr.aggregators.base import Rule, Stage, chained
from jaxfr.parts import part


@part
def chain(*parts: Any) -> Stage | Rule:
    """Stages, the first one first, as a stage; with a rule at the end, as a rule.

    ``chain(clip_by_norm(1.0), median())`` is the median of clipped rows; as a text it
    is ``clip_by_norm+median``.

    Raises:
        InvalidInputError: if anything but stages stands before the end.
    """
    return chained(*parts)
