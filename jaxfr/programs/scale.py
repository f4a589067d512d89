r"""Says what a large run needs, from what the benchmark measured of smaller ones.

jaxfr benchmark --sizes=1000000,50000000 --num_devices=2 \
    --aggregator=mean,median --attack=spattack_o_d --output_dir=runs/sizes
jaxfr scale --benchmark=runs/sizes/benchmark.jsonl
"""

from collections.abc import Sequence

from absl import flags

from jaxfr.benchmarking.on_paper import Need, Size, need_of, size_of
from jaxfr.errors import InvalidInputError
from jaxfr.files import open_regular, user_errors, user_path
from jaxfr.programs.flag_parsers import define_number
from jaxfr.ranges import COUNT_FROM_1, LARGEST, Range
from jaxfr.records.record import Record
from jaxfr.store.lines import parse_plain
from jaxfr.terminal import align, note

EXAMPLE = "--benchmark=runs/sizes/benchmark.jsonl --num_pairs=1e9"
"""For ``--help``, of the flags that only this program has."""

_SIZES = ("num_train_pairs", "num_users", "num_items")

_SIZE = Range(1, LARGEST)

_BENCHMARK = flags.DEFINE_string(
    "benchmark",
    None,
    "Records of jaxfr benchmark (benchmark.jsonl) of cases on two devices or "
    "more; of each aggregator and attack the largest is taken.",
)
_NUM_PAIRS = define_number(
    "num_pairs", 1e9, "Training pairs of the run that is asked about.", _SIZE
)
_NUM_USERS = define_number("num_users", 2e7, "Its clients.", _SIZE)
_NUM_ITEMS = define_number("num_items", 1e6, "Its items.", Range(2, LARGEST))
_NUM_DEVICES = flags.DEFINE_list(
    "num_devices", ["8", "64", "512"], "Numbers of devices, with commas between them."
)
_BANDWIDTH = define_number(
    "bandwidth",
    3e9,
    "Bytes that each device sends in a second (3e9: a link of 25 Gbit/s).",
    _SIZE,
)


def main() -> None:
    """Does what the flags say."""
    wanted = Size(_NUM_PAIRS.value, _NUM_USERS.value, _NUM_ITEMS.value)
    devices = parse_devices(_NUM_DEVICES.value)
    for record in largest(read_records(_BENCHMARK.value)):
        needs = [need_of(record, wanted, number) for number in devices]
        print(f"{_title(record, wanted)}\n{format_needs(needs, _BANDWIDTH.value)}\n")


def parse_devices(texts: Sequence[str]) -> list[int]:
    """Reads numbers of devices, whole ones from 2."""
    try:
        numbers = [int(text) for text in texts]
    except ValueError:
        numbers = []
    if not numbers or min(numbers) < 2 or not COUNT_FROM_1.holds(numbers):
        raise InvalidInputError(
            f"num_devices={','.join(texts)!r}: must be whole numbers from 2 to "
            f"{COUNT_FROM_1.high}"
        )
    return numbers


def read_records(path: str | None) -> list[Record]:
    """Reads the benchmark's records on several devices; other lines are told of."""
    if path is None:
        raise InvalidInputError("benchmark: name the records, --benchmark=...")
    file = user_path(path, "benchmark")
    with user_errors("read", file), open_regular(file) as opened:
        lines = opened.read().splitlines()
    records = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            records.append(_measured(parse_plain(line)))
        except (ValueError, KeyError, TypeError):
            note(f"{file}: line {number} is no record of a benchmark, left out")
    if not records:
        raise InvalidInputError(f"{file}: holds no records of a benchmark")
    found = [record for record in records if record["num_devices"] > 1]
    if not found:
        raise InvalidInputError(f"{file}: holds no record on two devices or more")
    return found


def _measured(record: Record) -> Record:
    """A record, if it has all that is read of it; otherwise an error of many kinds."""
    texts = [record[name] for name in ("aggregator", "attack", "device")]
    above_0 = [
        *(record[name] for name in ("num_devices", "embedding_dim", *_SIZES)),
        *(record["peak_memory_bytes"], record["seconds_per_round"]["median"]),
    ]
    sent = [record["sent_bytes"][name] for name in ("sum", "gather", "exchange")]
    if not all(isinstance(text, str) for text in texts) or not (
        min(above_0) > 0 and min(sent) >= 0
    ):
        raise ValueError(record)
    return record


def largest(records: Sequence[Record]) -> list[Record]:
    """Of each aggregator and attack the record with most pairs."""
    kinds = dict.fromkeys((r["aggregator"], r["attack"]) for r in records)
    return [
        max(
            (r for r in records if (r["aggregator"], r["attack"]) == kind),
            key=lambda record: record["num_train_pairs"],
        )
        for kind in kinds
    ]


def format_needs(needs: Sequence[Need], bandwidth: float) -> str:
    """A table of what is needed of each device."""
    header = (
        *("devices", "memory", "computing", "sent", "for sums", "for clients"),
        *("for rows", "sending"),
    )
    rows = [
        (
            f"{need.devices:,}",
            f"{need.memory_bytes / 1e9:.3g} GB",
            f"{need.seconds:.3g} s",
            *(
                f"{size / 1e9:.3g} GB"
                for size in (
                    *(need.sent_bytes, need.sum_bytes),
                    *(need.gather_bytes, need.exchange_bytes),
                )
            ),
            f"{need.sent_bytes / bandwidth:.3g} s",
        )
        for need in needs
    ]
    return align([header, *rows])


def _title(record: Record, wanted: Size) -> str:
    pairs, users, items = (f"{number:.3g}" for number in wanted)
    before = size_of(record)
    return (
        f"{record['aggregator']}, {record['attack']}: each device in a round of "
        f"{pairs} pairs, {users} clients, {items} items, d = "
        f"{record['embedding_dim']}; from {before.num_pairs:.3g} pairs on "
        f"{record['num_devices']} devices ({record['device']})"
    )
