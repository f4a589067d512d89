"""The range of every number that a run can be given, for flags, files and library."""

import contextlib
import math
from typing import Any, NamedTuple

import numpy as np

from jaxfr.errors import InvalidInputError

# Twice as many, and a few more, are still int32, in which programs count.
MOST = 10**9
# The square of such a number, and the sum of many squares, is finite in float32.
LARGEST = 1e15
# The least number above 0; no zero in float32.
SMALLEST = 1e-30


class Range(NamedTuple):
    """The numbers that are allowed, of an option as ``Annotated[Number, Range(0, 1)]``.

    >>> share = Range(0, 1)
    >>> print(f"must be {share}")
    must be a number at least 0 and at most 1, 0 or 1e-30 and more in size
    >>> share.holds(0.25), share.holds(2)
    (True, False)

    Attributes:
        low: the least of them.
        high: the largest of them.
        whole: whether they are whole numbers.
        below_high: whether ``high`` itself is not allowed.
    """

    low: float
    high: float
    whole: bool = False
    below_high: bool = False

    def __str__(self) -> str:
        """The range in words, as in ``must be ...``."""
        if self.whole:
            return f"a whole number from {self.low} to {self.high}"
        above = f"above 0 (from {SMALLEST:g} on)"
        begin = above if self.low == SMALLEST else f"at least {self.low:g}"
        end = f"below {self.high:g}" if self.below_high else f"at most {self.high:g}"
        zero = "" if self.low > 0 else f", 0 or {SMALLEST:g} and more in size"
        return f"a number {begin} and {end}{zero}"

    def refusal(self, text: str) -> str:
        """What is said of a text or number that is not allowed, and what was meant.

        >>> Range(0, 0.5).refusal("5 %")
        'must be a number at least 0 and at most 0.5, ...; 5 % is 0.05'
        """
        if "," in text:
            return f"must be {self}; a point, not a comma, stands before decimals"
        percent = math.nan
        with contextlib.suppress(ValueError):
            percent = float(text.rstrip("% "))
        meant, is_percent = percent / 100, "%" in text or percent >= 1
        if self.high <= 1 and is_percent and self.holds(meant):
            return f"must be {self}; {percent:g} % is {meant:g}"
        return f"must be {self}"

    def holds(self, value: Any) -> bool:
        """Whether a number, or each number of an array, is allowed.

        Programs compute in float32, so what is no whole number must be allowed after
        rounding to that as well.
        """
        return all(map(self._holds_one, np.ravel(value).tolist()))

    def _holds_one(self, number: object) -> bool:
        kinds = int if self.whole else int | float
        if isinstance(number, bool) or not isinstance(number, kinds):
            return False
        if self.whole or not self._encloses(number):
            return self._encloses(number)
        if 0 < abs(number) < SMALLEST:  # as good as the 0 that it may become
            return False
        return self._encloses(float(np.float32(number)))

    def _encloses(self, number: float) -> bool:
        # Written so that nan is not enclosed.
        return self.low <= number and (
            number < self.high if self.below_high else number <= self.high
        )


COUNT = Range(0, MOST, whole=True)
COUNT_FROM_1 = Range(1, MOST, whole=True)
SHARE = Range(0, 1, below_high=True)
SEED = Range(0, 2**32 - 1, whole=True)  # as many bits as a random key takes in
AMOUNT = Range(0, LARGEST)
POSITIVE = Range(SMALLEST, LARGEST)
ANY_NUMBER = Range(-LARGEST, LARGEST)
ANY_WHOLE_NUMBER = Range(-MOST, MOST, whole=True)
DEVICES = Range(1, 4096, whole=True)


def check_number(name: str, value: object, allowed: Range) -> None:
    """Refuses a number, or an array of numbers, out of its range.

    Raises:
        InvalidInputError: says the name, the value and what is allowed.
    """
    if not allowed.holds(value):
        raise InvalidInputError(f"{name}={value}: {allowed.refusal(str(value))}")
