"""How the values of flags are read: numbers of a range, and lists."""

from typing import Any

from absl import flags

from jaxfr.ranges import Range

# Flags belong to the modules that call the functions below.
flags.disclaim_key_flags()


class NumberParser(flags.ArgumentParser):
    """A number of a range, or ``none`` where nothing is to be given."""

    def __init__(self, allowed: Range, optional: bool = False) -> None:
        self.allowed = allowed
        self.optional = optional
        self.syntactic_help = str(allowed)

    def parse(self, argument: Any) -> Any:
        """See base class."""
        if self.optional and argument in ("none", None):
            return None
        parser = flags.IntegerParser() if self.allowed.whole else flags.FloatParser()
        number = parser.parse(argument)
        if not self.allowed.holds(number):
            raise ValueError(f"must be {self.allowed}")
        return number


class ListParser(flags.ArgumentParser):
    """Values of one kind with a separator between them."""

    def __init__(self, value_parser: flags.ArgumentParser, separator: str) -> None:
        self.value_parser = value_parser
        self.separator = separator
        self.syntactic_help = value_parser.syntactic_help

    def parse(self, argument: Any) -> tuple[Any, ...]:  # type: ignore[override]
        """Returns the values; a tuple is taken as it is."""
        if isinstance(argument, tuple):
            return argument
        texts = argument.split(self.separator)
        values = tuple(self.value_parser.parse(text.strip()) for text in texts)
        if len(set(values)) < len(values):
            raise ValueError("values must be distinct")
        return values


class ValueSerializer(flags.ArgumentSerializer):
    """Writes a value as its parser reads it, also one of a list and None."""

    def __init__(self, separator: str) -> None:
        self.separator = separator

    def serialize(self, value: Any) -> str:
        """See base class."""
        values = value if isinstance(value, tuple) else [value]
        return self.separator.join("none" if v is None else str(v) for v in values)


def define_number(
    name: str, default: float | None, help: str, allowed: Range
) -> flags.FlagHolder[Any]:
    """Defines a flag of one number.

    Args:
        name: its name.
        default: its value where it is not given.
        help: what it is, with its unit.
        allowed: its range.
    """
    parser, serializer = NumberParser(allowed), flags.ArgumentSerializer()
    return flags.DEFINE(parser, name, default, help, serializer=serializer)
