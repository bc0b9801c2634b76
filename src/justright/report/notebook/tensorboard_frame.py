"""TensorBoard below the cell of a notebook, as its own magic `%tensorboard` shows it."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

BINARY = "TENSORBOARD_BINARY"  # the environment variable by which TensorBoard finds its own program


def show_tensorboard(logdir: Path) -> None:
    """Start TensorBoard on a folder of event files, or find the one that runs there, and show it.

    A kernel need not have the programs of its environment on its PATH: the one beside this Python is taken.
    """
    from tensorboard import notebook

    beside = Path(sys.executable).with_name("tensorboard")
    if beside.is_file():
        os.environ.setdefault(BINARY, str(beside))
    notebook.start(shlex.join(["--logdir", str(logdir)]))
