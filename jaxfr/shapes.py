"""Shapes of arrays in signatures: ``Float[Array, "m d"]``, as jaxtyping writes them.

Tests check them (``tests/conftest.py``). Where jaxtyping is not installed, as it need
not be to run anything, they are plain arrays. By convention n counts benign clients, m
items, and d is the embedding size; a name means one size within a signature.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int, Key, Shaped
else:
    try:
        from jaxtyping import Bool, Float, Int, Key, Shaped
    except ImportError:

        class _Plain:
            def __class_getitem__(cls, array_and_shape):
                return array_and_shape[0]

        Bool = Float = Int = Key = Shaped = _Plain

__all__ = ["Bool", "Float", "Int", "Key", "Shaped"]
