"""The examples in docstrings run, and come to what they say."""

import doctest
import importlib
import pkgutil

import pytest

import jaxfr

MODULES = [
    found.name
    for found in pkgutil.walk_packages(jaxfr.__path__, "jaxfr.")
    if not found.ispkg
]


@pytest.mark.parametrize("name", ["jaxfr", *MODULES])
def test_examples_come_to_what_they_say(name):
    tested = doctest.testmod(importlib.import_module(name))
    assert tested.failed == 0
