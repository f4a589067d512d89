"""Every public name says what it is, with an example that runs."""

import ast
import doctest
import importlib
import inspect
import itertools
import pathlib
import re
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxfr as fr
from jaxfr.parts import Factory

NAMESPACES = [fr, fr.aggregators, fr.attacks, fr.models, fr.optimizers]
# Parts by name, and what has no paper of its own.
CATALOGUES = [fr.aggregators.AGGREGATORS, fr.attacks.ATTACKS, fr.models.MODELS]
WITHOUT_A_SOURCE = {"mean", "none"}
EXAMPLES_SEE = {"fr": fr, "jax": jax, "jnp": jnp, "np": np}
PUBLIC = [
    pytest.param(space, name, id=f"{space.__name__}.{name}")
    for space in NAMESPACES
    for name in space.__all__
    if name != "__version__"
]
FOLDER = pathlib.Path(fr.__path__[0])
MODULES = [
    ".".join(("jaxfr", *file.relative_to(FOLDER).with_suffix("").parts))
    for file in sorted(FOLDER.rglob("*.py"))
    if "    >>> " in file.read_text() and file.name != "__init__.py"
]


def explained_constants(module):
    """Names that are assigned and followed by a string which says what they are."""
    body = ast.parse(pathlib.Path(module.__file__).read_text()).body
    return {
        ast.unparse(getattr(node, "targets", [getattr(node, "target", None)])[0])
        for node, after in itertools.pairwise(body)
        if isinstance(node, ast.Assign | ast.AnnAssign)
        and isinstance(after, ast.Expr)
        and isinstance(after.value, ast.Constant)
    }


def is_explained_somewhere(name):
    modules = [module for key, module in sys.modules.items() if key.startswith("jaxfr")]
    return any(name in explained_constants(one) for one in modules if one.__file__)


def is_own_code(value):
    is_code = inspect.isroutine(value) or inspect.isclass(value)
    return is_code and value.__module__.startswith("jaxfr")


def raises(function):
    return re.search(r"^\s+raise ", inspect.getsource(function), re.M) is not None


@pytest.mark.parametrize(("space", "name"), PUBLIC)
def test_a_public_name_says_what_it_is(space, name):
    value = getattr(space, name)
    function, doc = inspect.unwrap(value), inspect.getdoc(value) or ""
    if inspect.ismodule(value):
        assert doc
    elif isinstance(value, Factory) or is_own_code(function):
        assert ">>> " in doc, "has no example"
        if inspect.isroutine(function) and raises(function):
            assert "Raises:" in doc, "does not say what it raises"
    else:
        assert is_explained_somewhere(name), "no string behind it says what it is"


@pytest.mark.parametrize("catalogue", CATALOGUES)
def test_rules_attacks_and_models_name_their_source(catalogue):
    for name, factory in catalogue.items():
        assert "Source: " in factory.__doc__ or name in WITHOUT_A_SOURCE, name


@pytest.mark.parametrize("space", NAMESPACES)
def test_completion_shows_public_names_only(space):
    assert dir(space) == sorted(space.__all__)
    assert all(hasattr(space, name) for name in space.__all__)


@pytest.mark.parametrize("space", NAMESPACES)
def test_a_misspelled_name_is_told_what_may_be_meant(space):
    name = space.__all__[-1]
    with pytest.raises(AttributeError, match=f"; did you mean .*{name}"):
        getattr(space, f"{name}_")


def test_the_main_job_stands_first_in_ten_lines():
    lines = (fr.__doc__ or "").splitlines()
    shown = [line for line in lines if line.startswith((">>>", "..."))]
    assert len(shown) <= 10
    assert lines[2].startswith(">>> ")


@pytest.mark.parametrize("name", ["jaxfr", "jaxfr.data", *MODULES])
def test_examples_come_to_what_they_say(name):
    module = importlib.import_module(name)
    tested = doctest.testmod(
        module, extraglobs=EXAMPLES_SEE, optionflags=doctest.ELLIPSIS
    )
    assert tested.failed == 0
