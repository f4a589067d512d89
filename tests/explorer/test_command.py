"""A record's command is that of the run that it is of."""

import shlex

import pytest

from jaxfr.aggregators import STAGES
from jaxfr.explorer.command import command_without_seed, part_texts
from jaxfr.part_texts import read_option
from jaxfr.sweeps.request import RUN_OPTIONS, RunRequest
from jaxfr.texts import CATALOGUES, read_part
from tests.records.whole import older_record, whole_record

BY_DEFAULT = [
    (field, f"{name}+mean" if name in STAGES else name)
    for field, parts in CATALOGUES.items()
    for name in sorted(parts)
]
GIVEN = [
    ("attack", "lie:lie_z=1.5:scope=sparse"),
    ("model", "fedmf:embedding_dim=8"),
    ("aggregator", "clip_by_norm:clip_norm=2.0+clip_by_norm:clip_norm=3.0+median"),
    ("aggregator", "clip_by_norm+clip_growth+clip_adaptive+budget+overlap+scale+mean"),
    ("server_optimizer", "adam:learning_rate=0.5"),
    ("aggregator", "norm:clip_norm=0.5"),
]


@pytest.mark.parametrize(("field", "text"), GIVEN + BY_DEFAULT)
def test_a_part_is_told_as_it_is_written(field, text):
    try:
        part = read_part(field, text)
    except ValueError:
        pytest.skip("has an option without a default")
    record = whole_record(RunRequest().replace(**{field: part}))
    assert part_texts(record)[field] == str(part)


def test_a_command_asks_for_what_is_not_as_by_default():
    wanted = RunRequest().replace(
        attack="lie:1.5",
        aggregator="clip_by_norm:2+median",
        client_optimizer="adam:0.5",
        malicious_ratio=0.1,
        privacy_clip=0.5,
        metrics="hr@10,er@5",
        targets="cold:3",
        dataset="synthetic:num_users=40",
        rounds=7,
    )
    record = whole_record(wanted)
    _, _, *flags = shlex.split(command_without_seed(record, part_texts(record)))
    given = dict(flag.removeprefix("--").split("=", 1) for flag in flags)
    numbers = ("malicious_ratio", "privacy_clip", "rounds", "expected_byzantine")
    read = {name: read_option(RUN_OPTIONS[name], given.pop(name)) for name in numbers}
    # The run was told of no number, and nine evaluated users say none of its clients.
    assert read.pop("expected_byzantine") == 111
    assert RunRequest().replace(**given, **read) == wanted


def test_a_number_of_byzantine_clients_that_follows_is_not_asked_for():
    record = whole_record(users_head=300, users_middle=300, users_tail=400)
    command = command_without_seed(record, part_texts(record))
    assert command == "jaxfr sweep --dataset=ml-100k"


def test_records_of_earlier_versions_have_a_command():
    record = older_record()
    command = command_without_seed(record, part_texts(record))
    assert " --attack=lie" in command
