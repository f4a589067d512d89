"""The most popular items for everybody."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxfr.data import LoadOptions, load_dataset
from jaxfr.evaluation.evaluate import RankedItems, draw_candidates
from jaxfr.evaluation.names import parse_metrics
from jaxfr.evaluation.outcome import Outcome, as_record
from jaxfr.evaluation.references import evaluate_most_popular
from jaxfr.training import Layout, plan_layout, run_key
from jaxfr.training.keys import Purpose, key_for
from tests.data.test_steam import DATA_DIR, needs_steam
from tests.evaluation.test_evaluate import (
    METRICS,
    NUM_ITEMS,
    NUM_USERS,
    WITHOUT_TEST_ITEM,
    dataset,
    ranked,
    training_items,
)


def test_it_ranks_by_training_degree_and_ties_help_nobody():
    degree, hits = dataset().item_degree, []
    for user in np.setdiff1d(np.arange(NUM_USERS), WITHOUT_TEST_ITEM):
        test_item = dataset().test_items[user]
        others = np.setdiff1d(np.arange(NUM_ITEMS), [*training_items(user), test_item])
        hits.append(np.sum(degree[others] >= degree[test_item]) < 10)
    found = evaluate_most_popular(METRICS, "full", jnp.asarray(degree), ranked())
    assert as_record(METRICS, found)["hr@10"] == np.float32(np.mean(hits))


@needs_steam
def test_on_steam_it_scores_what_is_known():
    """0.712 among 99 sampled items, and 0.084 among all."""
    metrics = parse_metrics("hr@10,full_hr@10")
    data = load_dataset("steam", LoadOptions(DATA_DIR))
    layout = plan_layout(data)
    nothing = jnp.zeros(0, jnp.int32)

    @jax.jit
    def evaluated(layout: Layout) -> Outcome:
        key = key_for(run_key(0), Purpose.CANDIDATES)
        known = layout.known_items
        drawn = draw_candidates(key, layout.client_ids, known, layout.num_items, 99)
        items = RankedItems(
            *(layout.test_items, drawn, drawn[:, :0], nothing, layout.clients)
        )
        return evaluate_most_popular(metrics, "sampled", layout.item_degree, items)

    record = as_record(metrics, evaluated(layout))
    np.testing.assert_allclose(record["hr@10"], 0.712, atol=0.01)
    np.testing.assert_allclose(record["full_hr@10"], 0.084, atol=0.0006)
