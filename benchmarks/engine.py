"""How long does an epoch take? The tutorial's variants: its own code, keras.fit, PyTorch, scikit-learn and justright.

    make peers                                               # once: TensorFlow and PyTorch into .venv-peers/
    python -m benchmarks.engine [--higgs FOLDER] [--variants Tiny,Large] [--repeats 3] [--json FILE]
    python -m benchmarks.engine --show FILE                  # print the tables of an earlier measurement again

Each measurement is a process of its own that trains one variant for a few seconds after everything is compiled. The
contenders take turns, `--repeats` times over, so that whatever else happens on the machine happens to all of them.
Run it on an idle machine.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks._engine_tables import print_tables
from benchmarks.peers.common import NETWORKS, thread_variables

ROOT = Path(__file__).resolve().parent.parent
PEERS_PYTHON = ROOT / ".venv-peers/bin/python"
VALIDATION_ROWS, TRAIN_ROWS = 1_000, 10_000
GEMM_LIBRARIES = ("numpy", "jax", "torch")
TIMEOUT_SECONDS = 600
ERROR_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class Contender:
    """One way to train a variant.

    Args:
        name: as printed.
        module: the program in `benchmarks.peers`.
        mode: given to it.
        needs_peers: whether it runs in the interpreter of `--peers-python`.
        one_setting: whether it decides about threads itself, given all processors.
        dropout: whether it can express dropout.
    """

    name: str
    module: str
    mode: str = ""
    needs_peers: bool = False
    one_setting: bool = False
    dropout: bool = True


CONTENDERS = {
    "tutorial": Contender("tutorial (Keras on TensorFlow)", "keras_tensorflow", needs_peers=True),
    "keras": Contender("keras.fit on JAX", "keras_jax", "1"),
    "keras-20": Contender("keras.fit on JAX, 20 steps an execution", "keras_jax", "20"),
    "torch": Contender("PyTorch", "torch_loop", "f32", needs_peers=True),
    "torch-compiled": Contender("PyTorch, torch.compile", "torch_loop", "compiled", needs_peers=True),
    "torch-bf16": Contender("PyTorch bf16", "torch_loop", "bf16", needs_peers=True),
    "torch-compiled-bf16": Contender(
        "PyTorch bf16, torch.compile", "torch_loop", "compiled-bf16", needs_peers=True
    ),
    "sklearn": Contender("scikit-learn (ReLU)", "sklearn_mlp", dropout=False),
    "justright": Contender("justright", "justright_study", "float32", one_setting=True),
    "justright-bf16": Contender("justright bf16", "justright_study", "bfloat16", one_setting=True),
}


def main() -> None:
    options = parse_options()
    if options.show:
        print_tables(json.loads(options.show.read_text()))
        return
    with tempfile.TemporaryDirectory() as folder:
        rows = Path(folder) / "rows.npz"
        results = {"machine": describe_machine(), "seeds": options.seeds} | write_rows(rows, options.higgs)
        results["gemm"] = measure_gemm(options, rows)
        results["measurements"] = measure_all(options, rows)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")
    print_tables(results)


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--variants", type=chosen_from(NETWORKS), default=list(NETWORKS))
    parser.add_argument(
        "--contenders", type=chosen_from(CONTENDERS), default=list(CONTENDERS), metavar="NAME,..."
    )
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0, help="of training a measurement (default 4)")
    parser.add_argument("--seeds", type=int, default=2, help="runs of justright's study (default 2)")
    parser.add_argument(
        "--higgs", type=Path, help="folder with HIGGS-prefix.csv.gz; otherwise the packaged table"
    )
    parser.add_argument("--peers-python", type=Path, default=PEERS_PYTHON)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every measurement here")
    parser.add_argument("--show", type=Path, metavar="FILE", help="measure nothing, print this file")
    return parser.parse_args()


def chosen_from(names):
    """Return a parser of comma-separated names."""

    def parse(text: str) -> list[str]:
        chosen = [name.strip() for name in text.split(",")]
        if not set(chosen) <= set(names):
            raise argparse.ArgumentTypeError(f"must be among {', '.join(names)}; got {text!r}")
        return chosen

    return parse


def write_rows(path: Path, higgs: Path | None) -> dict[str, str]:
    """Write the tutorial's split for all contenders; return what rows these are."""
    import justright as jr

    count = VALIDATION_ROWS + TRAIN_ROWS
    table = (
        jr.read_table("higgs", rows=count, location=str(higgs / "HIGGS-prefix.csv.gz"))
        if higgs
        else jr.read_table("higgs-sim", rows=count)
    )
    split = table.split(validation=VALIDATION_ROWS, train=TRAIN_ROWS, test=0, order="head")
    arrays = {}
    for part in ("train", "validation"):
        features, targets = split.arrays(part)
        arrays |= {f"x_{part}": features, f"y_{part}": targets.astype(np.float32)}
    np.savez(path, **arrays)
    return {"rows": "HIGGS" if higgs else "higgs-sim"}


def describe_machine() -> dict[str, object]:
    from justright.runs.place import available_cores
    from justright.workers.machine import processor_name

    return {"processor": processor_name(), "cores": len(available_cores()), "load_before": os.getloadavg()[0]}


def measure_gemm(options: argparse.Namespace, rows: Path) -> dict[str, float]:
    """Return GFLOP/s of f32 matrix products, all processors together, by library; the fastest is the machine's rate."""
    if not any(NETWORKS[name].units[0] >= 512 for name in options.variants):
        return {}
    rates = {}
    for library in GEMM_LIBRARIES:
        python = interpreter(options, needs_peers=library == "torch")
        if python:
            report = run_peer(options, python, "gemm", library, "Large", rows, threads=cores())
            if "error" not in report:
                rates[library] = report["gigaflop_per_second"]
    return rates


def measure_all(options: argparse.Namespace, rows: Path) -> list[dict[str, object]]:
    """Return one report a measurement; what cannot run is reported once, with its reason."""
    cases = []
    for variant in options.variants:
        for name in options.contenders:
            contender = CONTENDERS[name]
            python = interpreter(options, needs_peers=contender.needs_peers)
            if python and (contender.dropout or not NETWORKS[variant].dropout):
                cases.append((variant, contender, python))
    reports, threads = [], {}
    for repeat in range(options.repeats):
        for variant, contender, python in cases:
            key = variant, contender.name
            if repeat == 0:
                threads[key] = best_threads(options, python, contender, variant, rows)
            if threads[key] is None:
                continue
            report = run_peer(
                options, python, contender.module, contender.mode, variant, rows, threads=threads[key]
            )
            reports.append(
                {"variant": variant, "contender": contender.name, "threads": threads[key]} | report
            )
            if "error" in report:
                threads[key] = None
            announce(reports[-1])
    return reports


def best_threads(options, python: str, contender: Contender, variant: str, rows: Path) -> int:
    """Return the number of threads with which a contender is faster, one or all, from a short trial of each."""
    if contender.one_setting or cores() == 1:
        return cores()
    trials = {}
    for threads in (1, cores()):
        report = run_peer(
            options, python, contender.module, contender.mode, variant, rows, threads=threads, share=0.5
        )
        trials[threads] = report.get("milliseconds", float("inf"))
    return min(trials, key=trials.get)


def run_peer(
    options, python: str, module: str, mode: str, variant: str, rows: Path, *, threads: int, share=1.0
):
    """Return a contender's report, or {'error': the end of what it said}."""
    command = [python, "-m", f"benchmarks.peers.{module}", "--variant", variant, "--mode", mode]
    command += ["--rows", str(rows), "--seconds", str(share * options.seconds), "--threads", str(threads)]
    environment = os.environ | thread_variables(threads)
    environment |= {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}", "BENCHMARK_SEEDS": str(options.seeds)}
    try:
        done = subprocess.run(
            [*command, "--started", str(time.time())],
            env=environment,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {"error": f"not done after {TIMEOUT_SECONDS} seconds"}
    if done.returncode:
        return {"error": done.stderr.strip()[-ERROR_CHARACTERS:]}
    return json.loads(done.stdout.strip().splitlines()[-1])


def interpreter(options: argparse.Namespace, *, needs_peers: bool) -> str | None:
    """Return the Python of a contender; None, said once, when the peers' environment is not there."""
    if not needs_peers:
        return sys.executable
    if options.peers_python.exists():
        return str(options.peers_python)
    if not getattr(options, "said_missing", False):
        print(
            f"TensorFlow and PyTorch are left out: no {options.peers_python}. Run `make peers` first.",
            file=sys.stderr,
        )
        options.said_missing = True
    return None


def announce(report: dict[str, object]) -> None:
    said = f"{report['milliseconds']:.3f} ms" if "milliseconds" in report else report["error"]
    print(f"{report['variant']:9} {report['contender']:40} {said}", file=sys.stderr, flush=True)


def cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


if __name__ == "__main__":
    main()
