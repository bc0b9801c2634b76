"""Does any input from outside end in anything but success or one sentence? Coverage-guided fuzzing with atheris.

    python -m benchmarks.fuzz                          # every target, a minute each
    python -m benchmarks.fuzz --seconds 240 table toml # these, four minutes each
    python -m benchmarks.fuzz --replay FILE table      # one input again, with its traceback

atheris is in the dependency group `fuzz` of pyproject.toml, and has builds for Linux and CPython up to 3.13. A finding
is an exception other than the package's own, an input that takes longer than `SLOW_SECONDS`, one that
takes more than `MEMORY_MB`, or a crash of the process. Sizes that readers allow are lowered to `TABLE_BYTES`, so that
going beyond them shows. Inputs that found something, and the corpus, stay in --out.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
import traceback
from importlib.metadata import version
from pathlib import Path

from benchmarks.arguments import program_parser
from benchmarks.fuzz.targets import SCRATCH, TARGETS, lower_limits, place_of

# Of the processor, not of the clock, which a busy machine stretches: an input that takes longer could stop a service.
SLOW_SECONDS = 3
# libFuzzer kills the process here; well above SLOW_SECONDS, which is noticed without killing it.
HANG_SECONDS = 20
# Polars, Keras and the tables of TABLE_BYTES fit several times over; a bomb does not.
MEMORY_MB = 2_560
# Longest input tried: room for a Parquet footer or a zip directory, short enough for thousands of inputs per second.
INPUT_BYTES = 8 << 10
STATISTIC = re.compile(r"stat::number_of_executed_units: *(\d+)")
PROGRESS = re.compile(r"#(\d+)\s.* cov: (\d+) ft: \d+ corp: (\d+)/")


def main() -> int:
    parser = program_parser(__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(TARGETS)}; all if none")
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument(
        "--out", type=Path, help="folder for corpora and findings; a temporary one if not given"
    )
    parser.add_argument("--replay", type=Path, help="run one input on one target and show what happens")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    names = options.targets or list(TARGETS)
    for name in names:
        if name not in TARGETS:
            parser.error(f"TARGET must be one of {', '.join(TARGETS)}; got {name!r}")
    if options.replay:
        return replay(names[0], options.replay)
    out = options.out or Path(tempfile.mkdtemp(prefix="justright-fuzz-"))
    if options.child:
        fuzz_here(names[0], out, options.seconds)
        return 0
    print(f"atheris {version('atheris')}, Python {platform.python_version()}, {platform.machine()}; {out}\n")
    print(f"{'target':12} {'inputs':>10} {'corpus':>7} {'coverage':>8} {'findings':>8}")
    return 1 if sum(fuzz(name, out, options.seconds) for name in names) else 0


def fuzz(name: str, out: Path, seconds: int) -> int:
    """Fuzz one target in processes of its own, print one line about it, and return the number of findings."""
    folder = out / name
    for part in ("corpus", "findings"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    for seed in TARGETS[name].seeds():
        (folder / "corpus" / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)
    executed, corpus, coverage = 0, 0, 0
    end = time.monotonic() + seconds
    with (folder / "log.txt").open("w+", encoding="utf-8", errors="replace") as log:
        while (left := round(end - time.monotonic())) > 0:
            command = [sys.executable, "-m", "benchmarks.fuzz", "--child", "--seconds", str(left)]
            start = log.seek(0, os.SEEK_END)
            environment = os.environ | {
                "KERAS_BACKEND": "jax",
                "JAX_PLATFORMS": "cpu",
                "POLARS_MAX_THREADS": "1",
            }
            done = subprocess.run(
                [*command, "--out", str(out), name], stdout=log, stderr=log, env=environment, check=False
            )
            log.seek(start)
            text = log.read()
            steps = PROGRESS.findall(text)
            total = STATISTIC.findall(text) or [step[0] for step in steps[-1:]] or ["0"]
            executed += int(total[-1])
            if steps:
                coverage, corpus = max(coverage, int(steps[-1][1])), int(steps[-1][2])
            if not steps and done.returncode:
                sys.exit(f"{name} could not be fuzzed:\n{text[-2_000:]}")
    found = sorted(path.name for path in (folder / "findings").iterdir() if path.suffix != ".txt")
    print(f"{name:12} {executed:10,} {corpus:7,} {coverage:8,} {len(found):8}", flush=True)
    for item in found:
        print(f"  {folder / 'findings' / item}")
    return len(found)


def fuzz_here(name: str, out: Path, seconds: int) -> None:
    """Fuzz in this process until the time is over; libFuzzer then ends the process."""
    import atheris

    target, findings = TARGETS[name], out / name / "findings"
    # The logic under test, and the pure Python parsers below it: coverage of those leads into files' deeper parts.
    with atheris.instrument_imports(
        include=["justright", *target.instrumented], enable_loader_override=False
    ):
        target.load()
    lower_limits()

    def one_input(data: bytes) -> None:
        try_input(name, data, findings)

    limits = [f"-max_total_time={seconds}", f"-timeout={HANG_SECONDS}", f"-rss_limit_mb={MEMORY_MB}"]
    reporting = ["-print_final_stats=1", f"-artifact_prefix={findings}/", f"-max_len={INPUT_BYTES}"]
    atheris.Setup([sys.argv[0], *limits, *reporting, str(out / name / "corpus")], one_input)
    atheris.Fuzz()


def try_input(name: str, data: bytes, findings: Path) -> None:
    """Run one input; keep it, once for each place in the code, if it found something."""
    from justright.errors import JustrightError

    started = time.process_time()
    try:
        with tempfile.TemporaryDirectory(dir=SCRATCH, prefix="fuzz-") as folder:
            TARGETS[name].run(data, Path(folder))
    except JustrightError:
        pass
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001  # any such error is a finding
        keep(findings, place_of(error), data, traceback.format_exc())
    if time.process_time() - started > SLOW_SECONDS:
        keep(findings, "slow", data, f"{time.process_time() - started:.1f} s of the processor\n")


def keep(findings: Path, place: str, data: bytes, text: str) -> None:
    path = findings / place
    if not path.exists():
        path.write_bytes(data)
        path.with_name(path.name + ".txt").write_text(text, encoding="utf-8", errors="replace")
        print(f"FINDING {path.name}\n{text}", file=sys.stderr, flush=True)


def replay(name: str, path: Path) -> int:
    """Run one input with the limits of fuzzing; what it raises keeps its traceback."""
    from justright.errors import JustrightError

    TARGETS[name].load()
    lower_limits()
    with tempfile.TemporaryDirectory(dir=SCRATCH) as folder:
        try:
            TARGETS[name].run(path.read_bytes(), Path(folder))
        except JustrightError as error:
            print(f"refused: {error}")
        else:
            print("accepted")
    return 0


if __name__ == "__main__":
    sys.exit(main())
