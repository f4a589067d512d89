"""Whose rows a baseline attack takes its statistics over, and where it sends."""

from typing import Annotated, Literal

Scope = Annotated[
    Literal["dense", "sparse"],
    "dense: those of all clients, zeros for clients that sent an item nothing, and "
    "malicious rows for every item; sparse: those that were received, and malicious "
    "rows where there are any.",
]
