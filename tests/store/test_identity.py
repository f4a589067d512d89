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
    content_hash,
    run_identity,
    settings_part,
    what_code_says,
)
from tests.store.processes import output_of

VALUES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
    | st.lists(st.integers(), max_size=3)
)
SETTINGS = st.dictionaries(st.text(max_size=5), VALUES, min_size=1, max_size=5)

ROOT = pathlib.Path(jaxfr.__file__).parent
COMPUTING = {
    *("aggregators", "attacks", "clients", "evaluation", "models"),
    *("training", "uploads"),
}
# Packages that do not compute a run: data counts with its content, and the others only
# plan, keep, show or compare with what is computed.
OTHERS = {"checkpoints", "data", "records", "store", "sweeps", "theory"}

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


def as_json(value: object) -> str:
    return json.dumps(value, sort_keys=True)


@pytest.fixture(autouse=True)
def _forget_the_version():
    code_version.cache_clear()
    yield
    code_version.cache_clear()


@pytest.fixture
def copied_tree(tmp_path, monkeypatch) -> pathlib.Path:
    """Small packages of jaxfr's names, in jaxfr's place."""
    root = tmp_path / "jaxfr"
    for package in ("", *COMPUTING, *OTHERS, "models/deep"):
        (root / package).mkdir()
        (root / package / "__init__.py").write_text("")
        (root / package / "module.py").write_text("x = 1\n")
    monkeypatch.setattr(jaxfr, "__file__", str(root / "__init__.py"))
    return root


def version_now() -> str:
    code_version.cache_clear()
    return code_version()


@given(chosen=SETTINGS, data=st.data())
def test_the_order_of_settings_does_not_matter(chosen, data):
    shuffled = dict(data.draw(st.permutations(list(chosen.items()))))
    assert run_identity(chosen, "0123abcd") == run_identity(shuffled, "0123abcd")


@given(chosen=SETTINGS, value=VALUES, data=st.data())
def test_a_changed_value_is_another_run(chosen, value, data):
    name = data.draw(st.sampled_from(sorted(chosen)))
    same = as_json(chosen[name]) == as_json(value)
    changed = chosen | {name: value}
    assert (run_identity(chosen, "a") == run_identity(changed, "a")) is same


@given(chosen=SETTINGS, name=st.text(), value=VALUES)
def test_one_setting_more_or_of_another_name_is_another_run(chosen, name, value):
    if name in chosen:
        return
    first, *_ = chosen
    renamed = {name if key == first else key: chosen[key] for key in chosen}
    runs = {run_identity(s, "a") for s in (chosen, chosen | {name: value}, renamed)}
    assert len(runs) == 3


@given(chosen=SETTINGS)
def test_an_identity_says_settings_and_code_apart(chosen):
    run, other = run_identity(chosen, "0123abcd"), run_identity(chosen, "ffffffff")
    assert re.fullmatch("[0-9a-f]{16}-0123abcd", run)
    assert run != other
    assert settings_part(run) == settings_part(other) == run[:16]


def test_values_that_are_only_alike_are_apart():
    alike = [1, 1.0, True, "1", [1], None, "null", "", 0, 0.0, -0.0, False]
    runs = {run_identity({"seed": value}, "a") for value in alike}
    assert len(runs) == len(alike)


def test_a_setting_that_json_cannot_hold_is_refused():
    with pytest.raises(ValueError, match="not JSON compliant"):
        run_identity({"rate": float("nan")}, "a")


def test_comments_and_layout_say_nothing():
    for path in sorted(ROOT.rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        # (What is made of a syntax tree has no comments and a layout of its own.)
        assert what_code_says(ast.unparse(ast.parse(source))) == what_code_says(source)


@pytest.mark.parametrize("docstring", ["A module.", "A rule.", "Computes."])
def test_a_docstring_says_nothing(docstring):
    quoted = f'"""{docstring}"""'
    assert SOURCE.count(quoted) == 1
    for other in ('"""Says\n\n    something else."""', "", f"{quoted}  # A remark."):
        assert what_code_says(SOURCE.replace(quoted, other)) == what_code_says(SOURCE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("0.5", "0.25"),
        ("n=3", "n=4"),
        ("+ 2", "+ 2.0"),
        ("x > n", "n > x"),
        ("and", "or"),
        ("not ", ""),
        ("==", "!="),
        ("x * RATE", "x / RATE"),
        ("* RATE + 2", "* (RATE + 2)"),
        ("-y for", "+y for"),
        ("<=", "<"),
        ("range(n)", "range(x)"),
        ("        return [", "            return ["),
        ("class Rule:", "class Rule(Base):"),
        ("    def __call__", "    @cached\n    def __call__"),
    ],
)
def test_a_changed_number_name_or_operator_says_something_else(old, new):
    assert SOURCE.count(old) == 1
    assert what_code_says(SOURCE.replace(old, new)) != what_code_says(SOURCE)


@given(one=st.floats(0, 1e300), other=st.floats(0, 1e300))
def test_no_number_says_what_another_does(one, other):
    said, also = (what_code_says(f"x = {number!r}") for number in (one, other))
    assert (said == also) is (one == other)


def test_a_string_that_is_no_docstring_says_something():
    assert what_code_says("f('a')") != what_code_says("f('b')")
    assert what_code_says("x = 'a'") != what_code_says("x = 'b'")


def test_the_version_is_the_same_in_another_process():
    version = code_version()
    assert re.fullmatch("[0-9a-f]{8}", version)
    program = "from jaxfr.store.identity import code_version; print(code_version())"
    assert output_of(program) == f"{version}\n"


def test_the_version_is_the_same_in_another_folder(tmp_path, monkeypatch):
    version = code_version()
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT, tmp_path / "elsewhere", ignore=ignored)
    monkeypatch.setattr(jaxfr, "__file__", str(tmp_path / "elsewhere/__init__.py"))
    assert version_now() == version


@pytest.mark.parametrize("name", ["jax", "jaxlib", "numpy", "optax"])
def test_a_version_of_what_the_code_stands_on_enters(name, copied_tree, monkeypatch):
    del copied_tree
    version, installed = version_now(), metadata.version
    changed = {name: "0.0.1"}
    monkeypatch.setattr(
        metadata, "version", lambda name: changed.get(name) or installed(name)
    )
    assert version_now() != version


def test_a_version_is_found_once(copied_tree):
    version = code_version()
    (copied_tree / "training" / "module.py").write_text("x = 2\n")
    assert code_version() == version


@pytest.mark.parametrize("package", ["", "models/deep", *sorted(COMPUTING)])
def test_what_computes_enters_the_version(package, copied_tree):
    version = version_now()
    path = copied_tree / package / "module.py"
    path.write_text('"""Says something."""\n\nx = 1  # the same\n')
    assert version_now() == version
    path.write_text("x = 2\n")
    assert version_now() != version
    path.write_text("x = 1\n")
    assert version_now() == version
    path.rename(path.with_name("other.py"))
    assert version_now() != version


@pytest.mark.parametrize("package", sorted(OTHERS))
def test_what_does_not_compute_stays_out_of_the_version(package, copied_tree):
    version = version_now()
    (copied_tree / package / "module.py").write_text("x = 2\n")
    (copied_tree / package / "other.py").write_text("x = 2\n")
    (copied_tree / "training" / "notes.txt").write_text("x = 2\n")
    assert version_now() == version


def test_every_package_either_computes_or_is_known_not_to():
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert packages == COMPUTING | OTHERS
    assert {name for name in identity._BESIDE if "." not in name} == OTHERS
    modules = {path.name for path in ROOT.glob("*.py")}
    assert set(identity._BESIDE) - OTHERS <= modules


def test_what_computes_uses_only_what_computes_and_data():
    used = set()
    for package in COMPUTING:
        for path in (ROOT / package).rglob("*.py"):
            source = path.read_text(encoding="utf-8")
            used |= set(re.findall(r"^\s*(?:from|import) jaxfr\.(\w+)", source, re.M))
    modules = {path.stem for path in ROOT.glob("*.py")}
    assert used <= COMPUTING | modules | {"data"}


def test_contents_that_are_only_alike_are_apart():
    numbers = np.arange(6, dtype=np.int32)
    nothing = numbers[:0]
    arrays = [numbers, numbers[::-1], nothing, nothing.reshape(0, 2)]
    arrays += [numbers.reshape(shape) for shape in ((2, 3), (3, 2), (1, 6))]
    arrays += [numbers.astype(kind) for kind in ("i8", "u4", "f4", ">i4")]
    arrays += [numbers.view(np.int8)]
    alike = [
        *((array,) for array in arrays),
        *((numbers[:cut], numbers[cut:]) for cut in (2, 3)),
        *((numbers[3:], numbers[:3]), (0, numbers)),
        *((numbers, beside) for beside in (None, 0, "0")),
        *((), (None,), ("None",)),
        *((1, 23), (12, 3), (123,)),
        *(("a", "b"), ("ab",), ("a;b",), ("a';'b",)),
    ]
    hashes = [content_hash(*parts) for parts in alike]
    assert len(set(hashes)) == len(alike)
    assert all(re.fullmatch("[0-9a-f]{16}", found) for found in hashes)


def test_a_changed_element_is_another_content():
    numbers = np.zeros((3, 4))
    changed = [numbers]
    for place in itertools.product(range(3), range(4)):
        other = numbers.copy()
        other[place] = 1e-300
        changed.append(other)
    assert len({content_hash(array) for array in changed}) == 13


def test_how_an_array_lies_in_memory_does_not_matter():
    numbers = np.arange(24).reshape(4, 6)
    for array in (numbers, numbers[:, ::2], numbers.T, numbers[1:3]):
        expected = content_hash(np.array(array.tolist()))
        assert content_hash(array) == expected
        assert content_hash(np.asfortranarray(array)) == expected
    assert content_hash(np.array(3)) != content_hash(np.array([3]))
