"""`justright init`: an annotated study file to start from."""

from __future__ import annotations

from pathlib import Path

import typer

from justright.data.readers.registry import format_names
from justright.data.sources import default_source, described_sources

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
source = "{source}"
# target = "price"          # the column to predict; its number in a file without a header
# rows = 20000              # read only the first rows

[split]
# Training rows learn, validation rows choose the epoch, test rows only measure. Whole numbers are rows, fractions shares;
# a part left out takes all remaining rows.
validation = 1000
train = 10000
order = "head"              # head (in file order), random, or stratified (by class)
seed = 0

[recipe]
batch_size = 500
max_epochs = 1000           # a run ends here at the latest
patience = 100              # and after this many epochs without a new best one; leave out to never stop early
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
) -> None:
    """Write a study file to start from.

    It is annotated, so that you only have to change values.

    \b
    Example:
      justright init study.toml
      justright run --study study.toml --out runs/mine
    """  # noqa: D301  # a real backspace: click then keeps the lines that follow
    from justright.report.terminal.terminal import results
    from justright.report.terminal.text import plain

    write_template(path)
    results().say(f"Wrote {plain(path)}. Edit it, then: justright run --study {plain(path)}")


def write_template(path: Path) -> None:
    """Write the annotated study file.

    Raises:
        InputError: there is a file already, or it cannot be written.
    """
    from justright.errors import InputError

    values = {
        "name": path.name,
        "source": default_source().name,
        "sources": described_sources(),
        "formats": format_names(" or "),
    }
    text = TEMPLATE
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", value)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise InputError(
            f"A new study file must not exist yet; {str(path)!r} does. Give another name."
        ) from None
    except OSError as error:
        raise InputError(
            f"A study file must be writable; {str(path)!r} is not: {error.strerror}. Give another path."
        ) from None
