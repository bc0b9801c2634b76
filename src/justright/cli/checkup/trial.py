"""Whether JAX computes here at all: a product in a process of its own, in the environment that workers get."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass

from justright.workers.accelerators import may_have_accelerators
from justright.workers.processes import import_path, worker_variables

# Whole numbers below 8: products and sums of them are exact in bfloat16, too.
PROGRAM = """
import json
import jax, jax.numpy as jnp, numpy as np
values = np.arange(4096.0, dtype="float32").reshape(64, 64) % 7
product = np.asarray(jax.jit(lambda x: jnp.sin(x * 0) + x @ x.T)(values))
wrong = int((product != values @ values.T).sum())
print(json.dumps({"platform": jax.devices()[0].platform, "wrong": wrong}))
"""
SECONDS = 120.0  # importing JAX takes 2 s; waking a driver, and a cold network disk, much longer
# A warning of JAX, as Python's loggers and its warnings write it.
COMPLAINT = re.compile(r"^(?:WARNING:.*?:jax[\w.]*:\d+|.*: (?:Runtime|User)Warning): (.+)$", re.MULTILINE)
LOG_HEAD = re.compile(r"^[A-Z]\d{4} [\d:.]+ +\d+ \S+\] ")  # before what XLA's C++ code says
LONGEST = 300  # characters of an error: what follows is JAX's whole history of it


@dataclass(frozen=True, slots=True)
class Trial:
    """How it went.

    Args:
        platform: what JAX computed on, in its own word; empty if it did not.
        fault: why it did not, or what is wrong with the numbers; empty if all is well.
        complaint: what JAX warned of last, such as a device that it does without; empty if of nothing.
    """

    platform: str = ""
    fault: str = ""
    complaint: str = ""


def try_jax(seconds: float = SECONDS) -> Trial:
    """Return how JAX computes a product here, asked for at most so many seconds."""
    own = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false", "PYTHONPATH": import_path()}
    try:
        done = subprocess.run(  # noqa: S603  # this interpreter, and a program written above
            [sys.executable, "-c", PROGRAM],
            env=os.environ | worker_variables(1, on_accelerator=may_have_accelerators()) | own,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Trial(fault=f"it did not answer within {seconds:g} seconds")
    try:
        answer = json.loads(done.stdout.strip().splitlines()[-1])
    except (IndexError, json.JSONDecodeError):
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        last = LOG_HEAD.sub("", lines[-1]) if lines else f"its process ended with code {done.returncode}"
        return Trial(fault=last[:LONGEST])
    complaint = "".join(COMPLAINT.findall(done.stderr)[-1:])[:LONGEST]
    if answer["wrong"]:
        return Trial(
            answer["platform"], f"{answer['wrong']:,} of 4,096 numbers of a matrix product are wrong"
        )
    return Trial(answer["platform"], complaint=complaint)
