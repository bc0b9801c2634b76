"""Options of several commands, which say the same of the same thing: how a table is read."""

from __future__ import annotations

import typer

TASK = typer.Option(None, help="What the target is. [default: found from its values]")
MISSING = typer.Option(
    None,
    help="Leave out rows with this text in a cell; '' is an empty one. Repeat for more.",
    metavar="TEXT",
)
CATEGORICAL = typer.Option(
    None, help="Turn a column into one 0/1 feature a level. Repeat for more.", metavar="COLUMN"
)
