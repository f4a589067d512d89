"""What the functions of a part take and return, checked where they are called.

That is while a program is traced: shapes and types cost a run nothing. Every refusal is
a line that begins with the file, the line and the name of the function.
"""

import inspect
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import jax
import jax.numpy as jnp

from jaxfr.errors import InvalidInputError
from jaxfr.showing import brief, place_of
from jaxfr.uploads import Uploads


def refuse(function: Callable[..., Any], told: str) -> NoReturn:
    """Refuses what a function returned.

    Raises:
        InvalidInputError: in any case.
    """
    raise InvalidInputError(f"{place_of(function)}: {told}")


def check_arguments(function: Callable[..., Any], names: Sequence[str]) -> None:
    """Refuses a function that does not take these arguments, by their places.

    Raises:
        InvalidInputError: says the function and what it must take.
    """
    must = f"must take ({', '.join(names)})"
    if not callable(function):
        raise InvalidInputError(f"{brief(function)}: is no function, {must}")
    try:
        signature = inspect.signature(function, follow_wrapped=False)
    except ValueError:  # some that are no Python do not say what they take
        return
    try:
        signature.bind(*names)
    except TypeError:
        refuse(function, f"takes ({', '.join(signature.parameters)}), {must}")


def ask(function: Callable[..., Any], **given: Any) -> Any:
    """Calls a function of a part with what it is given, by places and not by names.

    Raises:
        InvalidInputError: if it does not take so many arguments.
    """
    check_arguments(function, list(given))
    return function(*given.values())


def with_state(
    function: Callable[..., Any], returned: Any, before: Any, what: str
) -> tuple[Any, Any]:
    """What a function returned, and beside it its state, shaped as the one before.

    Args:
        what: what it returns beside the state, for the message.

    Raises:
        InvalidInputError: if it is no pair, or the state is of another shape.
    """
    # Uploads alone are a tuple, too.
    if type(returned) not in (tuple, list) or len(returned) != 2:
        refuse(function, f"returned {_shown(returned)}; must return ({what}, state)")
    result, after = returned
    if _shapes(after) != _shapes(before):
        refuse(
            function,
            f"returned the state {brief(after)}; must be as the one that it was "
            f"given and init made, {brief(before)}",
        )
    return result, after


def check_rows(
    function: Callable[..., Any], rows: Any, item_embeddings: jax.Array
) -> None:
    """Refuses what is not one row for each item.

    Raises:
        InvalidInputError: says what it is.
    """
    wanted = item_embeddings
    if _shapes(rows) != _shapes(wanted):
        refuse(
            function,
            f"returned the rows {_shown(rows)}; must be {brief(wanted)}, a row for "
            "each item",
        )


def check_uploads(
    function: Callable[..., Any],
    uploads: Any,
    table_shape: Sequence[int],
    num_clients: int | None = None,
) -> Uploads:
    """The same uploads, if their arrays fit together and to the server's table.

    Args:
        function: what returned them.
        uploads: what it returned.
        table_shape: of the item embeddings, ``[m, d]``.
        num_clients: clients that have an id, if trust may be in them.

    Raises:
        InvalidInputError: says which array is of which shape, and of which it must be.
    """
    if not isinstance(uploads, Uploads):
        refuse(
            function,
            f"returned {_shown(uploads)} as uploads; must be Uploads, as "
            "fr.same_rows, fr.item_table, fr.scale_rows and uploads._replace make them",
        )
    num_items, dim = table_shape
    each_row = uploads.item.shape
    wanted: list[tuple[str, Any, Sequence[int | str]]] = [
        ("item_embeddings", uploads.item_embeddings, table_shape),
        ("vectors", uploads.vectors, ("vectors", dim)),
        ("weight", uploads.weight, each_row),
        ("scale", uploads.scale, each_row),
        ("row_trust", uploads.row_trust, each_row),
    ]
    if num_clients is not None:
        wanted.append(("client_trust", uploads.client_trust, (num_clients,)))
    for table in uploads.tables:
        wanted += [
            ("rows", table.rows, (num_items, "rows_per_item", dim)),
            ("weight", table.weight, table.rows.shape[:2]),
            ("trust", table.trust, table.rows.shape[:2]),
        ]
    for name, array, shape in wanted:
        if array is not None and not _fits(array, shape):
            must = ", ".join(map(str, shape))
            refuse(
                function,
                f"returned uploads whose {name} are {_shown(array)}; must be [{must}]",
            )
    return uploads


def _fits(array: Any, shape: Sequence[int | str]) -> bool:
    """Whether an array has a shape, in which names stand for any number."""
    found = jnp.shape(array)
    return len(found) == len(shape) and all(
        isinstance(wanted, str) or size == wanted
        for size, wanted in zip(found, shape, strict=True)
    )


def _shapes(tree: Any) -> Any:
    """The structure of a pytree, and the shapes and types of its arrays."""
    leaves, structure = jax.tree.flatten(tree)
    return structure, [_of_array(leaf) for leaf in leaves]


def _of_array(leaf: Any) -> Any:
    try:
        return jnp.shape(leaf), jnp.result_type(leaf)
    except TypeError:  # no array at all
        return type(leaf)


def _shown(value: Any) -> str:
    """A value in a line; of named tuples, such as uploads, the name alone."""
    if isinstance(value, tuple | list) and not hasattr(value, "_fields"):
        return f"({', '.join(map(_shown, value))})"
    return type(value).__name__ if isinstance(value, tuple) else brief(value)
