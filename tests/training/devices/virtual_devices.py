"""Trains a stack over four virtual devices, for test_placement.py: the tests' own process has one.

`python -m tests.training.devices.virtual_devices FOLDER` writes what was said into FOLDER/said.pickle.
"""

from __future__ import annotations

import os
import pickle
import sys
from pathlib import Path

import numpy as np
from tests.stacks import stops_after, train_stack

from justright.runs.tasks import StudyRows
from justright.study.families import mlp
from justright.study.recipe import Recipe

DEVICES = 4
# Dropout, a penalty and averages; the middle kernel, 128 x 128, is sharded, and so are its moments.
BUILD = mlp(128, 128, dropout=0.3, l2=1e-3)
RECIPE = Recipe(
    batch_size=60,
    max_epochs=6,
    patience=4,
    ema=0.9,
    measure_rows=80,
    precision="float32",
    batch_orders="device",
)
OPTIONS = {"seeds": (0, 1), "together": True, "checkpoint_seconds": 0.0}


def made_rows() -> StudyRows:
    """200 rows learn, 80 validate, 80 measure: as many as of the fixed subset, so that one program measures them all."""
    generator = np.random.default_rng(0)
    x = generator.normal(size=(360, 28)).astype(np.float32)
    y = (x[:, 0] + generator.normal(size=360) > 0).astype(np.float32)
    return StudyRows("binary", 1, *((x[part], y[part]) for part in np.split(np.arange(360), [200, 280])))


def main(folder: Path) -> None:
    """Train without interruption, and with one; say how the values lie on the devices."""
    os.environ["XLA_FLAGS"] += f" --xla_force_host_platform_device_count={DEVICES}"
    from justright.training.stacks import stack

    shards = set()
    take = stack._Session._take_chunk

    def spied(session: stack._Session, chunk: stack._Chunk) -> None:
        take(session, chunk)
        for name, values in session.lanes._asdict().items():
            for value in values if isinstance(values, list) else [values]:
                sizes = {one.data.shape for one in value.addressable_shards}
                shards.add((name, value.shape, *sizes, len(value.addressable_shards)))

    stack._Session._take_chunk = spied
    rows, cache = made_rows(), {}
    options = OPTIONS | {"devices": DEVICES, "cache": cache}
    whole = train_stack(folder / "whole", BUILD, rows, RECIPE, **options)
    first = train_stack(folder / "resumed", BUILD, rows, RECIPE, is_stopping=stops_after(2), **options)
    path = first.checkpoints[-1].path
    second = train_stack(folder / "resumed", BUILD, rows, RECIPE, checkpoint=path, **options)
    said = {"whole": whole, "first": first, "second": second, "shards": shards}
    (folder / "said.pickle").write_bytes(pickle.dumps(said))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
