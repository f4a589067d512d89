"""Which runs are the same, and what of the package decides that."""

import ast
import itertools
import json
import pathlib
import re
import shutil
from importlib import metadata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import jaxfr
from jaxfr.store import identity
from jaxfr.store.identity import (
    code_version,
    computing_modules,
    content_hash,
    run_identity,
    what_code_says,
)
from jaxfr.store.lines import options_part

VALUES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
    | st.lists(st.integers(), max_size=3)
)
OPTIONS = st.dictionaries(st.text(max_size=5), VALUES, min_size=1, max_size=5)

ROOT = pathlib.Path(jaxfr.__file__).parent
CORE = (
    *("aggregators", "attacks", "clients", "evaluation", "models", "training"),
    *("uploads", "experiment.py", "parts.py"),
)
AROUND = {
    *("benchmarking", "checkpoints", "data", "presets", "programs", "records"),
    *("store", "sweeps", "theory", "__init__.py", "__main__.py"),
    *(
        "compilation_cache.py",
        "kept.py",
        "kept_programs.py",
        "own_files.py",
        "public.py",
        "texts.py",
    ),
}
# A small package in jaxfr's place. Here ``beside`` would also be reached from the top.
TREE = {
    "__init__.py": "from jaxfr.public import beside",
    "public.py": "from jaxfr import beside",
    "experiment.py": "import jaxfr\nfrom jaxfr.attacks import lie",
    "attacks/__init__.py": (
        "from jaxfr.attacks.lie import lie\nfrom jaxfr.attacks.named import named"
    ),
    "attacks/named.py": "import jaxfr.beneath",
    "beneath.py": "x = 1",
    "attacks/lie.py": "def lie():\n    import jaxfr.sampling as s",
    "attacks/unused.py": "x = 1",
    "sampling.py": "x = 1",
    "training/round.py": "from jaxfr import linear\nfrom jaxfr.data.table import x",
    "training/batch.py": "from jaxfr.checkpoints import x",
    "linear.py": "x = 1",
    "evaluation/deep/ranks.py": "x = 1",
    "data/table.py": "x = 1",
    "checkpoints/__init__.py": "x = 1",
    "beside.py": "from jaxfr.training.round import x",
}
# What a run enters that has none of the named parts, and what comes with them.
CORE_ENTERS = (
    *("experiment.py", "attacks/lie.py", "sampling.py"),
    *("training/round.py", "training/batch.py"),
    *("linear.py", "evaluation/deep/ranks.py"),
)
WITH_PART = {"attacks/named.py", "beneath.py"}
ENTERS = {*CORE_ENTERS, *WITH_PART, "attacks/__init__.py"}
PART = frozenset({"jaxfr.attacks.named"})

SOURCE = '''
"""A module."""

RATE = 0.5


class Rule:
    """A rule."""

    def __call__(self, x, n=3):
        """Computes."""
        if x > n and not x == 7:
            return x * RATE + 2
        return [-y for y in range(n) if y <= x]
'''


@pytest.fixture(autouse=True)
def _forget_the_version():
    _forget()
    yield
    _forget()


def _forget() -> None:
    code_version.cache_clear()
    identity._modules.cache_clear()


@pytest.fixture
def small_tree(tmp_path, monkeypatch) -> pathlib.Path:
    for name, source in TREE.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(source)
    monkeypatch.setattr(jaxfr, "__file__", str(tmp_path / "__init__.py"))
    return tmp_path


def version_now(parts: frozenset[str] | None = None) -> str:
    _forget()
    return code_version(parts)


def said(source: str) -> str:
    return what_code_says(ast.parse(source))


@given(chosen=OPTIONS, name=st.text(), value=VALUES, data=st.data())
def test_runs_are_the_same_if_all_names_and_values_are(chosen, name, value, data):
    shuffled = dict(data.draw(st.permutations(list(chosen.items()))))
    changed = chosen | {data.draw(st.sampled_from(sorted(chosen))): value}
    first, *_ = chosen
    renamed = {name if key == first else key: chosen[key] for key in chosen}
    for other in (shuffled, changed, chosen | {name: value}, renamed):
        same = json.dumps(chosen, sort_keys=True) == json.dumps(other, sort_keys=True)
        assert (run_identity(chosen, "a") == run_identity(other, "a")) is same


@given(chosen=OPTIONS)
def test_an_identity_says_options_and_code_apart(chosen):
    run, other = run_identity(chosen, "0123abcd"), run_identity(chosen, "ffffffff")
    assert re.fullmatch("[0-9a-f]{16}-0123abcd", run)
    assert run != other
    assert options_part(run) == options_part(other) == run[:16]


def test_values_that_are_only_alike_are_apart():
    alike = [1, 1.0, True, "1", [1], None, "null", "", 0, 0.0, -0.0, False]
    assert len({run_identity({"seed": value}, "a") for value in alike}) == len(alike)
    with pytest.raises(ValueError, match="not JSON compliant"):
        run_identity({"rate": float("nan")}, "a")


@pytest.mark.parametrize("docstring", ["A module.", "A rule.", "Computes."])
def test_docstrings_comments_and_layout_say_nothing(docstring):
    quoted = f'"""{docstring}"""'
    assert SOURCE.count(quoted) == 1
    for other in ('"""Says\n\n    something else."""', "", f"{quoted}  # A remark."):
        assert said(SOURCE.replace(quoted, other)) == said(SOURCE)
    # (What is made of a syntax tree has no comments and a layout of its own.)
    assert said(ast.unparse(ast.parse(SOURCE))) == said(SOURCE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        *(("0.5", "0.25"), ("n=3", "n=4"), ("+ 2", "+ 2.0"), ("x > n", "n > x")),
        *(("and", "or"), ("not ", ""), ("==", "!="), ("x * RATE", "x / RATE")),
        *(("* RATE + 2", "* (RATE + 2)"), ("-y for", "+y for"), ("<=", "<")),
        *(("range(n)", "range(x)"), ("        return [", "            return [")),
        ("class Rule:", "class Rule(Base):"),
        ("    def __call__", "    @cached\n    def __call__"),
        ("RATE = 0.5", "RATE = 'a string'"),
    ],
)
def test_a_changed_number_name_or_operator_says_something_else(old, new):
    assert SOURCE.count(old) == 1
    assert said(SOURCE.replace(old, new)) != said(SOURCE)


def test_the_version_is_the_same_in_another_folder_and_found_once(
    tmp_path, monkeypatch
):
    version = code_version()
    assert re.fullmatch("[0-9a-f]{8}", version)
    copy = tmp_path / "elsewhere"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(jaxfr, "__file__", str(copy / "__init__.py"))
    assert version_now() == version
    (copy / "training" / "round.py").write_text("x = 2\n")
    assert code_version() == version
    assert version_now() != version


@pytest.mark.usefixtures("small_tree")
@pytest.mark.parametrize("name", ["jax", "jaxlib", "numpy", "optax"])
def test_a_version_of_what_the_code_stands_on_enters(name, monkeypatch):
    version, installed = version_now(), metadata.version
    changed = {name: "0.0.1"}
    monkeypatch.setattr(
        metadata, "version", lambda name: changed.get(name) or installed(name)
    )
    assert version_now() != version


@pytest.mark.parametrize("name", TREE)
def test_what_an_experiment_its_training_and_evaluation_import_enters(name, small_tree):
    version, path = version_now(), small_tree / name
    path.write_text(f'"""Says something."""\n\n{TREE[name]}  # the same\n')
    assert version_now() == version
    path.write_text(f"{TREE[name]}\nx = 2\n")
    assert (version_now() != version) is (name in ENTERS)


@pytest.mark.parametrize("name", TREE)
def test_of_parts_those_enter_that_a_run_has(name, small_tree):
    path, none = small_tree / name, frozenset()
    without, with_part = version_now(none), version_now(PART)
    assert without != with_part
    path.write_text(f"{TREE[name]}\nx = 2\n")
    assert (version_now(none) != without) is (name in CORE_ENTERS)
    assert (version_now(PART) != with_part) is (name in {*CORE_ENTERS, *WITH_PART})


def test_another_name_is_another_version_and_other_files_count_for_nothing(small_tree):
    version = version_now()
    (small_tree / "training" / "notes.txt").write_text("x = 2\n")
    assert version_now() == version
    path = small_tree / "evaluation" / "deep" / "ranks.py"
    path.rename(path.with_name("other.py"))
    assert version_now() != version


def test_the_core_enters_the_version_and_what_stands_around_it_does_not():
    modules = identity._modules()
    names = computing_modules(modules)
    places = {f"{name}.py".removeprefix("jaxfr.").split(".")[0] for name in names}
    core = {name.removesuffix(".py") for name in CORE}
    assert places >= core
    assert not places & {name.removesuffix(".py") for name in AROUND}
    for package in (name for name in CORE if "." not in name):
        inside = {name for name in modules if name.startswith(f"jaxfr.{package}.")}
        left_out = inside - names
        packages = {
            name for name in modules for one in modules if one.startswith(f"{name}.")
        }
        assert left_out <= packages, package


def test_a_run_enters_the_code_of_its_parts_and_of_no_others():
    modules = identity._modules()
    core = computing_modules(modules, ())
    lie, median = "jaxfr.attacks.general.lie", "jaxfr.aggregators.median"
    assert core < computing_modules(modules, {lie}) < computing_modules(modules)
    assert not {lie, median} & core
    assert median not in computing_modules(modules, {lie})


def test_contents_that_are_only_alike_are_apart():
    numbers = np.arange(6, dtype=np.int32)
    nothing = numbers[:0]
    arrays = [numbers, numbers[::-1], nothing, nothing.reshape(0, 2)]
    arrays += [numbers.reshape(shape) for shape in ((2, 3), (3, 2), (1, 6))]
    arrays += [numbers.astype(kind) for kind in ("i8", "u4", "f4", ">i4")]
    arrays += [numbers.view(np.int8)]
    for place in itertools.product(range(2), range(3)):
        arrays.append(np.zeros((2, 3)))
        arrays[-1][place] = 1e-300
    alike = [
        *((array,) for array in arrays),
        *((numbers[:cut], numbers[cut:]) for cut in (2, 3)),
        *((numbers[3:], numbers[:3]), (0, numbers)),
        *((numbers, beside) for beside in (None, 0, "0")),
        *((), (None,), ("None",), (1, 23), (12, 3), (123,)),
        *(("a", "b"), ("ab",), ("a;b",), ("a';'b",)),
    ]
    hashes = [content_hash(*parts) for parts in alike]
    assert len(set(hashes)) == len(alike)
    assert all(re.fullmatch("[0-9a-f]{16}", found) for found in hashes)


def test_how_an_array_lies_in_memory_does_not_matter():
    numbers = np.arange(24).reshape(4, 6)
    for array in (numbers, numbers[:, ::2], numbers.T, numbers[1:3]):
        expected = content_hash(np.array(array.tolist()))
        assert content_hash(array) == expected
        assert content_hash(np.asfortranarray(array)) == expected
    assert content_hash(np.array(3)) != content_hash(np.array([3]))
