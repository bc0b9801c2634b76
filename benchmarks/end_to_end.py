"""How long does the whole tutorial take, start-up and compilation included? Its own code and justright.

    make peers                                                             # once
    python -m benchmarks.end_to_end --higgs FOLDER --out OUT [--share 0.1] [--modes float32,bfloat16]
    python -m benchmarks.end_to_end --out OUT                              # the table again, of what OUT holds

justright is the command as users type it, from its start to the written report, without programs compiled earlier: the
study `tutorial`, one seed, test rows and boosted trees included. Each mode that OUT does not hold yet is trained once.
The tutorial's own code then trains the same seven networks for as many epochs as the float32 study did, in one process.
That takes half an hour, and all epochs of a network but the first are alike: with `--share 0.1` it trains a tenth of them
and counts their time ten times, start-up and first epochs once. Run it on an idle machine.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.arguments import names_among, program_parser
from benchmarks.higgs_rows import HELDOUT, PREFIX, write_rows
from benchmarks.host import describe_machine
from benchmarks.peers.case import NETWORKS
from benchmarks.peers.driver import IMPORT_PATH, PEERS_PYTHON, last_report
from benchmarks.printing import print_table

MODES = {
    "float32": [],
    "bfloat16": ["--precision", "bfloat16"],
    "settled": ["--stop", "settled"],
    "settled-bfloat16": ["--stop", "settled", "--precision", "bfloat16"],
}
HEADINGS = ("what", "seconds", "times faster", *NETWORKS)


def main() -> None:
    parser = program_parser(__doc__)
    parser.add_argument("--higgs", type=Path, help="folder with HIGGS-prefix.csv.gz and heldout.parquet")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument(
        "--share", type=float, default=1.0, help="of the epochs that the tutorial's code trains"
    )
    parser.add_argument("--modes", type=names_among(MODES), default=list(MODES))
    parser.add_argument("--peers-python", type=Path, default=PEERS_PYTHON)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / "seconds.json"
    seconds = json.loads(path.read_text()) if path.exists() else {}
    if options.higgs:
        for mode in options.modes:
            if mode not in seconds:
                seconds[mode] = run_study(options, mode)
                path.write_text(json.dumps(seconds))
        if "tutorial" not in seconds:
            seconds["tutorial"] = run_tutorial(options)
            path.write_text(json.dumps(seconds))
    show(options.out, seconds)


def run_study(options: argparse.Namespace, mode: str) -> dict[str, float]:
    """Return the wall seconds of the whole command."""
    command = [sys.executable, "-m", "justright", "run", "higgs"]
    command += ["--study", "tutorial", "--seeds", "1", "--quiet", "--out", str(options.out / mode)]
    command += ["--from", str(options.higgs / PREFIX), "--test", str(options.higgs / HELDOUT)]
    started = time.perf_counter()
    subprocess.run(
        [*command, *MODES[mode]],
        env=os.environ | {"JUSTRIGHT_COMPILE_CACHE": "off"},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return {"total": time.perf_counter() - started}


def run_tutorial(options: argparse.Namespace) -> dict[str, float]:
    """Return the seconds of the tutorial's own code: in total, and for all epochs of each network."""
    counts = {name: epochs_of(variant) for name, variant in variants_of(options.out / "float32").items()}
    epochs = {name: max(2, round(options.share * count)) for name, count in counts.items()}
    with tempfile.TemporaryDirectory() as folder:
        rows = Path(folder) / "rows.npz"
        write_rows(rows, options.higgs)
        command = [options.peers_python, "-m", "benchmarks.peers.tutorial_study", rows, json.dumps(epochs)]
        done = subprocess.run(
            [*command, str(time.time())],
            env=os.environ | IMPORT_PATH,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    report = last_report(done.stdout)
    by_network = {
        name: first + rest * (counts[name] - 1) / max(1, epochs[name] - 1)
        for name, (first, rest) in report["seconds"].items()
    }
    return by_network | {
        "total": report["startup_seconds"] + sum(by_network.values()),
        "share": options.share,
    }


def variants_of(folder: Path) -> dict[str, dict]:
    """Return what a study's result has for each network, by its name."""
    variants = json.loads((folder / "result.json").read_text())["variants"]
    return {variant["name"]: variant for variant in variants}


def epochs_of(variant: dict) -> int:
    """Return for how many epochs a network was trained."""
    return variant["runs"][0]["epochs"]


def show(out: Path, seconds: dict[str, dict[str, float]]) -> None:
    """Print how long each side took; for justright with the epochs and the verdict of each network."""
    machine = describe_machine()
    print(f"{machine['processor']}, {machine['cores']} processors")
    print_table(HEADINGS, rows_of(out, seconds))


def rows_of(out: Path, seconds: dict[str, dict[str, float]]) -> Iterator[tuple[str, ...]]:
    tutorial = seconds.get("tutorial")
    if tutorial:
        share = f" (share {tutorial['share']:g})" if tutorial["share"] < 1 else ""
        spent = (f"{tutorial[name]:.0f} s" for name in NETWORKS)
        yield (f"the tutorial's own code{share}", f"{tutorial['total']:.0f}", "1", *spent)
    for mode in MODES:
        if mode in seconds:
            total = seconds[mode]["total"]
            ratio = f"{tutorial['total'] / total:.2f}" if tutorial else ""
            variants = variants_of(out / mode)
            ends = (f"{epochs_of(variants[name])}, {variants[name]['verdict']['label']}" for name in NETWORKS)
            yield (f"justright, {mode}", f"{total:.0f}", ratio, *ends)


if __name__ == "__main__":
    main()
