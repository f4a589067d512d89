"""Folders of ``train.txt`` and ``test.txt``: of known content, and damaged ones."""

import pathlib
import random

import numpy as np

from jaxfr.data import NO_TEST_ITEM, load_dataset
from jaxfr.errors import InvalidInputError
from tests.fuzzing.judging import WrongOutcomeError
from tests.fuzzing.texts import damage, odd_text


def attempt(source: random.Random, folder: pathlib.Path) -> None:
    """A pair of files, in order or not."""
    place = pathlib.Path(source.choice((*["pair"] * 9, "p\x1b")))
    place.mkdir()
    held = {
        user: source.sample(range(20), source.randint(1, 9))
        for user in range(source.randint(1, 8))
    }
    held[0] = [19, *(item for item in held[0] if item != 19)]  # so that all lack one
    users = list(held)
    source.shuffle(users)
    tested = [user for user in users if len(held[user]) > 1 and source.random() < 0.9]
    end, space = source.choice(("\n", "\r\n")), source.choice((" ", "\t", "  "))
    test_items = {user: held[user].pop() for user in tested}
    test = [[user, item] for user, item in test_items.items()]
    train = [[user, *held[user]] for user in users]
    contents = [
        (end.join(space.join(map(str, line)) for line in lines) + end).encode()
        for lines in (train, test)
    ]
    draw = source.random()
    if draw > 0.4:
        changed = source.randrange(2)
        contents[changed] = (
            damage(contents[changed], source)
            if draw < 0.8
            else _odd_lines(source).encode("utf-8", "surrogatepass")
        )
    mark = source.choice((b"", b"", b"\xef\xbb\xbf"))
    for name, content in zip(("train.txt", "test.txt"), contents, strict=True):
        (place / name).write_bytes(mark + content)
    if draw > 0.4:
        load_dataset(str(place))
        return
    try:
        found = load_dataset(str(place))
    except InvalidInputError as error:
        if tested and place.name == "pair":
            raise WrongOutcomeError(f"refused a plain pair: {error}") from None
        raise
    for user in users:
        if found.test_items[user] != test_items.get(user, NO_TEST_ITEM):
            raise WrongOutcomeError(f"user {user}: test item {found.test_items[user]}")
        read = found.train_items[found.train_users == user]
        if not np.array_equal(read, held[user]):
            raise WrongOutcomeError(
                f"user {user}: trains on {read}, must be {held[user]}"
            )


def _odd_lines(source: random.Random) -> str:
    lines = []
    for user in range(source.randint(0, 4)):
        words = [str(source.choice((user, 0))), str(source.randint(0, 30))]
        if source.random() < 0.4:
            words.append(odd_text(source))
        lines.append(" ".join(words))
    return "\n".join(lines)
