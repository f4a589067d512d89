"""The report's page names versions, machine and moment."""

import datetime

import numpy as np

from experiments.report.content import describe_environment
from jaxfr.sweeps import code_version


def test_versions_machine_and_moment_are_told():
    found = dict(describe_environment(4321.4))
    assert found["numpy"] == np.__version__
    assert {"python", "jaxfr", "jax", "jaxlib", "device"} <= found.keys()
    assert found["code version"].startswith(code_version())
    assert found["seconds in all"] == "4,321"
    assert int(found["cores"]) >= 1
    assert found["processor"].strip()
    text, zone = found["finished"].rsplit(" ", 1)
    assert zone == "UTC"
    moment = datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.UTC)
    age = datetime.datetime.now(datetime.UTC) - moment
    assert datetime.timedelta(0) <= age < datetime.timedelta(hours=1)
