"""Parts of an experiment, each made by a factory that owns its options.

A factory is a function whose signature declares the options of an attack, a rule, a
model, once, with type, default and docstring:

>>> @part
... def scaled(strength: Number = 3.0, scope: Literal["dense", "sparse"] = "dense"):
...     '''Sends so many times the mean.
...
...     Args:
...         strength: how many times.
...         scope: over whose rows.
...     '''
...     return strength, scope
>>> str(scaled(2.0))
'scaled:strength=2.0'

Calling it makes a :class:`Part`, which says what is chosen; ``make`` calls the function
itself. What is annotated as a :data:`Number` or :data:`Whole` is traced: it is a leaf
of the part as a pytree, may be an axis of a batch, and never compiles anything anew.
All else is static, and so is whether an optional number is given.
"""

import dataclasses
import functools
import inspect
import pathlib
import re
import typing
from collections.abc import Callable, Iterator, Sequence
from types import CodeType, UnionType
from typing import (
    Annotated,
    Any,
    Generic,
    Literal,
    NamedTuple,
    ParamSpec,
    TypeVar,
    Union,
)

import jax
import numpy as np
from jax import Array
from jax.core import Tracer

from jaxfr.errors import InvalidInputError, nearest
from jaxfr.ranges import ANY_NUMBER, ANY_WHOLE_NUMBER, Range, check_number
from jaxfr.showing import brief, html_table, html_text, place_of

P = ParamSpec("P")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

_TRACED = object()

REQUIRED = inspect.Parameter.empty
"""The default of an option that has none."""

Number = Annotated[Array | float, _TRACED, ANY_NUMBER]
"""A traced number; ``Annotated[Number, Range(0, 1)]`` is one of a range."""

Whole = Annotated[Array | int, _TRACED, ANY_WHOLE_NUMBER]
"""A traced whole number, likewise."""


class Option(NamedTuple):
    """One option of a factory, as its signature and its docstring declare it.

    Attributes:
        name: its name.
        default: its value where it is not given; ``REQUIRED`` where it must be.
        help: what the docstring, and then its type, says of it.
        traced: whether it is a number that compiled programs take as an argument.
        optional: whether it may be None.
        allowed: its range, or its values; None for text and for what is no option.
        kind: ``int``, ``float``, ``bool``, ``str``; ``object`` for all else.
    """

    name: str
    default: Any
    help: str
    traced: bool
    optional: bool
    allowed: Range | tuple[str, ...] | None
    kind: type

    def check(self, value: Any) -> Any:
        """The value as it is kept: a whole number as a float where one is meant.

        Raises:
            InvalidInputError: if it is not allowed.
        """
        if isinstance(value, Tracer) or (value is None and self.optional):
            return value
        if isinstance(self.allowed, Range):
            if isinstance(value, list | tuple | set | dict):
                raise InvalidInputError(
                    f"{self.name}={value}: is a {type(value).__name__}, must be "
                    f"{self.allowed}"
                )
            check_number(self.name, value, self.allowed)
            if isinstance(value, np.generic | np.ndarray | Array) and value.ndim == 0:
                value = value.item()  # so that it can be compared and written
            return float(value) if self.kind is float and type(value) is int else value
        if self.allowed is not None and value not in self.allowed:
            raise InvalidInputError(
                f"{self.name}={value!r}: allowed are {', '.join(self.allowed)}"
                f"{nearest(str(value), self.allowed)}"
            )
        if self.kind in (str, bool) and not isinstance(value, self.kind):
            raise InvalidInputError(
                f"{self.name}={value!r}: must be {self.kind.__name__}"
            )
        return value


@functools.cache
def options_of(function: Callable[..., Any]) -> tuple[Option, ...]:
    """The options of a function, or of a dataclass, in their order.

    Arguments without a name (``*parts``) are no options.
    """
    hints = typing.get_type_hints(function, include_extras=True)
    helps = _argument_help(inspect.getdoc(function) or "")
    found = []
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind is not inspect.Parameter.VAR_POSITIONAL:
            hint = hints.get(name, object)
            said = " ".join(filter(None, [helps.get(name), _help_of_type(hint)]))
            found.append(Option(name, parameter.default, said, *_read_hint(hint)))
    return tuple(found)


def _help_of_type(hint: Any) -> str:
    """What a type itself says of its values, as in ``Annotated[str, "text"]``."""
    extras = getattr(hint, "__metadata__", ())
    return " ".join(one for one in extras if isinstance(one, str))


def _read_hint(hint: Any) -> tuple[bool, bool, Range | tuple[str, ...] | None, type]:
    """Whether it is traced and optional, what it allows, and its kind."""
    optional, extras = False, ()
    if typing.get_origin(hint) in (Union, UnionType):
        rest = [one for one in typing.get_args(hint) if one is not type(None)]
        optional = len(rest) < len(typing.get_args(hint))
        hint = rest[0] if len(rest) == 1 else hint
    if typing.get_origin(hint) is Annotated:
        hint, *extras = typing.get_args(hint)
    traced = _TRACED in extras
    ranges = [one for one in extras if isinstance(one, Range)]
    if typing.get_origin(hint) is Literal:
        return traced, optional, typing.get_args(hint), str
    kinds = [kind for kind in (int, float) if hint is kind or traced]
    if kinds:
        fallback = ANY_WHOLE_NUMBER if hint is int else ANY_NUMBER
        allowed = [fallback, *ranges][-1]
        return traced, optional, allowed, int if allowed.whole else float
    return traced, optional, None, hint if hint in (bool, str) else object


def _argument_help(doc: str) -> dict[str, str]:
    """What a docstring's ``Args`` or ``Attributes`` say, by name."""
    section = re.search(r"^(?:Args|Attributes):\n((?:[ ]+.*\n?|\n)*)", doc, re.M)
    entries = re.split(r"^ {4}(?=\w)", section[1] if section else "", flags=re.M)
    named = (entry.partition(":") for entry in entries if ":" in entry)
    return {name: " ".join(text.split()) for name, _, text in named}


@jax.tree_util.register_pytree_node_class
@dataclasses.dataclass(frozen=True)
class Part(Generic[T_co]):
    """What a factory was called with; its traced numbers are its leaves.

    >>> attack = fr.attacks.lie(1.5)
    >>> attack.lie_z, str(attack.replace(scope="sparse"))
    (1.5, 'lie:lie_z=1.5:scope=sparse')
    >>> attack, fr.chain(fr.clip_by_norm(1.0), fr.mean())
    (lie(lie_z=1.5, scope='dense'), chain(clip_by_norm(clip_norm=1.0), mean()))

    Options are attributes: ``lie(2.0).lie_z`` is 2.0.

    Attributes:
        factory: the factory.
        values: of its options, in their order.
        parts: those without a name, as of a chain.
    """

    factory: "Factory[..., T_co]"
    values: tuple[Any, ...]
    parts: tuple[Any, ...] = ()

    def make(self) -> T_co:
        """Calls the function itself, with what its parts make.

        Raises:
            InvalidInputError: if it returns nothing.
        """
        options = zip(self.factory.options, self.values, strict=True)
        named = {option.name: made(value) for option, value in options}
        found = self.factory.function(*map(made, self.parts), **named)
        if found is None:
            raise InvalidInputError(
                f"{place_of(self.factory.function)}: returned None; must return what "
                "it makes, such as an attack, a rule, a stage, a model or a metric"
            )
        return found

    @property
    def options(self) -> dict[str, Any]:
        """The values by name."""
        names = (option.name for option in self.factory.options)
        return dict(zip(names, self.values, strict=True))

    def replace(self, **changed: Any) -> "Part[T_co]":
        """The same part with other values.

        Raises:
            InvalidInputError: if a value is not allowed, or there is no such option.
        """
        return self.factory(*self.parts, **(self.options | changed))

    def __getattr__(self, name: str) -> Any:
        # A copy that is being made has no fields yet, and asks for its methods.
        if "factory" not in self.__dict__ or name not in self.options:
            known = self.__dict__.get("factory")
            raise AttributeError(f"{known and known.name} has no option {name}")
        return self.options[name]

    def __repr__(self) -> str:
        given = (f"{name}={_in_call(value)}" for name, value in self.options.items())
        inside = ", ".join([*map(_in_call, self.parts), *given])
        return f"{self.factory.name}({inside})"

    def _repr_html_(self) -> str:
        rows = [[name, _in_call(value)] for name, value in self.options.items()]
        table = html_table([["option", "value"], *rows]) * bool(rows)
        return html_text(f"{self!r}: {self.factory.summary}") + table

    def __str__(self) -> str:
        """What it is called, with what is not as by default; parsed again."""
        if self.parts:
            return "+".join(map(str, self.parts))
        texts = [
            f"{option.name}={_as_text(value)}"
            for option, value in zip(self.factory.options, self.values, strict=True)
            if not is_same(value, option.default)
        ]
        return ":".join([self.name, *texts])

    @property
    def name(self) -> str:
        """That of the factory, or of the parts with ``+`` between them."""
        if self.parts:
            return "+".join(getattr(one, "name", "?") for one in self.parts)
        return self.factory.name

    def tree_flatten(self) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """The traced values and the parts; and what is static."""
        leaves, static = [], []
        for option, value in zip(self.factory.options, self.values, strict=True):
            inside = option.traced or isinstance(value, Part)
            leaves.append(value if inside else None)
            static.append(None if inside else value)
        of_parts = [one if isinstance(one, Part) else None for one in self.parts]
        static += [None if isinstance(one, Part) else one for one in self.parts]
        return (*leaves, *of_parts), (self.factory, tuple(static))

    @classmethod
    def tree_unflatten(
        cls, static: tuple[Any, ...], leaves: Sequence[Any]
    ) -> "Part[Any]":
        """The reverse, which checks nothing: leaves may be anything."""
        factory, others = static
        options = len(factory.options)
        both = [
            leaf if other is None else other
            for leaf, other in zip(leaves, others, strict=True)
        ]
        return cls(factory, tuple(both[:options]), tuple(both[options:]))


def is_same(value: Any, default: Any) -> bool:
    """Whether an option is at its default, and no array or number of another type."""
    return value is default or (type(value) is type(default) and value == default)


def _in_call(value: Any) -> str:
    """A value as it stands in a call; an array by its type and shape."""
    return repr(value) if isinstance(value, Part) else brief(value)


def _as_text(value: Any) -> str:
    return "none" if value is None else str(value)


def made(value: Any) -> Any:
    """What a part makes; anything else is itself."""
    return value.make() if isinstance(value, Part) else value


class Factory(Generic[P, T_co]):
    """A function that makes what an experiment is made of; see :func:`part`.

    >>> fr.optimizers.adam
    adam(learning_rate=None): Adam (Kingma and Ba, ICLR 2015), decays 0.9 and 0.999.

    Attributes:
        function: the function itself, called with a part's values.
        name: what it is called in texts: that of the function, of somebody's own with
            its file in front, ``mine.py:strong``, as the command line has it.
        written: what its file said when the function was decorated, which what runs is
            made of whatever it says now; nothing for jaxfr's own.
    """

    def __init__(self, function: Callable[P, T_co], name: str | None = None) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self.name = name or function.__name__
        self.written = b""
        if self.is_own:
            self.written = _written(function)
            file = file_of(function)
            # A function in a function cannot be named from elsewhere.
            if file is not None and self.name == function.__qualname__:
                self.name = f"{file.name}:{self.name}"

    @property
    def is_own(self) -> bool:
        """Whether it is code of somebody's own, and none of jaxfr's."""
        package = __name__.partition(".")[0]
        return self.function.__module__.partition(".")[0] != package

    @property
    def options(self) -> tuple[Option, ...]:
        """The options of the signature."""
        return options_of(self.function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Part[T_co]:
        """Checks the values, and keeps them.

        Raises:
            InvalidInputError: if a value is not allowed, there is no such option, or
                one is missing.
        """
        try:
            bound = inspect.signature(self.function).bind(*args, **kwargs)
        except TypeError as error:
            names = [option.name for option in self.options]
            unknown = [name for name in kwargs if name not in names]
            told = f"has no option {unknown[0]!r}" if unknown else str(error)
            likely = nearest(unknown[0], names) if unknown else ""
            raise InvalidInputError(
                f"{self.name}: {told}; its options are {', '.join(names) or 'none'}"
                f"{likely}"
            ) from None
        bound.apply_defaults()
        given = bound.arguments
        values = [
            option.check(given.pop(option.name)) if option.name in given else None
            for option in self.options
        ]
        parts = [one for several in given.values() for one in several]
        for one in parts:
            if isinstance(one, Factory):
                raise InvalidInputError(
                    f"{self.name}: {one.name} must be called, as in {one.name}()"
                )
        return Part(self, tuple(values), tuple(parts))

    @property
    def summary(self) -> str:
        """The first line of its docstring."""
        doc = inspect.getdoc(self.function) or ""
        return doc.partition("\n")[0].replace("``", "")

    @property
    def options_text(self) -> str:
        """The options with their defaults, as in a call."""
        return ", ".join(
            option.name
            if option.default is REQUIRED
            else f"{option.name}={_in_call(option.default)}"
            for option in self.options
        )

    def __repr__(self) -> str:
        return f"{self.name}({self.options_text}): {self.summary}"

    def _repr_html_(self) -> str:
        rows = [
            [
                option.name,
                "" if option.default is REQUIRED else _in_call(option.default),
                option.help.replace("``", ""),
            ]
            for option in self.options
        ]
        table = html_table([["option", "default", "what it is"], *rows])
        return html_text(f"{self.name}: {self.summary}") + table * bool(rows)

    def __reduce__(self) -> str:
        """Copies, and what is pickled, are the factory of the module itself."""
        return self.function.__qualname__


def part(function: Callable[P, T]) -> Factory[P, T]:
    """Makes a factory of parts of a function, as a decorator.

    >>> @fr.part
    ... def scaled(strength: fr.Number = 3.0) -> float:
    ...     '''Sends so many times the mean.'''
    ...     return strength
    >>> str(scaled(2.0)), scaled(2.0).make()
    ('scaled:strength=2.0', 2.0)
    """
    return Factory(function)


def file_of(function: Callable[..., Any]) -> pathlib.Path | None:
    """The file that a function stands in; None for one of a notebook's cell."""
    function = inspect.unwrap(function)
    found = inspect.getsourcefile(function) if inspect.isfunction(function) else None
    path = pathlib.Path(found) if found is not None else None
    return path if path is not None and path.is_file() else None


def _written(function: Callable[..., Any]) -> bytes:
    """The file of a function, or else its source, or else its code."""
    function = inspect.unwrap(function)
    if not inspect.isfunction(function):
        return function.__qualname__.encode()
    file = file_of(function)
    if file is not None:
        return file.read_bytes()
    try:
        return inspect.getsource(function).encode()  # of a notebook's cell
    except OSError:
        return _spelled(function.__code__).encode()


def _spelled(code: CodeType) -> str:
    """Code in words, without the addresses and lines that it has in this process."""
    constants = [
        _spelled(one) if isinstance(one, CodeType) else one for one in code.co_consts
    ]
    return repr((code.co_code, code.co_names, code.co_varnames, constants))


def factories_within(value: Any) -> Iterator[Factory[..., Any]]:
    """The factories of a part and of the parts in it; none of anything else.

    >>> rule = fr.chain(fr.clip_by_norm(), fr.median())
    >>> [factory.name for factory in factories_within(rule)][1:]
    ['clip_by_norm', 'median']
    """
    if isinstance(value, Part):
        yield value.factory
        for inside in (*value.parts, *value.values):
            yield from factories_within(inside)
