"""A program that was kept is loaded without being traced, and is the same."""

import types

import jax
import numpy as np
import pytest

import jaxfr as fr
from jaxfr.training import compiled as compiling
from jaxfr.training.batch import Run, run_batch
from tests.training.problem import EXPERIMENT, changed, small_layout

ATTACKED = changed(EXPERIMENT, attack="spattack_o_d", malicious_clients=2)


class TracedError(Exception):
    """A program was not kept."""


@pytest.fixture
def compiled(tmp_path, monkeypatch):
    """Compiles with kept programs; when ``kept`` is said, tracing is an error."""

    jax.clear_caches()  # XLA does not write all programs that have run

    def traced(*_):
        raise TracedError

    def compile_in(experiment, kept=False, devices=1, rounds=4):
        with monkeypatch.context() as patch:
            if kept:
                untraced = types.SimpleNamespace(trace=traced)
                patch.setattr(compiling, "draw_many", untraced)
                patch.setattr(compiling, "begin_many", untraced)
            layout = small_layout(devices)
            return compiling.compile_programs(
                experiment, layout, rounds, folder=tmp_path
            )

    return compile_in


def ends(programs, experiment):
    (result,) = run_batch(programs, [Run(3, experiment)], 4, 2)
    return jax.tree.leaves((result.setup.pairs, result.state, result.curve))


@pytest.mark.parametrize("devices", [1, 2])
def test_a_kept_program_ends_in_the_same_bits(compiled, devices):
    made = ends(compiled(ATTACKED, devices=devices), ATTACKED)
    for experiment in (ATTACKED, changed(ATTACKED, learning_rate=0.3)):
        kept = ends(compiled(experiment, kept=True, devices=devices), experiment)
        same = all(map(np.array_equal, made, kept))
        assert same is (experiment is ATTACKED)


def test_whatever_a_program_is_made_from_tells_it_apart(compiled, monkeypatch):
    compiled(ATTACKED)
    compiled(ATTACKED, kept=True)
    for other in (
        changed(ATTACKED, attack="spattack_l_d"),
        changed(ATTACKED, attack="lie:scope=sparse"),
        changed(ATTACKED, aggregator="clip_by_norm+mean"),
        changed(ATTACKED, model="fedmf:embedding_dim=4"),
        changed(ATTACKED, metrics=(fr.hit_ratio(3),)),
        changed(ATTACKED, negatives="resample"),
    ):
        with pytest.raises(TracedError):
            compiled(other, kept=True)
    for changes in ({"devices": 2}, {"rounds": 5}):
        with pytest.raises(TracedError):
            compiled(ATTACKED, kept=True, **changes)
    monkeypatch.setattr("jaxfr.kept_programs.package_hash", lambda: "other")
    with pytest.raises(TracedError):
        compiled(ATTACKED, kept=True)


def test_attacks_share_what_draws_for_them(compiled, tmp_path):
    compiled(ATTACKED)
    drawn, others = sorted(tmp_path.iterdir(), key=lambda file: file.stat().st_mtime_ns)
    compiled(changed(ATTACKED, attack="spattack_l_d"))
    files = set(tmp_path.iterdir())
    assert {drawn, others} < files
    assert len(files) == 3


@pytest.mark.parametrize("number", [0, 1])
def test_a_damaged_file_is_made_anew(compiled, tmp_path, number):
    compiled(ATTACKED)
    file = sorted(tmp_path.iterdir())[number]
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(TracedError):
        compiled(ATTACKED, kept=True)
    compiled(ATTACKED)
    compiled(ATTACKED, kept=True)


def test_what_cannot_be_written_is_left_to_the_cache_of_jax(
    compiled, tmp_path, monkeypatch
):
    monkeypatch.setattr("jaxfr.kept_programs._written", None)
    compiled(ATTACKED)
    monkeypatch.setattr("jaxfr.kept_programs.cache_off", None)
    compiled(ATTACKED)
    assert len(list(tmp_path.iterdir())) == 2


def test_parts_of_somebody_s_own_are_not_kept(compiled, tmp_path):
    @fr.part
    def twice():
        return fr.mean().make()

    own_rule = changed(EXPERIMENT, aggregator=twice())
    own = fr.hit_ratio(3)._replace(part=twice())
    own_metric = changed(EXPERIMENT, metrics=(own,))
    of_python = fr.mean_over_users("hr@3", lambda rank, _: rank < 3, True)
    another = changed(EXPERIMENT, metrics=(of_python,))
    for experiment in (own_rule, own_metric, another):
        compiled(experiment)
    assert list(tmp_path.iterdir()) == []
