"""The examples of parts of one's own: short, on the public API alone, and they run."""

import ast
import pathlib

import numpy as np
import pytest

import jaxfr as fr
from jaxfr import Experiment, Metric, sweep, synthetic_dataset
from jaxfr.store import open_store
from jaxfr.sweeps.execution import ExecutionOptions
from jaxfr.sweeps.plan import plan_runs
from jaxfr.sweeps.work import run_plan
from jaxfr.texts import read_field
from tests.programs.programs import ROOT, TINY, instead, lines, outcome, run
from tests.sweeps.problem import changed

FOLDER = pathlib.Path("experiments/examples")
OWN = {
    "attack": f"{FOLDER}/shrink_items.py:shrink_items:strength=3",
    "model": f"{FOLDER}/weighted_product.py:gmf:4",
    "metrics": f"hr@10,{FOLDER}/reciprocal_rank.py:reciprocal_rank",
}
RULE = f"{FOLDER}/shrunk_mean.py:shrunk_mean:prior=2"
STAGE = f"{FOLDER}/patience.py:patience:tolerance=4"
QUANTILE = f"{FOLDER}/item_quantile_clip.py:item_quantile_clip:quantile=0.6"
DEFENSE = f"{STAGE}+{QUANTILE}+{RULE}"

every_example = pytest.mark.parametrize(
    "path", sorted((ROOT / FOLDER).glob("*.py")), ids=lambda path: path.stem
)


@every_example
def test_an_example_has_at_most_50_lines_and_imports_only_jaxfr_jax_and_numpy(path):
    source = path.read_text()
    assert len(source.splitlines()) <= 50
    imported = {
        alias.name
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    assert imported <= {"jaxfr", "jax", "jax.numpy", "numpy"}
    assert not any(isinstance(n, ast.ImportFrom) for n in ast.walk(ast.parse(source)))


@every_example
def test_an_example_says_its_command(path):
    assert f"{FOLDER}/{path.name}:" in path.read_text()


def test_all_examples_run_together_and_from_python_they_are_the_same_run(
    tmp_path, monkeypatch
):
    done = run(
        *("train", f"--output_dir={tmp_path}"),
        *instead(TINY, *(f"--{name}={text}" for name, text in OWN.items())),
        *(f"--aggregator={DEFENSE}", "--nocompare_clean", "--num_devices=1"),
    )
    assert done.returncode == 0, done.stderr
    assert "reciprocal rank" in done.stdout
    copies = (tmp_path / "own_files").iterdir()
    assert {path.name.partition("-")[2] for path in copies} == {
        path.name for path in (ROOT / FOLDER).glob("*.py")
    }
    monkeypatch.chdir(ROOT)
    made = {name: read_field(name, text) for name, text in OWN.items()}
    made["aggregator"] = read_field("aggregator", DEFENSE)
    assert any(isinstance(m, Metric) and m.part is not None for m in made["metrics"])
    data = synthetic_dataset(num_users=40, num_items=300, num_pairs=600)
    experiment = Experiment(**made, malicious_ratio=0.1)
    (record,) = sweep(
        [experiment], data, rounds=6, eval_every=3, store=tmp_path / "store"
    )
    (stored,) = lines(tmp_path / "store")
    assert outcome({**record}) == outcome(stored)
    assert record["attack"] == "shrink_items.py:shrink_items"
    assert record["aggregator"] == (
        "patience.py:patience+item_quantile_clip.py:item_quantile_clip+"
        "shrunk_mean.py:shrunk_mean"
    )
    options = ("strength", "tolerance", "quantile", "prior")
    assert [record[name] for name in options] == [3, 4, 0.6, 2]
    assert 0 <= record["reciprocal_rank"] <= 1
    assert record["trust_recall"] is not None


def clip_and_mean(monkeypatch) -> fr.Part[fr.Rule]:
    monkeypatch.chdir(ROOT)
    return read_field("aggregator", f"{QUANTILE}+mean")


def test_rows_are_clipped_to_the_quantile_of_their_item(monkeypatch):
    rows = np.random.default_rng(0).normal(size=(5, 9, 3)).astype(np.float32)
    found, _ = fr.aggregate(clip_and_mean(monkeypatch), fr.uploads_of(rows))
    norms = np.linalg.norm(rows, axis=2, keepdims=True)
    most = np.quantile(norms, 0.6, axis=1, keepdims=True, method="inverted_cdf")
    clipped = rows * np.minimum(1, most / norms)
    np.testing.assert_allclose(found.rows, clipped.mean(1), rtol=1e-4, atol=1e-5)


def test_they_are_so_on_any_number_of_devices(monkeypatch, tmp_path):
    rule = clip_and_mean(monkeypatch)
    plan = plan_runs([changed(aggregator=rule, attack="spattack_o_d")])
    tables = []
    for devices in (1, 2):
        with open_store(tmp_path / str(devices)) as store:
            options = ExecutionOptions(devices, spread_runs=devices > 1)
            (done,) = run_plan(plan, store, options)
        assert done.record["num_devices"] == devices
        tables.append(done.result.state.items.values)
    np.testing.assert_allclose(*tables, rtol=1e-4, atol=1e-6)


def test_what_reproduces_the_paper_uses_public_names_and_the_programs_flags():
    """Names of ``jaxfr``, of its packages and modules, and what programs share."""
    for path in (ROOT / "experiments").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module:
                top, *parts = node.module.split(".")
                if top == "jaxfr":
                    assert len(parts) <= 1 or parts[0] == "programs", path
                    assert not any(name.name.startswith("_") for name in node.names)
