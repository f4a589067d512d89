"""How the values of flags are read: numbers of a range, and lists."""

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

from absl import flags

from jaxfr.errors import InvalidInputError, nearest
from jaxfr.parts import Option
from jaxfr.ranges import Range

# Flags belong to the modules that call the functions below.
flags.disclaim_key_flags()


class NumberParser(flags.ArgumentParser):
    """A number of a range."""

    def __init__(self, allowed: Range) -> None:
        self.allowed = allowed
        self.syntactic_help = str(allowed)

    def parse(self, argument: Any) -> Any:
        """See base class."""
        parser = flags.IntegerParser() if self.allowed.whole else flags.FloatParser()
        number = None
        with contextlib.suppress(ValueError):
            number = parser.parse(argument)
        if self.allowed.holds(number):
            return number
        raise ValueError(self.allowed.refusal(str(argument)))


class ChoiceParser(flags.EnumParser):
    """One of some words; of another one it says which may have been meant."""

    def parse(self, argument: str) -> str:
        """See base class."""
        try:
            return super().parse(argument)
        except ValueError as error:
            near = nearest(argument, self.enum_values)
            raise ValueError(f"{error}{near}") from None


class OptionParser(flags.ArgumentParser):
    """The value of an option, as a function reads it from its name and a text."""

    def __init__(
        self, name: str, read: Callable[[str, str], Any], option: Option
    ) -> None:
        self.name = name
        self.read = read
        allowed = option.allowed
        self.syntactic_help = str(allowed) if isinstance(allowed, Range) else ""

    def parse(self, argument: Any) -> Any:
        """See base class."""
        if not isinstance(argument, str):
            return argument
        try:
            return self.read(self.name, argument)
        except InvalidInputError as error:
            if self.are_several(argument):
                raise ValueError(
                    "takes one value; several are a sweep's, as in "
                    f"jaxfr sweep --{self.name}={argument} --store=runs/store"
                ) from None
            # The flag itself is named already.
            named, _, told = str(error).partition(": ")
            of_flag = named.startswith(f"{self.name}=") and told
            raise ValueError(told if of_flag else str(error)) from None

    def are_several(self, text: str) -> bool:
        """Whether a text is several values with commas between them."""
        with contextlib.suppress(InvalidInputError):
            return len([self.read(self.name, one) for one in text.split(",")]) > 1
        return False


class ListValue(tuple[Any, ...]):
    """Several values of a flag; a tuple by itself may be a single one."""

    __slots__ = ()


class ListParser(flags.ArgumentParser):
    """Values of one kind with a separator between them."""

    def __init__(self, value_parser: flags.ArgumentParser, separator: str) -> None:
        self.value_parser = value_parser
        self.separator = separator
        self.syntactic_help = value_parser.syntactic_help

    def parse(self, argument: Any) -> tuple[Any, ...]:  # type: ignore[override]
        """Returns the values; a tuple is taken as it is."""
        if not isinstance(argument, str):
            return ListValue(argument)
        texts = argument.split(self.separator)
        values = ListValue(self.value_parser.parse(text.strip()) for text in texts)
        if len(set(values)) < len(values):
            raise ValueError("values must be distinct")
        return values


class ValueSerializer(flags.ArgumentSerializer):
    """Writes a value as its parser reads it, also one of a list."""

    def __init__(self, separator: str, write: Callable[[Any], str]) -> None:
        self.separator = separator
        self.write = write

    def serialize(self, value: Any) -> str:
        """See base class."""
        values = value if isinstance(value, ListValue) else [value]
        return self.separator.join(map(self.write, values))


def define_number(
    name: str, default: float | None, help: str, allowed: Range
) -> flags.FlagHolder[Any]:
    """Defines a flag of one number of a range; its help says the unit."""
    parser, serializer = NumberParser(allowed), flags.ArgumentSerializer()
    return flags.DEFINE(parser, name, default, help, serializer=serializer)


def define_choice(
    name: str, default: str, choices: Sequence[str], help: str
) -> flags.FlagHolder[str]:
    """Defines a flag of one of some words."""
    help = f"<{'|'.join(choices)}>: {help}"
    serializer = flags.ArgumentSerializer()
    return flags.DEFINE(
        ChoiceParser(choices), name, default, help, serializer=serializer
    )
