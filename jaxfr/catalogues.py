"""Parts by name, which show themselves as a table of what there is to choose."""

import inspect
import sys
import types
from typing import Any, TypeVar

from jaxfr.errors import import_extra, nearest
from jaxfr.parts import Factory
from jaxfr.showing import html_table, html_text
from jaxfr.terminal import fit

T = TypeVar("T")


class Catalogue(dict[str, Factory[..., T]]):
    """Factories by name.

    >>> fr.models.MODELS
    name    what it is
    fedmf   ...
    fedgnn  ...
    mlp     ...
    >>> list(fr.models.MODELS.to_frame()["name"])
    ['fedmf', 'fedgnn', 'mlp']
    """

    def texts(self) -> list[list[str]]:
        """A row for each factory: its name, its options with defaults, what it is."""
        rows = [
            [name, factory.options_text, factory.summary]
            for name, factory in self.items()
        ]
        return [["name", "options", "what it is"], *rows]

    def to_frame(self) -> Any:
        """A ``pandas.DataFrame`` of :meth:`texts`, where pandas is installed.

        Raises:
            InvalidInputError: if it is not.
        """
        header, *rows = self.texts()
        frames = import_extra("pandas", "frames", "to_frame")
        return frames.DataFrame(rows, columns=header)

    def __repr__(self) -> str:
        return fit([[name, what] for name, _, what in self.texts()])

    def _repr_html_(self) -> str:
        return html_table(self.texts())


def by_name(*factories: Factory[..., T]) -> Catalogue[T]:
    """A catalogue of these factories."""
    return Catalogue({factory.name: factory for factory in factories})


class _Module(types.ModuleType):
    """A module that shows the catalogues it holds."""

    def __getattr__(self, name: str) -> Any:
        """Says which name may have been meant."""
        near = "" if name.startswith("_") else nearest(name, dir(self))
        raise AttributeError(
            f"module {self.__name__!r} has no attribute {name!r}{near}"
        )

    def __repr__(self) -> str:
        return "\n\n".join([self._what(), *map(repr, self._catalogues())])

    def _repr_html_(self) -> str:
        tables = [one._repr_html_() for one in self._catalogues()]
        return "".join([html_text(self._what()), *tables])

    def _what(self) -> str:
        return f"{self.__name__}: {(inspect.getdoc(self) or '').partition('.')[0]}"

    def _catalogues(self) -> list[Catalogue[Any]]:
        return [one for one in vars(self).values() if isinstance(one, Catalogue)]


def show_catalogues(module: str) -> None:
    """Lets a module of this name, such as ``jaxfr.attacks``, show its catalogues.

    >>> print(repr(fr.models).splitlines()[0])
    jaxfr.models: Recommenders by name
    """
    sys.modules[module].__class__ = _Module
