"""Whether other tools say that a curve overfits: their own code, in an interpreter that has them.

    python -m benchmarks.diagnose.peers NAME        # questions as JSON lines on standard input, answers on standard output

A question is {"train": [...], "validation": [...]}, an evaluation each epoch, or {"path": LOG}. Curves are handed over as
what the tool's own reader makes of a log that it knows, so that none is lost for its format; a log is read as the tool's
own command reads it. Two answers come back for each run: whether the tool has a finding called overfitting at all, and
whether it has one that it ranks above a remark. The benchmark takes, tool by tool, the answer that is right more often.

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
from typing import Any, NamedTuple

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
        of_curves: (training curve, validation curve) -> what it makes of them.
        of_log: path -> what it makes of every run in a log; raises whatever it raises of one that it cannot read.
        claims: what it makes of curves -> what it claims.
    """

    package: str
    of_curves: Callable[[Sequence[float], Sequence[float]], Any]
    of_log: Callable[[str], Sequence[Any]]
    claims: Callable[[Any], Claims]


def trainspotter_curves(train: Sequence[float], validation: Sequence[float]) -> Any:
    from trainspotter import Run

    run = Run(source_format="csv")
    for step, pair in steps(train, validation):
        for name, value in zip(("train/loss", "eval/loss"), pair, strict=True):
            run.add_point(name, step, value)
    run.finalize()
    return run


def trainspotter_log(path: str) -> Sequence[Any]:
    from trainspotter import load_run

    run = load_run(path)
    if not run.metric_names():  # its command refuses these
        raise ValueError("no numeric metrics")
    return [run]


def trainspotter_claims(run: Any) -> Claims:
    """Its detector `overfitting` knows one level; it takes a finding back, as information, where it sees a divergence."""
    from trainspotter import run_all

    levels = {one.severity for one in run_all(run) if one.detector == "overfitting"}
    return Claims(bool(levels), bool(levels - {"info"}))


def losslint_curves(train: Sequence[float], validation: Sequence[float]) -> Any:
    from losslint.parsing import RunLog

    at = [step for step, _ in steps(train, validation)]
    return RunLog(at, {"loss": [*train], "eval_loss": [*validation]}, Path("log.csv"))


def losslint_log(path: str) -> Sequence[Any]:
    from losslint.cli import _expand_inputs
    from losslint.parsing import load_run

    return [load_run(one) for one in _expand_inputs([path])]


def losslint_claims(run: Any) -> Claims:
    """Its check `overfit_onset` knows one level."""
    from losslint.checks import run_all_checks

    found = any(one.check == "overfit_onset" for one in run_all_checks(run))
    return Claims(found, found)


def runmedic_curves(train: Sequence[float], validation: Sequence[float]) -> Any:
    from runmedic.model import Run

    run = Run("run", "csv", "log.csv")
    for step, pair in steps(train, validation):
        for name, value in zip(("train_loss", "val_loss"), pair, strict=True):
            run.get(name).add(step, value)
    return run.finalize()


def runmedic_log(path: str) -> Sequence[Any]:
    from runmedic import loaders

    return [run for run in loaders.load(path) if run.series]


def runmedic_claims(run: Any) -> Claims:
    """Its check `overfitting` calls a rise below 15 % mild, as information."""
    from runmedic import roles
    from runmedic.checks import run_checks

    levels = {one.severity for one in run_checks(run, roles.detect(run)) if one.check == "overfitting"}
    return Claims(bool(levels), bool(levels - {"info"}))


def finetune_doctor_curves(train: Sequence[float], validation: Sequence[float]) -> Any:
    from finetune_doctor.history import from_trainer_state

    log = []
    for step, (loss, eval_loss) in steps(train, validation):
        log += [{"step": step, "loss": loss}, {"step": step, "eval_loss": eval_loss}]
    return from_trainer_state({"log_history": log})


def finetune_doctor_log(path: str) -> Sequence[Any]:
    from finetune_doctor import load

    return [load(path)]


def finetune_doctor_claims(history: Any) -> Claims:
    """Its check `overfitting` calls a rise below 3 % slightly worse, as information."""
    from finetune_doctor import Severity, diagnose

    levels = {one.severity for one in diagnose(history).findings if one.check == "overfitting"}
    return Claims(bool(levels), any(level >= Severity.WARNING for level in levels))


def steps(train: Sequence[float], validation: Sequence[float]) -> Iterator[tuple[int, tuple[float, float]]]:
    """Yield step and both losses of each evaluation."""
    for number, pair in enumerate(zip(train, validation, strict=True), 1):
        yield number * STEPS_PER_EVALUATION, pair


class StartedPeer:
    """A peer in a process of its own.

    Args:
        process: that process, which answers each line with one.
        name: of the peer.
    """

    def __init__(self, process: subprocess.Popen[str], name: str) -> None:
        self._process = process
        self._name = name

    def judge(self, train: Sequence[float], validation: Sequence[float]) -> Claims:
        """Return what the peer claims of two curves."""
        (claims,) = self._ask({"train": [*map(float, train)], "validation": [*map(float, validation)]})
        return claims

    def read(self, path: Path) -> list[Claims]:
        """Return what the peer claims of each run in a log; none of a log that it cannot read."""
        return self._ask({"path": str(path)})

    def _ask(self, question: dict[str, Any]) -> list[Claims]:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self._name} ended; what it said is above.")
        return [Claims(*one) for one in json.loads(answer)]


@contextmanager
def started_peer(python: Path, name: str) -> Iterator[StartedPeer]:
    """Start a peer, and end it afterwards.

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
        yield StartedPeer(process, name)
        assert process.stdin
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
    peer = PEERS[sys.argv[1]]
    for line in sys.stdin:
        with redirect_stdout(sys.stderr):
            said = answer(peer, json.loads(line))
        print(json.dumps(said), flush=True)


def answer(peer: Peer, question: dict[str, Any]) -> list[Claims]:
    """Return what a peer claims of two curves, or of each run in a log; none of a log that it cannot read."""
    if "path" not in question:
        return [peer.claims(peer.of_curves(question["train"], question["validation"]))]
    try:
        return [peer.claims(run) for run in peer.of_log(question["path"])]
    except (Exception, SystemExit):  # noqa: BLE001  # however it says that it cannot
        return []


PEERS = {
    peer.package: peer
    for peer in (
        Peer("trainspotter", trainspotter_curves, trainspotter_log, trainspotter_claims),
        Peer("losslint", losslint_curves, losslint_log, losslint_claims),
        Peer("runmedic", runmedic_curves, runmedic_log, runmedic_claims),
        Peer("finetune-doctor", finetune_doctor_curves, finetune_doctor_log, finetune_doctor_claims),
    )
}

if __name__ == "__main__":
    main()
