"""What a large run needs on paper, from the record of a smaller one.

Clients and all that is theirs are divided among devices, what belongs to items is on
each. So memory and work grow with the pairs of a device, and what is sent goes by what
it is sent for: sums over items, embeddings of clients, rows of pairs.
"""

from typing import NamedTuple

from jaxfr.records.record import Record

# The embeddings before and after a round, the rows' sums, the update, the attackers'
# rows, and as many on the way.
ITEM_TABLES = 10


class Size(NamedTuple):
    """How large a run is: training pairs, clients, items."""

    num_pairs: float
    num_users: float
    num_items: float


class Need(NamedTuple):
    """What a run needs of each of its devices."""

    devices: int  # how many there are
    memory_bytes: float  # at its peak
    seconds: float  # of computing in a round, on a device as fast as the measured one
    sum_bytes: float  # sent in a round for sums over items
    gather_bytes: float  # for clients' embeddings that all devices get
    exchange_bytes: float  # for rows of items that one device gets

    @property
    def sent_bytes(self) -> float:
        """All that is sent in a round."""
        return self.sum_bytes + self.gather_bytes + self.exchange_bytes


def size_of(record: Record) -> Size:
    """The size of a measured run."""
    return Size(record["num_train_pairs"], record["num_users"], record["num_items"])


def need_of(record: Record, wanted: Size, devices: int) -> Need:
    """Foretells what a run of another size needs, other settings being equal.

    Memory: the measured peak, the host's copy of the data included, grows with the
    pairs of a device; to it are added the tables of items, ``ITEM_TABLES`` of them at
    once, and the clients' embeddings, where every device gets all. Work grows with the
    pairs of a device. Of what is sent, with D devices each sends ``(D - 1) / D`` of
    what sums over items and clients' embeddings are, and ``(D - 1) / D^2`` of what all
    rows are; see ``communication.sent_bytes``. The record is of two devices or more.
    """
    before, sent = record["num_devices"], record["sent_bytes"]
    old_share, new_share = ((number - 1) / number for number in (before, devices))
    ratios = (new / old for new, old in zip(wanted, size_of(record), strict=True))
    pairs, users, items = ratios
    of_device, kept = pairs * before / devices, new_share / old_share
    tables = 4 * ITEM_TABLES * record["embedding_dim"] * wanted.num_items
    embeddings = sent["gather"] * users / old_share
    measured = record["peak_memory_bytes"] / before
    return Need(
        devices=devices,
        memory_bytes=measured * of_device + tables + embeddings,
        seconds=record["seconds_per_round"]["median"] * of_device,
        sum_bytes=sent["sum"] * items * kept,
        gather_bytes=sent["gather"] * users * kept,
        exchange_bytes=sent["exchange"] * kept * of_device,
    )
