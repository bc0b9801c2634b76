"""How benchmarks start the contenders' programs, in this interpreter or that of `.venv-peers/`."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path

from benchmarks.peers.case import thread_variables

ROOT = Path(__file__).resolve().parents[2]
PEERS_PYTHON = ROOT / ".venv-peers/bin/python"
# Where a contender's interpreter finds these programs and justright.
IMPORT_PATH = {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}"}
TIMEOUT_SECONDS = 600
ERROR_CHARACTERS = 300


def run_peer(
    python: str,
    module: str,
    mode: str,
    variant: str,
    rows: Path,
    *,
    threads: int,
    seconds: float,
    seeds: int = 1,
):
    """Return the report of a program in `benchmarks.peers`, or {'error': the end of what it said}.

    Args:
        python: the interpreter.
        module, mode: the program and what it does.
        variant, rows: what it trains, and on which rows.
        threads: how many it may use.
        seconds: how long it trains once everything is compiled.
        seeds: of justright's study.
    """
    command = [python, "-m", f"benchmarks.peers.{module}", "--variant", variant, "--mode", mode]
    command += ["--rows", str(rows), "--seconds", str(seconds), "--threads", str(threads)]
    command += ["--lanes", str(seeds)]
    try:
        done = subprocess.run(
            [*command, "--started", str(time.time())],
            env=os.environ | thread_variables(threads) | IMPORT_PATH,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {"error": f"not done after {TIMEOUT_SECONDS} seconds"}
    if done.returncode:
        return {"error": done.stderr.strip()[-ERROR_CHARACTERS:]}
    return last_report(done.stdout)


def last_report(said: str):
    """Return what a program printed as its last line, in JSON."""
    return json.loads(said.strip().splitlines()[-1])
