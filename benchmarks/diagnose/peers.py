"""Whether other tools say that a curve overfits: their own code, in an interpreter that has them.

    python -m benchmarks.diagnose.peers NAME        # curves as JSON lines on standard input, answers on standard output

A curve is {"train": [...], "validation": [...]}, an evaluation each epoch. It is handed over as what the tool's own
reader makes of a log that it knows, so that no curve is lost for its format. Two answers come back: whether the tool has
a finding called overfitting at all, and whether it has one that it ranks above a remark. The benchmark takes, tool by
tool, the answer that is right more often.

Imports nothing of justright: `make diagnose-peers` installs the tools and NumPy, and nothing else.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
PEERS_PYTHON = ROOT / ".venv-diagnose-peers/bin/python"
# An evaluation every so many steps, as fine-tuning runs log them; training loss is logged at the same steps.
STEPS_PER_EVALUATION = 10


class Claims(NamedTuple):
    """Whether a tool says that a curve overfits: at all, and as more than a remark."""

    any_level: bool
    warning: bool


class Peer(NamedTuple):
    """One other tool.

    Args:
        package: on PyPI, which is also its name here.
        claims: (training curve, validation curve) -> what it claims.
    """

    package: str
    claims: Callable[[Sequence[float], Sequence[float]], Claims]


def trainspotter_claims(train: Sequence[float], validation: Sequence[float]) -> Claims:
    """Its detector `overfitting` knows one level; it takes a finding back, as information, where it sees a divergence."""
    from trainspotter import Run, run_all

    run = Run(source_format="csv")
    for step, pair in steps(train, validation):
        for name, value in zip(("train/loss", "eval/loss"), pair, strict=True):
            run.add_point(name, step, value)
    run.finalize()
    levels = {one.severity for one in run_all(run) if one.detector == "overfitting"}
    return Claims(bool(levels), bool(levels - {"info"}))


def losslint_claims(train: Sequence[float], validation: Sequence[float]) -> Claims:
    """Its check `overfit_onset` knows one level."""
    from losslint.checks import run_all_checks
    from losslint.parsing import RunLog

    at = [step for step, _ in steps(train, validation)]
    run = RunLog(at, {"loss": [*train], "eval_loss": [*validation]}, Path("log.csv"))
    found = any(one.check == "overfit_onset" for one in run_all_checks(run))
    return Claims(found, found)


def runmedic_claims(train: Sequence[float], validation: Sequence[float]) -> Claims:
    """Its check `overfitting` calls a rise below 15 % mild, as information."""
    from runmedic import roles
    from runmedic.checks import run_checks
    from runmedic.model import Run

    run = Run("run", "csv", "log.csv")
    for step, pair in steps(train, validation):
        for name, value in zip(("train_loss", "val_loss"), pair, strict=True):
            run.get(name).add(step, value)
    run.finalize()
    levels = {one.severity for one in run_checks(run, roles.detect(run)) if one.check == "overfitting"}
    return Claims(bool(levels), bool(levels - {"info"}))


def finetune_doctor_claims(train: Sequence[float], validation: Sequence[float]) -> Claims:
    """Its check `overfitting` calls a rise below 3 % slightly worse, as information."""
    from finetune_doctor import Severity, diagnose
    from finetune_doctor.history import from_trainer_state

    log = []
    for step, (loss, eval_loss) in steps(train, validation):
        log += [{"step": step, "loss": loss}, {"step": step, "eval_loss": eval_loss}]
    found = diagnose(from_trainer_state({"log_history": log})).findings
    levels = {one.severity for one in found if one.check == "overfitting"}
    return Claims(bool(levels), any(level >= Severity.WARNING for level in levels))


def steps(train: Sequence[float], validation: Sequence[float]) -> Iterator[tuple[int, tuple[float, float]]]:
    """Yield step and both losses of each evaluation."""
    for number, pair in enumerate(zip(train, validation, strict=True), 1):
        yield number * STEPS_PER_EVALUATION, pair


@contextmanager
def started_peer(python: Path, name: str) -> Iterator[Callable[[Sequence[float], Sequence[float]], Claims]]:
    """Start a process with a peer, and give a function that asks it about one (training, validation) curve.

    Args:
        python: an interpreter that has the peer.
        name: of the peer, one of `PEERS`.
    """
    process = subprocess.Popen(
        [str(python), "-m", "benchmarks.diagnose.peers", name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])},
        text=True,
    )
    with process:
        assert process.stdin
        assert process.stdout

        def ask(train: Sequence[float], validation: Sequence[float]) -> Claims:
            curve = {"train": [*map(float, train)], "validation": [*map(float, validation)]}
            process.stdin.write(json.dumps(curve) + "\n")
            process.stdin.flush()
            answer = process.stdout.readline()
            if not answer:
                raise RuntimeError(f"{name} ended; what it said is above.")
            return Claims(*json.loads(answer))

        yield ask
        process.stdin.close()


def peer_versions(python: Path) -> dict[str, str]:
    """Return package -> version of the peers that an interpreter has; empty if there is no such interpreter."""
    if not python.is_file():
        return {}
    program = (
        "import importlib.metadata as m, json, sys; "
        "print(json.dumps({d.name: d.version for d in m.distributions() if d.name in sys.argv[1:]}))"
    )
    done = subprocess.run([str(python), "-c", program, *PEERS], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    return {name: found[name] for name in PEERS if name in found}


def main() -> None:
    claims = PEERS[sys.argv[1]].claims
    for line in sys.stdin:
        curve = json.loads(line)
        with redirect_stdout(sys.stderr):
            said = claims(curve["train"], curve["validation"])
        print(json.dumps(said), flush=True)


PEERS = {
    peer.package: peer
    for peer in (
        Peer("trainspotter", trainspotter_claims),
        Peer("losslint", losslint_claims),
        Peer("runmedic", runmedic_claims),
        Peer("finetune-doctor", finetune_doctor_claims),
    )
}

if __name__ == "__main__":
    main()
