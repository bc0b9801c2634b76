"""How long does an epoch take? The tutorial's variants, by its own code, keras.fit, PyTorch, scikit-learn and justright.

    make peers                                               # once: TensorFlow and PyTorch into .venv-peers/
    python -m benchmarks.engine [--higgs FOLDER] [--variants Tiny,Large] [--repeats 3] [--json FILE]
    python -m benchmarks.engine --show FILE                  # print the tables of an earlier measurement again

Each measurement is a process of its own that trains one variant for a few seconds after everything is compiled. The
contenders take turns, `--repeats` times over, so that whatever else the machine does hits all of them.
Run it on an idle machine.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.arguments import names_among, program_parser
from benchmarks.higgs_rows import TRAIN_ROWS, VALIDATION_ROWS, write_rows
from benchmarks.host import describe_machine
from benchmarks.peers.case import BATCH_ROWS, NETWORKS
from benchmarks.peers.driver import PEERS_PYTHON, run_peer
from benchmarks.printing import print_table
from justright.runs.place import available_cores

GEMM_LIBRARIES = ("numpy", "jax", "torch")
TRIAL_SHARE = 0.5  # of a measurement's seconds, to find the better number of threads
LARGE_UNITS = 512  # from this width on, matrix products are where the time goes
HEADINGS = ("contender", "ms per epoch and run", "min", "max", "/ best f32 peer", "/ tutorial", "GEMM share")
SIDE_HEADINGS = ("contender", "threads", "start-up s", "compile s", "peak MB", "best validation loss")


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
    "keras-20": Contender("keras.fit on JAX, 20 steps per execution", "keras_jax", "20"),
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
    parser = program_parser(__doc__)
    parser.add_argument("--variants", type=names_among(NETWORKS), default=list(NETWORKS))
    parser.add_argument(
        "--contenders", type=names_among(CONTENDERS), default=list(CONTENDERS), metavar="NAME,..."
    )
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0, help="of training per measurement (default 4)")
    parser.add_argument("--seeds", type=int, default=2, help="runs of justright's study (default 2)")
    parser.add_argument(
        "--higgs", type=Path, help="folder with HIGGS-prefix.csv.gz; otherwise the packaged table"
    )
    parser.add_argument("--peers-python", type=Path, default=PEERS_PYTHON)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every measurement here")
    parser.add_argument("--show", type=Path, metavar="FILE", help="measure nothing, print this file")
    return parser.parse_args()


def measure_gemm(options: argparse.Namespace, rows: Path) -> dict[str, float]:
    """Return GFLOP/s of f32 matrix products, all processors together, by library; the fastest is the machine's rate."""
    if not any(map(is_large, options.variants)):
        return {}
    rates = {}
    for library in GEMM_LIBRARIES:
        contender = Contender(library, "gemm", library, needs_peers=library == "torch")
        if python := interpreter(options, contender):
            report = measure(options, python, contender, "Large", rows, len(available_cores()))
            if "error" not in report:
                rates[library] = report["gigaflop_per_second"]
    return rates


def measure_all(options: argparse.Namespace, rows: Path) -> list[dict[str, object]]:
    """Return one report per measurement; what cannot run is reported once, with the reason."""
    cases = [
        (variant, CONTENDERS[name], python)
        for variant in options.variants
        for name in options.contenders
        if (python := interpreter(options, CONTENDERS[name]))
        and (CONTENDERS[name].dropout or not NETWORKS[variant].dropout)
    ]
    reports, failed = [], set()
    threads = {}
    for _ in range(options.repeats):
        for case in cases:
            variant, contender, python = case
            if case in failed:
                continue
            if case not in threads:
                threads[case] = best_threads(options, python, contender, variant, rows)
            report = measure(options, python, contender, variant, rows, threads[case])
            reports.append(
                {"variant": variant, "contender": contender.name, "threads": threads[case]} | report
            )
            if "error" in report:
                failed.add(case)
            announce(reports[-1])
    return reports


def best_threads(options, python: str, contender: Contender, variant: str, rows: Path) -> int:
    """Return the number of threads with which a contender is faster, one or all, from a short trial of each."""
    cores = len(available_cores())
    if contender.one_setting or cores == 1:
        return cores
    trials = {}
    for threads in (1, cores):
        report = measure(options, python, contender, variant, rows, threads, share=TRIAL_SHARE)
        trials[threads] = report.get("milliseconds", float("inf"))
    return min(trials, key=trials.get)


def measure(
    options, python: str, contender: Contender, variant: str, rows: Path, threads: int, *, share=1.0
) -> dict:
    """Return the report of one contender that trains for a share of `--seconds`."""
    return run_peer(
        *(python, contender.module, contender.mode, variant, rows),
        threads=threads,
        seconds=share * options.seconds,
        seeds=options.seeds if contender.module == "justright_study" else 1,
    )


def interpreter(options: argparse.Namespace, contender: Contender) -> str | None:
    """Return the Python of a contender; None, with one message, when the peers' environment is missing."""
    if not contender.needs_peers:
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


def print_tables(results: dict) -> None:
    """Print for each variant how fast the contenders are, and what else they take."""
    machine = results["machine"]
    print(
        f"\n{machine['processor']}, {machine['cores']} processors (load before: {machine['load_before']:.1f}); "
        f"{results['rows']} rows: {TRAIN_ROWS:,} train, {VALIDATION_ROWS:,} validate after every epoch; "
        f"batch {BATCH_ROWS}.\n"
        f"justright: throughput of a study of {results['seeds']} seeds on all processors. "
        f"Versions: {versions(results)}."
    )
    if results["gemm"]:
        rates = ", ".join(f"{library} {rate:.0f}" for library, rate in results["gemm"].items())
        print(
            f"Matrix products in f32, all processors, one thread each: {rates} GFLOP/s; the fastest counts."
        )
    variants = dict.fromkeys(report["variant"] for report in results["measurements"])
    for variant in variants:
        reports = [report for report in results["measurements"] if report["variant"] == variant]
        print(f"\n## {variant}\n")
        print_table(HEADINGS, speed_rows(variant, reports, max(results["gemm"].values(), default=None)))
        print()
        print_table(SIDE_HEADINGS, side_rows(reports))
        for report in reports:
            if "error" in report:
                print(f"\n{report['contender']} did not run: {' '.join(report['error'].split())}")


def speed_rows(variant: str, reports: list[dict], gemm: float | None) -> Iterable[tuple[str, ...]]:
    """Yield the cells of each contender; ratios say how many times longer the other takes."""
    times = by_contender(reports, "milliseconds")
    medians = {name: statistics.median(values) for name, values in times.items()}
    peers = [median for name, median in medians.items() if is_f32_peer(name)]
    tutorial = CONTENDERS["tutorial"].name
    flop = NETWORKS[variant].multiplications_flop(TRAIN_ROWS, VALIDATION_ROWS)
    for name, median in medians.items():
        share = f"{flop / (median / 1000) / (gemm * 1e9):.0%}" if gemm and is_large(variant) else ""
        yield (
            name,
            f"{median:.3g}",
            f"{min(times[name]):.3g}",
            f"{max(times[name]):.3g}",
            f"{min(peers) / median:.2f}x" if peers else "",
            f"{medians[tutorial] / median:.2f}x" if tutorial in medians else "",
            share,
        )


def side_rows(reports: list[dict]) -> Iterable[tuple[str, ...]]:
    """Yield start-up, compilation, memory, and the loss that shows whether the same thing was trained."""
    columns = {key: by_contender(reports, key) for key in ("threads", "startup_seconds", "compile_seconds")}
    memory, loss = by_contender(reports, "memory_bytes"), by_contender(reports, "validation_loss")
    for name in memory:
        yield (
            name,
            str(columns["threads"][name][0]),
            f"{statistics.median(columns['startup_seconds'][name]):.1f}",
            f"{statistics.median(columns['compile_seconds'][name]):.1f}",
            f"{max(memory[name]) / 1e6:.0f}",
            f"{statistics.median(loss[name]):.3f}",
        )


def by_contender(reports: list[dict], key: str) -> dict[str, list]:
    """Return {contender: [value of each measurement]}, failures left out."""
    values: dict[str, list] = {}
    for report in reports:
        if "error" not in report:
            values.setdefault(report["contender"], []).append(report[key])
    return values


def is_f32_peer(name: str) -> bool:
    return not name.startswith("justright") and "bf16" not in name


def is_large(variant: str) -> bool:
    return NETWORKS[variant].units[0] >= LARGE_UNITS


def versions(results: dict) -> str:
    found: dict[str, str] = {}
    for report in results["measurements"]:
        found |= report.get("versions", {})
    return ", ".join(f"{package} {number}" for package, number in sorted(found.items()))


if __name__ == "__main__":
    main()
