"""A stage of one's own that asks of all rows of an item, on any number of devices.

jaxfr train --num_devices=2 \
    --aggregator=experiments/examples/item_quantile_clip.py:item_quantile_clip+mean
"""

import jax
import jax.numpy as jnp

import jaxfr as fr


@fr.part
def item_quantile_clip(quantile: fr.Number = 0.5) -> fr.Stage:
    """Clips each item's rows to a quantile of their norms, from 2^-40 to 2^40.

    Args:
        quantile: the share of an item's rows that stay as they are, from 0 to 1.
    """

    def clip(uploads, view):
        norms, of_tables = fr.row_norms(uploads)
        wanted = quantile * fr.row_counts(uploads)

        def is_enough(bound):  # whether so many rows of each item are no longer
            tables = tuple(
                table._replace(weight=table.weight * (of_rows <= bound[:, None]))
                for table, of_rows in zip(uploads.tables, of_tables, strict=True)
            )
            weight = uploads.weight * (norms <= bound[uploads.item])
            shorter = uploads._replace(weight=weight, tables=tables)
            return fr.row_counts(shorter) >= wanted  # counted on all devices

        def halve(_, ends):
            low, high = ends
            middle = (low + high) / 2
            enough = is_enough(2.0**middle)
            return jnp.where(enough, low, middle), jnp.where(enough, middle, high)

        ends = jnp.full(uploads.num_items, -40.0), jnp.full(uploads.num_items, 40.0)
        _, high = jax.lax.fori_loop(0, 24, halve, ends)
        scale = fr.map_rows(
            lambda row, most: jnp.minimum(1.0, most / fr.row_norm(row)),
            *(uploads, 2.0**high),
        )
        return fr.scale_rows(uploads, scale)

    return fr.aggregators.item_wise(clip)
