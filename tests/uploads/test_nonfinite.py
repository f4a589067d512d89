"""Rows that are not finite are taken out of the container, and nothing else."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.uploads import Uploads, drop_nonfinite, item_sums, rows_of

from .samples import NUM_ROWS, materialised, random_uploads

LARGEST = float(np.finfo(np.float32).max)
drop = jax.jit(drop_nonfinite)
Damage = Callable[[Uploads], Uploads]


def unchanged(uploads: Uploads) -> Uploads:
    return uploads


def nan_in_vector(uploads: Uploads) -> Uploads:
    return uploads._replace(vectors=uploads.vectors.at[1, 2].set(jnp.nan))


def infinity_in_vector(uploads: Uploads) -> Uploads:
    return uploads._replace(vectors=uploads.vectors.at[0, 0].set(-jnp.inf))


def nan_in_scale(uploads: Uploads) -> Uploads:
    return uploads._replace(scale=uploads.scale.at[7].set(jnp.nan))


def infinity_in_scale(uploads: Uploads) -> Uploads:
    return uploads._replace(scale=uploads.scale.at[8].set(jnp.inf))


def nan_in_item_scale(uploads: Uploads) -> Uploads:
    return uploads._replace(item_scale=uploads.item_scale.at[9].set(jnp.nan))


def infinity_in_item_scale(uploads: Uploads) -> Uploads:
    return uploads._replace(item_scale=uploads.item_scale.at[10].set(-jnp.inf))


def nan_in_item(uploads: Uploads) -> Uploads:
    return uploads._replace(
        item_embeddings=uploads.item_embeddings.at[4, 1].set(jnp.nan)
    )


def product_too_large(uploads: Uploads) -> Uploads:
    return uploads._replace(
        scale=uploads.scale.at[11].set(1e30),
        vectors=uploads.vectors.at[uploads.vector[11]].set(1e20),
    )


def sum_too_large(uploads: Uploads) -> Uploads:
    return uploads._replace(
        scale=uploads.scale.at[12].set(3e38),
        item_scale=uploads.item_scale.at[12].set(3e38),
        vectors=uploads.vectors.at[uploads.vector[12]].set(1.0),
        item_embeddings=uploads.item_embeddings.at[uploads.item[12]].set(1.0),
    )


def large_but_finite(uploads: Uploads) -> Uploads:
    return uploads._replace(
        scale=uploads.scale.at[13].set(1e30),
        vectors=uploads.vectors.at[uploads.vector[13]].set(1e8),
    )


def everything_at_once(uploads: Uploads) -> Uploads:
    for damage in (nan_in_vector, nan_in_scale, infinity_in_item_scale, nan_in_item):
        uploads = damage(uploads)
    return uploads


DAMAGES = [
    unchanged,
    nan_in_vector,
    infinity_in_vector,
    nan_in_scale,
    infinity_in_scale,
    nan_in_item_scale,
    infinity_in_item_scale,
    nan_in_item,
    product_too_large,
    sum_too_large,
    large_but_finite,
    everything_at_once,
]
every_damage = pytest.mark.parametrize("damage", DAMAGES)


def finite(uploads: Uploads) -> np.ndarray:
    """Whether float32 holds each row; an item taken zero times is not in it."""
    clean = np.where(
        (uploads.item_scale == 0)[:, None], 0.0, uploads.item_embeddings[uploads.item]
    )
    items = jnp.arange(NUM_ROWS)
    per_row = uploads._replace(item=items, item_embeddings=jnp.asarray(clean))
    with np.errstate(invalid="ignore"):
        largest = np.abs(materialised(per_row)).max(axis=1)
    return np.asarray(largest <= LARGEST)


def damaged(damage: Damage, seed: int) -> Uploads:
    uploads = random_uploads(seed)
    return damage(uploads._replace(weight=jnp.maximum(uploads.weight, 1)))


@every_damage
def test_exactly_the_rows_that_are_not_finite_lose_their_weight(damage):
    uploads = damaged(damage, seed=0)
    kept, dropped = drop(uploads)
    weight = np.where(finite(uploads), uploads.weight, 0)
    np.testing.assert_array_equal(kept.weight, weight)
    assert dropped == np.sum(uploads.weight) - np.sum(weight)
    assert (dropped > 0) == (damage not in (unchanged, large_but_finite))


@every_damage
def test_no_nan_and_no_infinity_is_left_anywhere(damage):
    kept, _ = drop(damaged(damage, seed=1))
    for field in (kept.scale, kept.item_scale, kept.vectors, kept.item_embeddings):
        assert np.isfinite(field).all()
    rows = rows_of(kept, jnp.arange(NUM_ROWS))
    assert np.isfinite(rows[kept.weight > 0]).all()
    assert np.isfinite(item_sums(kept)).all()


@every_damage
def test_finite_rows_stay_bit_for_bit(damage):
    uploads = damaged(damage, seed=2)
    kept, _ = drop(uploads)
    whole = np.flatnonzero(finite(uploads))
    for field in ("item", "vector", "scale", "item_scale", "weight"):
        before, after = getattr(uploads, field), getattr(kept, field)
        np.testing.assert_array_equal(after[whole], before[whole])
    for before, after in (
        (uploads.vectors, kept.vectors),
        (uploads.item_embeddings, kept.item_embeddings),
    ):
        sound = np.isfinite(before).all(axis=1)
        np.testing.assert_array_equal(after[sound], before[sound])
    assert kept.participants == uploads.participants


@pytest.mark.parametrize("damage", [unchanged, large_but_finite])
def test_uploads_that_are_finite_stay_bit_for_bit(damage):
    uploads = damaged(damage, seed=3)
    kept, dropped = drop(uploads)
    assert dropped == 0
    jax.tree.map(np.testing.assert_array_equal, kept, uploads)


def test_a_row_of_weight_zero_is_not_counted_as_dropped():
    uploads = random_uploads(4)
    silent = uploads._replace(weight=uploads.weight.at[7].set(0))
    kept, dropped = drop(nan_in_scale(silent))
    assert dropped == 0
    assert np.isfinite(kept.scale).all()


def test_a_row_with_nothing_of_a_broken_item_is_kept():
    uploads = random_uploads(5)
    own_rows = uploads._replace(item_scale=jnp.zeros(NUM_ROWS))
    _, dropped = drop(nan_in_item(own_rows))
    assert dropped == 0


def test_dropping_is_the_same_compiled_or_not_and_for_several_runs_at_once():
    runs = [damaged(damage, seed=6) for damage in DAMAGES]
    stacked = jax.tree.map(lambda *fields: jnp.stack(fields), *runs)
    together = jax.jit(jax.vmap(drop_nonfinite))(stacked)
    for index, uploads in enumerate(runs):
        found = jax.tree.map(lambda field, index=index: field[index], together)
        jax.tree.map(np.testing.assert_array_equal, found, drop(uploads))
    jax.tree.map(
        np.testing.assert_array_equal, drop(runs[-1]), drop_nonfinite(runs[-1])
    )
