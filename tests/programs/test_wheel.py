"""What is installed is all that programs need: they are started from a wheel alone."""

import os
import subprocess
import sys
import tomllib
import zipfile

import pytest

from jaxfr.presets import preset_names
from jaxfr.programs import PROGRAMS
from tests.programs.programs import ROOT, TINY


def test_the_command_and_the_presets_are_in_the_package():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["project"]["scripts"] == {"jaxfr": "jaxfr.__main__:main"}
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel == {"packages": ["jaxfr"]}
    assert {"main", "table3_steam"} <= {*preset_names()}


@pytest.mark.long
def test_a_wheel_alone_in_an_empty_folder_trains_sweeps_and_shows_results(tmp_path):
    """Its dependencies are those of this Python, the checkout is out of reach."""
    pip = (sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(tmp_path))
    subprocess.run([*pip, str(ROOT)], check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(tmp_path / "installed")
    (tmp_path / "folder").mkdir()

    def jaxfr(*arguments: str) -> str:
        code = f"import sys; sys.path.insert(0, {str(tmp_path / 'installed')!r}); "
        code += "from jaxfr.__main__ import main; main()"
        ended = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            cwd=tmp_path / "folder",
            env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
            capture_output=True,
            text=True,
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    told = jaxfr()
    assert all(f"jaxfr {name} " in told for name in PROGRAMS)
    jaxfr("train", "--preset=main", *TINY, "--output_dir=run")
    jaxfr("sweep", "--preset", "main", *TINY, "--store=run/store")
    assert "spattack_o_d" in jaxfr("results", "--store=run/store")
    assert "2 runs" in jaxfr("report", "--store=run/store", "--output_dir=run/page")
    assert "main" in jaxfr("list", "presets")
    assert "users" in jaxfr("dataset", TINY[0])
    assert (tmp_path / "folder" / "run" / "results.jsonl").exists()
