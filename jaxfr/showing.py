"""How objects show themselves: a line of text, and in a notebook a table."""

import functools
import html
import inspect
import pathlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from jaxfr.errors import InvalidInputError, import_extra
from jaxfr.files import temporary_folder, user_path
from jaxfr.terminal import excerpt, printable

T = TypeVar("T")


def html_text(text: str) -> str:
    """A paragraph."""
    return f"<p>{html.escape(printable(text))}</p>"


def html_table(rows: Sequence[Sequence[str]]) -> str:
    """A table of texts, the headings first."""
    tags = ["th", *["td"] * (len(rows) - 1)]
    lines = [
        "".join(f"<{tag}>{html.escape(printable(text))}</{tag}>" for text in row)
        for tag, row in zip(tags, rows, strict=True)
    ]
    return f"<table>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"


class Picture:
    """A picture that a notebook shows, and that can be saved.

    >>> data = fr.synthetic_dataset(num_users=40, num_items=300, num_pairs=600)
    >>> picture = data.plot()
    >>> picture  # in a notebook the picture itself
    Picture of the item degrees of synthetic
    >>> picture._repr_png_()[1:4]
    b'PNG'

    Attributes:
        what: what it shows.
    """

    def __init__(self, what: str, draw: Callable[[pathlib.Path], Any]) -> None:
        """Takes a function that draws it to a file.

        Raises:
            InvalidInputError: if matplotlib is not installed.
        """
        import_extra("matplotlib", "plots", "plot")
        self.what, self._draw = what, draw

    def save(self, path: str | pathlib.Path) -> None:
        """Writes a file, ``.png``, ``.pdf`` or ``.svg``, and the others beside it.

        Raises:
            InvalidInputError: if the file has another ending, or cannot be written.
        """
        file = user_path(str(path))
        if file.suffix not in (".png", ".pdf", ".svg"):
            raise InvalidInputError(f"{path}: must end in .png, .pdf or .svg")
        if not file.parent.is_dir():
            raise InvalidInputError(f"{path}: there is no folder {file.parent}")
        self._draw(file.with_suffix(".png"))

    def __repr__(self) -> str:
        return f"Picture of {printable(self.what)}"

    def _repr_png_(self) -> bytes:
        with temporary_folder() as folder:
            self._draw(folder / "picture.png")
            return (folder / "picture.png").read_bytes()


def by_shapes(kind: type[T]) -> type[T]:
    """Lets a named tuple show the shapes of its arrays, never their numbers.

    Fields that are None, or as by default, are left out.

    >>> from typing import NamedTuple
    >>> @by_shapes
    ... class Pair(NamedTuple):
    ...     first: Any
    ...     second: Any = None
    >>> Pair(np.zeros(10_000), Pair(jnp.zeros((2, 3))))
    Pair(first=float64[10000], second=Pair(first=float32[2, 3]))
    >>> Pair(np.zeros(10_000))._repr_html_()
    '<p>Pair</p><table><tr><th>field</th><th>value</th></tr>...float64[10000]...'
    """

    def as_table(self: Any) -> str:
        rows = [["field", "value"], *map(list, _fields(self))]
        return html_text(kind.__name__) + html_table(rows)

    # Of all arguments: a named tuple has no base class that could bring them.
    setattr(kind, "__repr__", brief)  # noqa: B010
    setattr(kind, "_repr_html_", as_table)  # noqa: B010
    return kind


def brief(value: Any) -> str:
    """A value in a line: arrays by type and shape, functions by name.

    >>> brief((jnp.zeros((2, 3)), brief, 0.5))
    '(float32[2, 3], brief, 0.5)'
    """
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return f"{value.dtype}[{', '.join(map(str, value.shape))}]"
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        fields = ", ".join(f"{name}={text}" for name, text in _fields(value))
        return f"{type(value).__name__}({fields})"
    if isinstance(value, tuple | list):
        return f"({', '.join(map(brief, value))})"
    if isinstance(value, dict):
        items = (f"{key}: {brief(one)}" for key, one in value.items())
        return f"{{{', '.join(items)}}}"
    if isinstance(value, functools.partial):
        return brief(value.func)
    if isinstance(value, Callable) and hasattr(value, "__qualname__"):
        return value.__qualname__.replace("<locals>.", "")
    return excerpt(repr(value))


def place_of(function: Callable[..., Any]) -> str:
    """Where a function stands, as in ``./mine.py:12 in patience.update``."""
    inner = inspect.unwrap(function)
    while isinstance(inner, functools.partial):
        inner = inspect.unwrap(inner.func)
    code = getattr(inner, "__code__", None)
    if code is None:
        return brief(inner)
    return f"{code.co_filename}:{code.co_firstlineno} in {brief(inner)}"


def _fields(value: Any) -> Iterator[tuple[str, str]]:
    for name, field in value._asdict().items():
        if field is not None and field is not value._field_defaults.get(name):
            yield name, brief(field)
