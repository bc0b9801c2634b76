"""Where does an epoch's time go? The engine's own program under JAX's profiler, on one processor.

    python -m benchmarks.profile [--higgs FOLDER] [--variants Large,Combined] [--precisions float32,bfloat16]

Every operation of the compiled program is counted under what it is for, found from its kind and the shape of its result.
Beside it stands the least time that the matrix products could take at NumPy's float32 rate on the same processor. Run it
on an idle machine: the profiler's clock counts what others do, too. Unprofiled times are processor time.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

from benchmarks.arguments import names_among, program_parser
from benchmarks.higgs_rows import TRAIN_ROWS, VALIDATION_ROWS, write_rows
from benchmarks.host import use_one_thread
from benchmarks.peers.case import BATCH_ROWS, NETWORKS
from benchmarks.peers.driver import run_peer
from benchmarks.printing import print_table

SEED = 1
LEAST_SECONDS = 1.0  # of a chunk: hundreds of short epochs
GEMM_SECONDS = 2.0
KINDS = (
    "matrix products",
    "activations, dropout, losses",
    "optimizer, penalties",
    "copies, conversions",
    "sums",
    "batches",
    "rest",
)
HEADINGS = (
    *("variant", "precision", "all", "orders", *KINDS),
    *("GFLOP/s in products", "products at NumPy's rate"),
)
INSTRUCTION = re.compile(r"^\s*(?:ROOT )?%([\w.\-]+) = \(?\w+\[([\d,]*)\]", re.MULTILINE)
CONTAINERS = ("while", "cond", "call", "conditional")


def main() -> None:
    parser = program_parser(__doc__)
    parser.add_argument(
        "--variants", type=names_among(NETWORKS), default=["Tiny", "Medium", "Large", "Combined"]
    )
    parser.add_argument(
        "--precisions", type=names_among(("float32", "bfloat16")), default=["float32", "bfloat16"]
    )
    parser.add_argument("--higgs", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        use_one_processor(Path(folder) / "compiled")
        rows = Path(folder) / "rows.npz"
        write_rows(rows, options.higgs)
        rate = gemm_rate(rows)
        print(
            f"NumPy's matrix products, float32, one processor: {rate:.0f} GFLOP/s. Milliseconds per epoch:\n"
        )
        with np.load(rows) as read:
            arrays = dict(read)
        lines = [
            line_of(variant, precision, arrays, rate)
            for variant in options.variants
            for precision in options.precisions
        ]
    print_table(HEADINGS, lines)


def use_one_processor(compiled: Path) -> None:
    """Make this process, and those it starts, what a worker is; `compiled` keeps what XLA compiles."""
    use_one_thread(compiled)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])


def gemm_rate(rows: Path) -> float:
    """Return NumPy's GFLOP/s for Large's products on the processor of this process, as `benchmarks.engine` measures them."""
    report = run_peer(sys.executable, "gemm", "numpy", "Large", rows, threads=1, seconds=GEMM_SECONDS)
    return float(report["gigaflop_per_second"])


def line_of(variant: str, precision: str, arrays: dict[str, np.ndarray], rate: float) -> tuple[str, ...]:
    """Return one row of the table: a variant in one precision."""
    chunk = Chunk(variant, precision, arrays)
    epochs = max(1, int(LEAST_SECONDS / chunk.seconds(1)))
    seconds = min(chunk.seconds(epochs) for _ in range(3)) / epochs
    orders = min(chunk.order_seconds(epochs) for _ in range(3)) / epochs
    shapes = chunk.shapes()
    shares = Counter()
    for name, took in chunk.profile(epochs).items():
        shares[kind_of(name, shapes.get(name, ()), chunk.weight_shapes)] += took
    whole = sum(shares.values())
    times = {kind: 1e3 * (seconds - orders) * shares[kind] / whole for kind in KINDS}
    flop = NETWORKS[variant].multiplications_flop(TRAIN_ROWS, VALIDATION_ROWS)
    cells = (f"{1e3 * seconds:.3g}", f"{1e3 * orders:.2g}", *(f"{times[kind]:.3g}" for kind in KINDS))
    return (
        variant,
        precision,
        *cells,
        f"{flop / times['matrix products'] / 1e6:.0f}",
        f"{flop / rate / 1e6:.3g}",
    )


def kind_of(name: str, shape: tuple[int, ...], weight_shapes: set[tuple[int, ...]]) -> str:
    """Return what an operation is for, one of KINDS, from its name and the shape of its result."""
    if name.startswith(("ynn_fusion", "dot")):
        return "matrix products"
    if "gather" in name:
        return "batches"
    if "reduce" in name:
        return "sums"
    if name.startswith(("copy", "transpose", "wrapped_convert", "bitcast")):
        return "copies, conversions"
    if shape in weight_shapes:
        return "optimizer, penalties"
    return "activations, dropout, losses" if shape and shape[0] >= BATCH_ROWS else "rest"


class Chunk:
    """The engine's compiled program for one run of a variant, called epoch after epoch."""

    def __init__(self, variant: str, precision: str, arrays: dict[str, np.ndarray]) -> None:
        import jax.numpy as jnp

        import justright as jr
        from justright.training.lanes import Data, Rows, first_lane, stack_lanes
        from justright.training.network import build_network
        from justright.training.program import Program

        network = NETWORKS[variant]
        recipe = jr.Recipe(patience=None, precision=precision).resolve("binary", train_rows=TRAIN_ROWS)
        build = jr.mlp(*network.units, l2=network.l2, dropout=network.dropout)
        features = arrays["x_train"].shape[1]
        built = build_network(variant, build, recipe, seed=SEED, features=features, outputs=1, task="binary")
        train, validation = (
            Rows(jnp.asarray(arrays[f"x_{part}"]), jnp.asarray(arrays[f"y_{part}"]))
            for part in ("train", "validation")
        )
        self.weight_shapes = {tuple(weights.shape) for weights in built.model.trainable_variables}
        self._program = Program(built, recipe)
        self._lanes = stack_lanes([first_lane(built)])
        self._data = Data(train, validation, Rows(train.x[:2_000], train.y[:2_000]))
        self._epoch = 0

    def seconds(self, epochs: int) -> float:
        """Return the processor time of some further epochs, once compiled."""
        self._train(epochs)
        start = time.process_time()
        self._train(epochs)
        return time.process_time() - start

    def order_seconds(self, epochs: int) -> float:
        """Return the processor time of as many batch orders."""
        start = time.process_time()
        self._arguments(epochs)
        return time.process_time() - start

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of the result of each operation, of the first where there are several."""
        compiled = self._program.run_chunk.func
        text = compiled.lower(*self._program.run_chunk.args, *self._arguments(1)).compile().as_text()
        return {
            name: tuple(map(int, sides.split(","))) if sides else ()
            for name, sides in INSTRUCTION.findall(text)
        }

    def profile(self, epochs: int) -> Counter[str]:
        """Return the microseconds that the profiler counted for each operation that contains no others."""
        import jax

        with tempfile.TemporaryDirectory() as folder:
            with jax.profiler.trace(folder):
                self._train(epochs)
            (path,) = Path(folder).rglob("*.trace.json.gz")
            events = json.loads(gzip.decompress(path.read_bytes()))["traceEvents"]
        found: Counter[str] = Counter()
        for event in events:
            name = event.get("name", "")
            if "hlo_op" in event.get("args", {}) and not name.startswith(CONTAINERS):
                found[name] += event["dur"]
        return found

    def _arguments(self, epochs: int) -> tuple[object, ...]:
        from justright.training.orders import chunk_orders

        orders = chunk_orders((SEED,), self._epoch, epochs, TRAIN_ROWS, length=epochs)
        numbers = np.int32(self._epoch), np.int32(epochs)
        return (self._lanes, orders, np.zeros(epochs, bool), *numbers, self._data, None)

    def _train(self, epochs: int) -> None:
        import jax

        self._lanes = jax.block_until_ready(self._program.run_chunk(*self._arguments(epochs)))[0]
        self._epoch += epochs


if __name__ == "__main__":
    main()
