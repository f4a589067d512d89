"""How processes find together, and hear of each other's errors."""

import json
import socket

import jax
import pytest

from jaxfr import processes
from jaxfr.errors import InvalidInputError
from jaxfr.processes import Processes, agree, has_lost_others, host_and_port


@pytest.fixture
def of_two(monkeypatch) -> None:
    """As process 0 of two, which hears itself."""
    monkeypatch.setattr(jax, "process_count", lambda: 2)
    monkeypatch.setattr(
        processes, "_tell", lambda decided: json.loads(json.dumps(decided))
    )


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("host:80", ("host", 80)),
        ("10.0.0.1:65535", ("10.0.0.1", 65535)),
        ("[::1]:1", ("::1", 1)),
    ],
)
def test_an_address_is_a_host_and_a_port(address, expected):
    assert host_and_port(address) == expected


@pytest.mark.parametrize(
    "address", ["", "host", "host:", ":80", "host:0", "host:65536", "host:-1", "host:x"]
)
def test_an_address_of_another_form_is_refused(address):
    with pytest.raises(InvalidInputError, match=f"={address}: must be host:port"):
        processes.join_processes(Processes(address, 2, 0))


def test_a_port_that_is_taken_is_refused():
    with socket.socket() as taken:
        taken.bind(("", 0))
        taken.listen()
        address = f"localhost:{taken.getsockname()[1]}"
        with pytest.raises(InvalidInputError, match=f"{address}: process 0 cannot"):
            processes.join_processes(Processes(address, 2, 0))


def test_a_leader_that_does_not_come_is_not_waited_for_without_end(monkeypatch):
    monkeypatch.setattr(processes, "SECONDS_TO_WAIT", 0.0)
    with socket.socket() as nobody_listens:
        nobody_listens.bind(("localhost", 0))
        address = f"localhost:{nobody_listens.getsockname()[1]}"
        with pytest.raises(InvalidInputError, match=f"{address}: .* cannot be reached"):
            processes.join_processes(Processes(address, 2, 1))


@pytest.mark.usefixtures("of_two")
def test_all_processes_decide_as_the_leader_does():
    assert agree(lambda: [1, None]) == [1, None]


@pytest.mark.usefixtures("of_two")
@pytest.mark.parametrize("leader", [True, False])
def test_an_error_of_the_leader_is_told_to_all(monkeypatch, leader):
    told = {"error": "cannot write x: no space"}
    monkeypatch.setattr(processes, "is_leader", lambda: leader)
    if not leader:
        monkeypatch.setattr(processes, "_tell", lambda decided: told)

    def decide() -> None:
        raise InvalidInputError(told["error"])

    with pytest.raises(InvalidInputError, match="cannot write x: no space"):
        agree(decide)


def test_the_end_of_another_process_is_told_from_a_defect(monkeypatch):
    lost = ValueError("UNKNOWN: Gloo all-reduce failed: Connection closed by peer")
    assert not has_lost_others(lost)  # there are none
    monkeypatch.setattr(jax.distributed, "is_initialized", lambda: True)
    assert has_lost_others(lost)
    assert not has_lost_others(ValueError("a defect"))
