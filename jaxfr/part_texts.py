"""Options and parts as texts: ``1.5``, ``lie:lie_z=1.5``, ``./mine.py:my_attack``."""

from collections.abc import Mapping
from typing import Any, TypeVar

from jaxfr.errors import InvalidInputError, nearest
from jaxfr.own_files import OWN_FILE, own_factory, refuse_code
from jaxfr.parts import REQUIRED, Factory, Option, Part
from jaxfr.ranges import Range

T = TypeVar("T")


def read_option(option: Option, text: str) -> Any:
    """Reads the value of an option, a number or text.

    Raises:
        InvalidInputError: says the option, the text and what is allowed.
    """
    if option.optional and text == "none":
        return None
    if option.kind is bool and text in ("true", "false"):
        return text == "true"
    if not isinstance(option.allowed, Range):
        return option.check(text)
    try:
        number = _whole(text) if option.kind is int else option.kind(text)
    except (ValueError, OverflowError):
        raise InvalidInputError(
            f"{option.name}={text!r}: {option.allowed.refusal(text)}"
        ) from None
    return option.check(number)


def _whole(text: str) -> int:
    """A whole number, which may be written with an exponent: ``1e6``."""
    if "e" not in text.lower():
        return int(text)  # a double would round what is beyond 2**53
    number = float(text)
    if not number.is_integer():
        raise ValueError(text)
    return int(number)


def names_own_file(text: str) -> bool:
    """Whether a text is a function of a file, as in ``./mine.py:f``."""
    return f"{OWN_FILE}:" in text


def read_one(
    field: str,
    text: str,
    catalogue: Mapping[str, Factory[..., Any]],
    own_files: bool = True,
) -> Part[Any]:
    """Reads one part.

    Args:
        field: what it is a value of, for messages.
        text: its name, or a file and a function of it, and its options.
        catalogue: the parts that have names.
        own_files: whether it may be a function of a file, whose code is then run.

    Raises:
        InvalidInputError: says what of the text is wrong and what is allowed.
    """
    name, *given = text.split(":")
    if names_own_file(text) or text.endswith(OWN_FILE):
        if not own_files:
            refuse_code(field, text)
        name, given, factory = read_own(text)
    else:
        factory = catalogue.get(name)
        if factory is None:
            near = nearest(name, catalogue)
            if near:  # the list may be long, and a typing error needs none
                listed = f"jaxfr list {field.rpartition('_')[2]}s shows what there is"
                raise InvalidInputError(
                    f"{field}={name!r}: there is none{near} {listed}"
                )
            raise InvalidInputError(
                f"{field}={name!r}: allowed are {', '.join(catalogue)}, or a "
                f"function of a file as in ./mine.py:my_{field}"
            )
    values: dict[str, Any] = {}
    for place, piece in enumerate(given):
        option, value = _option_of(factory, place, piece, f"{field}={text!r}")
        if option.name in values:
            raise InvalidInputError(f"{field}={text!r}: {option.name} stands twice")
        values[option.name] = read_option(option, value)
    missing = [
        option.name
        for option in factory.options
        if option.default is REQUIRED and option.name not in values
    ]
    if missing:
        raise InvalidInputError(
            f"{field}={text!r}: needs {missing[0]}, as in {name}:{missing[0]}=..."
        )
    return factory(**values)


def read_own(text: str) -> tuple[str, list[str], Factory[..., Any]]:
    """A function of a file: what it is called, its options' texts, and its factory.

    Raises:
        InvalidInputError: if there is no such file or function, or it cannot be run.
    """
    path, _, rest = text.partition(f"{OWN_FILE}:")
    file = f"{path.removesuffix(OWN_FILE)}{OWN_FILE}"
    function, *given = rest.split(":")
    return f"{file}:{function}", given, own_factory(file, function)


def check_made(made: Any, kind: type[T], told: str) -> T:
    """What a part made, if it is of this kind.

    Args:
        made: what it made.
        kind: what it should have made.
        told: the field and its text, for the message.

    Raises:
        InvalidInputError: if it is something else.
    """
    if not isinstance(made, kind):
        raise InvalidInputError(
            f"{told}: makes a {type(made).__name__}, no {kind.__name__}"
        )
    return made


def _option_of(
    factory: Factory[..., Any], place: int, piece: str, told: str
) -> tuple[Option, str]:
    """The option that a piece such as ``lie_z=1.5`` or ``1.5`` is of, and its text."""
    name, equals, value = piece.partition("=")
    if not equals and place < len(factory.options):
        return factory.options[place], piece
    options = {option.name: option for option in factory.options}
    if name in options and equals:
        return options[name], value
    known = ", ".join(options) or "none"
    raise InvalidInputError(
        f"{told}: has no option {name!r}; options of {factory.name} are {known}"
        f"{nearest(name, options)}"
    )
