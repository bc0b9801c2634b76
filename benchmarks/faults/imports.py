"""Imported by the process from which commands are forked: it imports what they need, once for all of them."""

from __future__ import annotations

import importlib
from contextlib import suppress

# What a coordinator and a worker import on their way.
IMPORTS = (
    "keras",
    "jax",
    "jax.numpy",
    "optax",
    "sklearn.ensemble",
    "jinja2",
    "filelock",
    "tomli_w",
    "safetensors.numpy",
    "justright.session.session",
    "justright.cli.main",
    "justright.report.terminal.study_report",
    "justright.workers.engines",
    "justright.workers.worker",
    "justright.training.stacks.run_end",
    "justright.training.network",
    "justright.training.program",
    "justright.training.reference",
    "justright.training.stacks.stack",
    "justright.report.html",
    "justright.report.summary",
)

for name in IMPORTS:
    with suppress(ModuleNotFoundError):  # what is not installed is left to the commands
        importlib.import_module(name)
