"""Rules decide by one rounding of a row, wherever XLA computes it.

Many rows in few dimensions are what XLA computes in several places, with and without
fused multiply-add, and rules that took one for the other erred in half of the items.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.aggregators import aggregate
from jaxfr.uploads import Uploads, plan_item_slots

from .oracles import ALL_RULES, assert_right
from .samples import grouped, make_uploads

ITEMS, BUNDLES, WIDTH, BYZANTINE = 30, 400, 8, 5
# As users compile: see tests/conftest.py.
IN_FULL = {
    "xla_cpu_use_fusion_emitters": True,
    "xla_backend_optimization_level": 3,
    "xla_llvm_disable_expensive_passes": False,
}


def many_rows(seed: int, dim: int, one_item_scale: bool) -> Uploads:
    generator = np.random.default_rng(seed)
    rows = BUNDLES * WIDTH
    uploads = make_uploads(
        item=generator.integers(ITEMS, size=rows),
        weight=np.ones(rows),
        vectors=generator.normal(size=(BUNDLES, dim)),
        item_embeddings=generator.normal(size=(ITEMS, dim)),
        participants=500,
        vector=generator.integers(BUNDLES, size=BUNDLES),
        scale=generator.normal(size=rows),
        item_scale=0.0 if one_item_scale else generator.normal(size=rows),
    )
    return grouped(uploads, plan_item_slots(np.full(ITEMS, 160), 2))


@pytest.mark.parametrize("one_item_scale", [True, False])
@pytest.mark.parametrize(
    ("dim", "name"),
    [
        *((1, "median"), (1, "clipped_median"), (1, "trimmed_mean")),
        *((1, "classic_trimmed_mean"), (2, "krum"), (3, "krum")),
    ],
)
def test_rules_are_their_definition_in_few_dimensions(dim, name, one_item_scale):
    rule, oracle = ALL_RULES[name]
    seeds = [many_rows(seed, dim, one_item_scale) for seed in range(2)]

    def combine(uploads: Uploads) -> jax.Array:
        if one_item_scale:  # the regulariser, which is compiled in
            uploads = uploads._replace(item_scale=jnp.asarray(0.1))
        return aggregate(rule, uploads, jnp.int32(BYZANTINE))[0].rows

    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *seeds)
    run = jax.jit(jax.vmap(combine), compiler_options=IN_FULL)
    for uploads, found in zip(seeds, run(stacked), strict=True):
        if one_item_scale:
            uploads = uploads._replace(item_scale=jnp.full(BUNDLES * WIDTH, 0.1))
        assert_right(np.asarray(found), oracle, uploads, BYZANTINE)
