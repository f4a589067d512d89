"""Settings of runs so small that whole sweeps of them take a moment."""

import dataclasses

from jaxfr.sweeps.settings import Settings

SYNTHETIC = "num_users=40,num_items=300,num_pairs=600"
SMALL = Settings(
    dataset="synthetic",
    synthetic=SYNTHETIC,
    embedding_dim=4,
    rounds=6,
    eval_every=3,
    malicious_ratio=0.1,
    learning_rate=0.1,
)


def changed(**changes) -> Settings:
    return dataclasses.replace(SMALL, **changes)
