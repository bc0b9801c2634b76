"""The tutorial from its start to its end, by its own code: the seven networks one after the other, in one process.

    python -m benchmarks.peers.tutorial_study ROWS.npz '{"Tiny": 90, ...}' STARTED

Prints the seconds of each network up to the end of its first epoch and of all others, and those before the first
network; STARTED is when the driver started this process.
"""

from __future__ import annotations

import json
import os
import sys
import time

import numpy as np

from benchmarks.peers.case import NETWORKS, print_report

PATIENCE = 200


def main() -> None:
    path, epochs, started = sys.argv[1], json.loads(sys.argv[2]), float(sys.argv[3])
    from benchmarks.peers.keras_tensorflow import fit, prepare

    prepare(len(os.sched_getaffinity(0)))
    import keras

    from benchmarks.peers.keras_model import compiled_model

    class Marks(keras.callbacks.Callback):
        """Notes when each epoch ended."""

        def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            ends.append(time.perf_counter())

    with np.load(path) as rows:
        arrays = [rows[name] for name in ("x_train", "y_train", "x_validation", "y_validation")]
    startup_seconds, seconds = time.time() - started, {}
    for name, count in epochs.items():
        start, ends = time.perf_counter(), []
        model = compiled_model(NETWORKS[name], len(arrays[0]))
        fit(model, arrays, epochs=count, patience=PATIENCE, callbacks=[Marks()])
        seconds[name] = ends[0] - start, ends[-1] - ends[0]
        print(name, f"{count} epochs, {sum(seconds[name]):.1f} s", file=sys.stderr, flush=True)
    print_report(startup_seconds=startup_seconds, seconds=seconds)


if __name__ == "__main__":
    main()
