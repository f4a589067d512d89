"""Larger or smaller steps of the server, as a part of its defense."""

from typing import Annotated

import jax.numpy as jnp

from jaxfr.aggregators.base import Stage, row_wise
from jaxfr.parts import Number, part
from jaxfr.ranges import POSITIVE
from jaxfr.uploads import Uploads
from jaxfr.uploads.clients import scale_rows


@part
def scale(factor: Annotated[Number, POSITIVE] = 4.0) -> Stage:
    """Multiplies each row by a factor.

    >>> uploads = fr.uploads_of([[[1.0], [3.0]]])  # 1 item, 2 clients, d = 1
    >>> rule = fr.chain(fr.aggregators.scale(4.0), fr.mean())
    >>> fr.aggregate(rule, uploads)[0].rows
    Array([[8.]], dtype=float32)

    Behind stages that shorten rows it makes good what training loses in speed. Before a
    rule that is a mean it is a learning rate of the server's own, ``factor`` times the
    clients': a part of the defense, so that what is compared carries it along. Stops
    nobody.

    Costs two factors for each row.

    Args:
        factor: of each row.
    """

    def transform(uploads: Uploads) -> Uploads:
        number = jnp.asarray(factor, jnp.float32)
        return scale_rows(uploads, (number, tuple(number for _ in uploads.tables)))

    return row_wise(transform)
