"""Checkpoints: damaged, and in other places than where they were saved."""

import copy
import os
import pathlib
import random
import shutil
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxfr.checkpoints import CheckpointKeeper, CheckpointOptions
from tests.checkpoints.samples import bits, blank
from tests.fuzzing.judging import WrongOutcomeError
from tests.fuzzing.texts import damage


def attempt(source: random.Random, folder: pathlib.Path) -> None:
    """Saves checkpoints of two pieces of work, damages them, and restores both."""
    settings = CheckpointOptions(pathlib.Path("checkpoints"), seconds=0.0, keep=3)
    saved: dict[str, dict[int, Any]] = {}
    for identity in ("a" * 32, "b" * 32):
        keeper, saved[identity] = CheckpointKeeper(settings, identity), {}
        for finished in sorted(source.sample(range(1, 30), source.randint(1, 3))):
            saved[identity][finished] = _tree(source)
            keeper.save(finished, saved[identity][finished])
    for _ in range(source.choice((0, 1, 1, 2))):
        _change(settings.directory, source)
    for identity, trees in saved.items():
        template = blank(next(iter(trees.values())))
        keeper = CheckpointKeeper(settings, identity)
        restored = keeper.restore(lambda finished, t=template: copy.copy(t))
        if restored is None:
            continue
        finished, tree = restored
        if finished not in trees:
            raise WrongOutcomeError(f"restored round {finished}, of {sorted(trees)}")
        found, wanted = jax.tree.leaves(tree), jax.tree.leaves(trees[finished])
        if list(map(bits, found)) != list(map(bits, wanted)):
            raise WrongOutcomeError(f"round {finished} is another one's")


def _tree(source: random.Random) -> dict[str, Any]:
    draw = np.random.default_rng(source.getrandbits(32))
    return {
        "table": jnp.asarray(draw.normal(size=(4, 3)), jnp.float32),
        "key": jax.random.key(source.getrandbits(31)),
        "curve": np.asarray(draw.integers(0, 9, 5)),
        "done": jnp.asarray(source.random() < 0.5),
    }


def _change(directory: pathlib.Path, source: random.Random) -> None:
    """Damages a file, or puts it elsewhere."""
    files = sorted(path for path in directory.rglob("process_*") if path.is_file())
    if not files:
        return
    one, other = source.choice(files), source.choice(files)
    change = source.randrange(9)
    if change <= 2:
        one.write_bytes(damage(one.read_bytes(), source))
    elif change == 3:
        content = one.read_bytes()
        one.write_bytes(other.read_bytes())
        other.write_bytes(content)
    elif change == 4:
        target = other.parent.with_name(f"round_{source.choice((1, 7, 40, 10**9)):06d}")
        if not target.exists():
            shutil.copytree(one.parent, target)
    elif change == 5:
        one.unlink()
        source.choice((lambda: os.mkfifo(one), one.mkdir, lambda: None))()
    elif change == 6:
        shutil.rmtree(one.parent)
        if source.random() < 0.5:
            one.parent.write_bytes(b"a file")
    elif change == 7:
        one.with_name("process_1_of_2.npz").write_bytes(one.read_bytes())
        one.unlink()
    else:
        left = one.parent / ".new-left"
        left.mkdir(exist_ok=True)
        (left / one.name).write_bytes(one.read_bytes()[:50])
