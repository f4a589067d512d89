"""Interactions of which it is known who holds what and when, and what must be read."""

import random
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from jaxfr.data import NO_TEST_ITEM, Dataset
from tests.fuzzing.judging import WrongOutcomeError


class Row(NamedTuple):
    """An interaction: who, with what, when."""

    user: str
    item: str
    time: float


def draw_rows(source: random.Random) -> list[Row]:
    """Rows of 3 to 12 users, in any order, some of them repeated.

    Everybody holds two items at least and lacks one that occurs. Times of a user are
    distinct but for those of repeated pairs.
    """
    prefix = source.choice(("", "", "u", "user ", "é"))
    first = source.choice((0, 1, 1, 1000, 2**31))
    users = [f"{prefix}{first + number}" for number in range(source.randint(3, 12))]
    items = [f"{source.choice((prefix, prefix, 'b'))}{first + n}" for n in range(15)]
    items = list(dict.fromkeys(items))
    start, step = source.choice(((0, 1), (880_000_000, 1), (1_600_000_000, 3600)))
    scale = source.choice((1, 1, 1000))
    rows = [
        Row(users[0], items[-1], scale * start),
        Row(users[1], items[-2], scale * start),
    ]
    for user in users:
        held = source.sample(items[:-2], source.randint(2, 9))
        moments = source.sample(range(100), len(held))
        rows += [
            Row(user, item, scale * (start + step * moment))
            for item, moment in zip(held, moments, strict=True)
        ]
    if source.random() < 0.3:
        rows += [
            row._replace(time=row.time + step) for row in source.choices(rows, k=3)
        ]
    source.shuffle(rows)
    return rows


def check_dataset(found: Dataset, rows: Sequence[Row], by_time: bool) -> None:
    """Holds a data set against the rows that it was read from.

    Args:
        found: what was read.
        rows: the rows of the file, in their order.
        by_time: whether the file says the times; otherwise its order is theirs.

    Raises:
        WrongOutcomeError: if it is another one.
    """
    users = list(dict.fromkeys(row.user for row in rows))
    items = list(dict.fromkeys(row.item for row in rows))
    if (found.num_users, found.num_items) != (len(users), len(items)):
        raise WrongOutcomeError(
            f"{found.num_users} users and {found.num_items} items, "
            f"must be {len(users)} and {len(items)}"
        )
    for number, user in enumerate(users):
        of_user = [row for row in rows if row.user == user]
        if by_time:
            of_user.sort(key=lambda row: row.time)
        held = [items.index(i) for i in dict.fromkeys(row.item for row in of_user)]
        last = held.pop() if len(held) > 1 else NO_TEST_ITEM
        if found.test_items[number] != last:
            raise WrongOutcomeError(
                f"user {user}: test item {found.test_items[number]}, must be {last}"
            )
        read = found.train_items[found.train_users == number]
        if not np.array_equal(read, held):
            raise WrongOutcomeError(f"user {user}: trains on {read}, must be {held}")
