"""`justright tensorboard`: TensorBoard on a study folder."""

from __future__ import annotations

import threading
from pathlib import Path

import typer

from justright.cli.completions import study_folders

WAIT_SECONDS = 3600.0  # at a time: on Windows, Ctrl-C does not end a wait without an end


def tensorboard(
    folder: Path = typer.Argument(help="The study folder.", metavar="DIR", autocompletion=study_folders),
    port: int | None = typer.Option(
        None,
        "--port",
        min=0,
        max=65_535,
        metavar="N",
        help="The port to serve on; 0 takes any free one. [default: the first free one from 6006 on]",
    ),
    host: str | None = typer.Option(
        None,
        "--host",
        metavar="H",
        help="The address to serve on; 0.0.0.0 lets other machines in. [default: this machine alone]",
    ),
) -> None:
    """Show a study in TensorBoard.

    Prints the address and serves until Ctrl-C. Curves, hyperparameters with best and test metrics, histograms of features and
    of weights (before training, at the best epoch, at the last one), models and verdicts; what is trained meanwhile appears.

    \b
    Example:
      justright tensorboard runs/higgs
    """  # noqa: D301  # a real backspace: click then keeps the lines that follow
    from justright.report.terminal.terminal import results
    from justright.session.boards.board_server import serve_board

    address = serve_board(folder, port=port, host=host)
    results().say(address)
    results().file.flush()
    try:
        while not threading.Event().wait(WAIT_SECONDS):
            pass
    except KeyboardInterrupt:  # the way to end it, so not a failure
        return
