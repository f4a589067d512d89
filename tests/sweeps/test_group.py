"""What a group is compiled for, with which others at once, and which share a layout."""

import threading
import types

import jax
import numpy as np
import pytest

from jaxfr.data import load_dataset
from jaxfr.errors import InvalidInputError
from jaxfr.sweeps import group as group_module
from jaxfr.sweeps.execution import ExecutionOptions
from jaxfr.sweeps.group import GroupCompiler
from jaxfr.sweeps.plan import RunGroup, plan_runs, take_shard
from jaxfr.training import Layout, start
from tests.sweeps.problem import SYNTHETIC, changed


def layouts(*changes: dict) -> list:
    """Those that the programs of so changed runs were compiled for."""
    wanted = [
        changed(**{"rounds": 1, "eval_every": 0, "model": "fedmf:2"} | each)
        for each in changes
    ]
    plan = plan_runs(wanted)
    compiler = GroupCompiler(plan.sources, ExecutionOptions(1))
    return [laid_out(compiler, group) for group in plan.groups]


def laid_out(compiler: GroupCompiler, group: RunGroup, devices: int = 1) -> Layout:
    return compiler._laid_out(group.source, group.experiment, devices, more_room=False)


def test_groups_of_the_same_data_share_a_layout():
    one, other = layouts({"aggregator": "mean"}, {"aggregator": "norm"})
    assert one is other


@pytest.mark.parametrize(
    "setting", [{"pseudo_items": 2}, {"model": "fedgnn:2:neighbours_per_item=1"}]
)
def test_pseudo_items_and_neighbours_have_layouts_of_their_own(setting):
    one, other, third = layouts({}, setting, {"aggregator": "norm"})
    assert one is not other
    assert (one.holders is None, other.holders is None) == (
        True,
        "model" not in setting,
    )
    rows = [
        sum(s.items.size * s.slots.size for s in layout.item_slots)
        for layout in (one, other, third)
    ]
    assert rows[0] == rows[2]
    assert (rows[1] > rows[0]) == ("pseudo_items" in setting)


@pytest.mark.parametrize("devices", [1, 2])
def test_given_negatives_that_nobody_would_draw_have_room(tmp_path, devices):
    wanted = changed(aggregator="median", init_from=str(tmp_path / "start.npz"))
    dataset = load_dataset(SYNTHETIC)
    first, second = np.argsort(dataset.item_degree)[:2]
    holders = dataset.train_users[dataset.train_items == first]
    given = np.where(np.isin(dataset.train_users, holders), second, first)
    np.savez(
        tmp_path / "start.npz",
        allow_pickle=False,
        user_embeddings=np.zeros((dataset.num_users, 4)),
        item_embeddings=np.zeros((dataset.num_items, 4)),
        negatives=given,
    )
    plan = plan_runs([wanted])
    (group,) = plan.groups
    layout = laid_out(
        GroupCompiler(plan.sources, ExecutionOptions(devices)), group, devices
    )
    values = plan.sources[group.source].given
    setup, _ = start(group.experiment, layout, jax.random.key(0), values)
    assert int(setup.pairs.overflow) == 0


def test_a_single_run_is_spread_and_several_are_divided_whatever_the_model():
    wanted = [
        changed(),
        changed(model="fedgnn:4"),
        changed(pseudo_items=2),
        changed(privacy_clip=0.5),
        changed(model="fedgnn:4", aggregator="median", seed=1),
        changed(model="fedgnn:4", aggregator="median"),
    ]
    plan = plan_runs(wanted)
    compiler = GroupCompiler(plan.sources, ExecutionOptions(4))
    found = [compiler.execution(group) for group in plan.groups]
    assert [execution.spread for execution in found] == [4, 4, 4, 4, 1]
    assert [execution.divided for execution in found] == [1, 1, 1, 1, 2]
    # Also in a shard that has but one of the several.
    (part,) = take_shard(plan, 5, 6).groups
    assert (len(part.runs), compiler.execution(part)) == (1, found[-1])


@pytest.mark.parametrize("model", ["fedmf", "fedgnn"])
@pytest.mark.parametrize("devices", [1, 2])
def test_a_single_run_is_compiled_for_the_devices_that_it_takes(
    model, devices, monkeypatch
):
    class NothingCompiledError(Exception):
        """Carries what was to be compiled."""

    def compile_nothing(experiment, layout, *_, **options):
        raise NothingCompiledError(layout.num_devices, options)

    monkeypatch.setattr(group_module, "compile_to_fit", compile_nothing)
    plan = plan_runs([changed(model=f"{model}:4")])
    with pytest.raises(NothingCompiledError) as found:
        GroupCompiler(plan.sources, ExecutionOptions(devices)).compile(plan.groups[0])
    laid_out_for, options = found.value.args
    assert laid_out_for == devices
    assert options["runs"] == 1


class Compiling:
    """Stands for the compiler, which two threads must be in at once to get out of."""

    def __init__(self, monkeypatch, platform: str, fails: str = "") -> None:
        self.begun: list[str] = []
        self.finished: list[str] = []
        self._fails = fails
        self._both = threading.Barrier(2, timeout=60)
        monkeypatch.setattr(group_module, "compile_to_fit", self)
        monkeypatch.setattr(group_module, "num_cores", lambda: 2)
        monkeypatch.setattr(jax, "default_backend", lambda: platform)
        rules = ("mean", "median", "norm")
        plan = plan_runs([changed(aggregator=rule) for rule in rules])
        self.groups = plan.groups
        self.compiler = GroupCompiler(plan.sources, ExecutionOptions(1))

    def __call__(self, experiment, *_, **options) -> types.SimpleNamespace:
        name = experiment.aggregator.name
        self.begun.append(name)
        if name != "norm":
            self._both.wait()
        if name == self._fails:
            raise InvalidInputError(f"{name} cannot be compiled")
        self.finished.append(name)
        return types.SimpleNamespace(runs=1, compiled=name)


def test_on_a_cpu_programs_are_compiled_together_and_not_beside_runs(monkeypatch):
    compiling = Compiling(monkeypatch, "cpu")
    first, second, third = compiling.groups
    compiling.compiler.begin(compiling.groups)
    assert compiling.compiler.compile(first).group is first
    assert set(compiling.finished) == {"mean", "median"}
    compiling.compiler.begin((second, third))
    assert compiling.compiler.compile(second).group is second
    assert "norm" not in compiling.begun
    assert compiling.compiler.compile(third).group is third


def test_beside_the_runs_of_a_gpu_the_next_program_is_compiled(monkeypatch):
    compiling = Compiling(monkeypatch, "gpu")
    first, second, third = compiling.groups
    compiling.compiler.begin(compiling.groups)
    compiling.compiler.compile(first)
    compiling.compiler.begin((second, third))
    assert compiling.compiler.compile(third).group is third
    assert compiling.begun.count("norm") == 1
    assert compiling.compiler.compile(second).group is second


def test_what_is_wrong_with_a_program_is_said_where_it_is_wanted(monkeypatch):
    compiling = Compiling(monkeypatch, "cpu", fails="median")
    first, second, _ = compiling.groups
    compiling.compiler.begin(compiling.groups)
    assert compiling.compiler.compile(first).group is first
    with pytest.raises(InvalidInputError, match="median cannot be compiled"):
        compiling.compiler.compile(second)
