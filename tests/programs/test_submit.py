"""A sweep handed to submitit; its local executor stands for a cluster."""

import pytest

from tests.programs.programs import TINY
from tests.programs.sweeping import lines, run

SWEEP = (*TINY, "--aggregator=mean,clip_by_norm:2+mean", "--seeds=0:3")


def test_jobs_share_the_runs_and_read_the_flags_as_they_were_meant(tmp_path):
    store, preset = tmp_path / "store", tmp_path / "preset.flags"
    preset.write_text("--attack=none,spattack_o_d\n")
    done = run(
        *(*SWEEP, f"--flagfile={preset}", f"--store={store}"),
        *("--cluster=local", "--num_jobs=2", f"--job_log_dir={tmp_path / 'logs'}"),
        "--wait",
        cache=tmp_path / "compiled",
        name="submit",
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("submitted ")
    found = [(r["attack"], r.get("clip_norm"), r["seed"]) for r in lines(store)]
    assert sorted(found, key=str) == sorted(
        (
            (attack, clip_norm, seed)
            for attack in ("none", "spattack_o_d")
            for clip_norm in (None, 2.0)
            for seed in range(3)
        ),
        key=str,
    )
    # Each job wrote a file of its own.
    assert len(list((store / "records").iterdir())) == 2


def test_a_job_that_fails_is_named(tmp_path):
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "thesis.txt").touch()
    done = run(
        *(*SWEEP, f"--store={tmp_path / 'store'}", "--cluster=local", "--wait"),
        f"--job_log_dir={tmp_path / 'logs'}",
        cache=tmp_path / "compiled",
        name="submit",
    )
    assert done.returncode == 1
    assert "failed: " in done.stderr


@pytest.mark.parametrize(
    ("arguments", "named"),
    [([], "--store"), (["--store=x", "--malicious_ratio=1"], "malicious_ratio")],
)
def test_a_mistake_is_found_before_anything_is_submitted(tmp_path, arguments, named):
    log_dir = tmp_path / "logs"
    done = run(
        *(*TINY, *arguments, "--cluster=local", f"--job_log_dir={log_dir}"),
        cache=tmp_path / "compiled",
        name="submit",
    )
    assert done.returncode == 2
    assert named in done.stderr
    assert not log_dir.exists()
