"""`justright init`: an annotated study file to start from."""

from __future__ import annotations

import json
from pathlib import Path

import typer

from justright.cli.completions import table_names
from justright.data.readers.registry import format_names
from justright.data.sources import default_source, described_sources
from justright.session.options import DEFAULT_STUDY

DEFAULT = default_source().name
# The column in which remarks begin.
REMARK = 28
ORDERS = "# head (in file order), random, stratified (by class), or time"

# The lines that are not commented out are a complete study file (tested).
TEMPLATE = """\
# A study for `justright run --study {name}`: what is trained, on what, and how.
schema_version = 2
name = "my study"

# Runs of every variant, each from its own random start. One seed speaks about that network only; 3 to 5 about the recipe.
seeds = [0, 1, 2]

# Training sizes to forecast what more rows would be worth: five at least, each twice the one before; leave out for all
# training rows.
# train_sizes = [625, 1250, 2500, 5000, 10000]

# Smallest difference in test loss that matters; leave out for 1 % of the best variant's gain over a constant.
# margin = 0.005

# Also train gradient-boosted trees on the same rows, for comparison.
reference = true

# A study of one network also trains a wider, a narrower, a regularized and a longer trained one, which show what would help.
# neighbours = false

[table]
# {sources}, or a path or URL to {formats}.
source = {source}
{target}# the column to predict; its number in a file without a header
# rows = 20000              # keep only so many rows, drawn at random; with `head = true` the first ones

[split]
# Training rows learn, validation rows choose the epoch, test rows only measure. Whole numbers are rows, fractions shares;
# a part left out takes all remaining rows.
{split}seed = 0

[recipe]
batch_size = {batch_size}
{max_epochs}# a run ends here at the latest
{patience}# and after this many epochs without a new best one; leave out to never stop early
# stop = "settled"          # and sooner, once neither its best epoch nor its verdict can plausibly change
# monitor = "val_accuracy"  # what chooses the epoch; by default validation loss without penalties
# precision = "bfloat16"    # faster matrix products where the device has them, and as good networks; by default Keras' own
measure_rows = 1000         # training rows measured in inference mode, to tell the gap

# The variants, in the order of the table. A remedy names its `baseline`: its effect is measured against it.
[variants.Tiny]
family = "mlp"
units = [16]
group = "sizes"

[variants.Large]
family = "mlp"
units = [512, 512, 512, 512]
group = "sizes"

[variants."Large, dropout"]
family = "mlp"
units = [512, 512, 512, 512]
dropout = 0.5               # also: l1, l2, activation, batch_normalization
baseline = "Large"
group = "regularizers"

# A variant may have a recipe of its own:
# [variants.Tiny.recipe]
# batch_size = 100
"""


def init(
    path: Path = typer.Argument(
        "study.toml", help="Where to write it; an existing file is kept.", metavar="FILE"
    ),
    table: str | None = typer.Option(
        None,
        "--table",
        help=f"The table that it is for: a path or URL. Split, batches and epochs then fit its rows. [default: {DEFAULT}]",
        metavar="SOURCE",
        autocompletion=table_names,
    ),
    target: str | None = typer.Option(
        None,
        help="With --table: the column to predict, or its number in a file without a header.",
        metavar="COLUMN",
    ),
) -> None:
    """Write a study file to start from.

    It is annotated, so that you only have to change values.

    \b
    Examples:
      justright init study.toml
      justright init study.toml --table houses.csv --target price
      justright run --study study.toml --out runs/mine
    """  # noqa: D301  # a real backspace: click then keeps the lines that follow
    from justright.report.terminal.terminal import results
    from justright.report.terminal.text import plain

    write_template(path, table=table, target=target)
    results().say(f"Wrote {plain(path)}. Edit it, then: justright run --study {plain(path)}")


def write_template(path: Path, *, table: str | None = None, target: str | None = None) -> None:
    """Write the annotated study file.

    Args:
        path: where.
        table: the source that it is for; None for the packaged one.
        target: the column to predict; None where the table tells.

    Raises:
        InputError: there is a file already, it cannot be written, or the table cannot be read.
    """
    from justright.errors import InputError

    if path.exists():
        example = "" if path.suffix == ".toml" else f" For that table: justright init --table {str(path)!r}."
        raise InputError(
            f"A new study file must not exist yet; {str(path)!r} does. Give another name.{example}"
        )
    if target is not None and table is None:
        raise InputError(f"`--target` names a column of --table; got {target!r} alone. Give both.")
    values = {
        "name": path.name,
        "sources": described_sources(),
        "formats": format_names(" or "),
        **(_packaged() if table is None else _of_table(table, target)),
    }
    text = TEMPLATE
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", value)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise InputError(
            f"A study file must be writable; {str(path)!r} is not: {error.strerror}. Give another path."
        ) from None


def _packaged() -> dict[str, str]:
    """Return what is filled in for the packaged table, split as in the tutorial."""
    order = _line("order", "head")
    return {
        "source": json.dumps(DEFAULT),
        "target": _line("# target", "price"),
        "split": f"validation = 1000\ntrain = 10000\n{order}{ORDERS}\n",
        "batch_size": "500",
        "max_epochs": _line("max_epochs", 1000),
        "patience": _line("patience", 100),
    }


def _of_table(source: str, target: str | None) -> dict[str, str]:
    """Return what is filled in for a table: as `justright run` would split it, with a recipe that fits its rows."""
    from justright.data.read import read_table
    from justright.errors import InputError
    from justright.study.studies import default_split, named_study

    try:
        table = read_table(source, target=target)
    except InputError as error:
        raise InputError(str(error).replace("`source`", "`--table`", 1)) from None
    split = default_split(table)
    recipe = named_study(DEFAULT_STUDY).recipe_for(split)
    sizes = {part: getattr(split.spec, part) for part in ("validation", "train", "test")}
    shares = "".join(f"{part} = {size}\n" for part, size in sizes.items() if size is not None)
    order = _line("order", split.spec.order)
    return {
        "source": json.dumps(source, ensure_ascii=False),
        "target": _line("target", table.target_name),
        "split": f"{shares}{order}{ORDERS}\n",
        "batch_size": str(recipe.batch_size),
        "max_epochs": _line("max_epochs", recipe.max_epochs),
        "patience": _line("patience", recipe.patience),
    }


def _line(name: str, value: object) -> str:
    """Return a key and its value, with blanks up to where the remarks stand.

    Example:
        >>> _line("seed", 0)
        'seed = 0                    '
    """
    return f"{name} = {json.dumps(value, ensure_ascii=False)}".ljust(REMARK - 1) + " "
