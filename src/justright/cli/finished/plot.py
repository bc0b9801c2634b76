"""`justright plot`: one plot of a study as a picture."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from justright.cli.completions import groups, one_of, study_folders, variant_lists
from justright.errors import InputError, check_one_of
from justright.session.plot_kinds import HISTORY, KINDS, PREDICTION_KINDS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from justright.session.result import Result

# Endings of pictures, and what of their metadata is left out so that the same plot is the same file.
ENDINGS: dict[str, dict[str, None]] = {".png": {}, ".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
ALL_KINDS = (HISTORY, *KINDS)
DOTS_PER_INCH = 150


def plot(
    folder: Path = typer.Argument(help="The study folder.", metavar="DIR", autocompletion=study_folders),
    kind: str = typer.Argument(
        help=f"What is drawn: {', '.join(ALL_KINDS)}.", metavar="KIND", autocompletion=one_of(ALL_KINDS)
    ),
    out: Path | None = typer.Option(
        None,
        "--out",
        "-o",
        help=f"The picture: a file that ends in {', '.join(ENDINGS)}. [default: KIND.png]",
        metavar="FILE",
    ),
    metric: str | None = typer.Option(
        None, help="Which metric's curves are drawn. [default: the loss of the verdicts]", metavar="NAME"
    ),
    group: str | None = typer.Option(
        None,
        help="Draw a group of variants, and what they change.",
        metavar="NAME",
        autocompletion=groups,
    ),
    variants: str | None = typer.Option(
        None,
        help="Whose curves, or the one whose predictions, are drawn. [default: all, or the best on validation]",
        metavar="NAME[,NAME]",
        autocompletion=variant_lists,
    ),
    smoothing_std: float = typer.Option(
        0.0, help="Smooth curves by a Gaussian of this standard deviation.", metavar="EPOCHS"
    ),
    ylim: str | None = typer.Option(None, help="The lowest and highest value shown.", metavar="LOW,HIGH"),
    log_x: bool = typer.Option(False, "--log-x", help="Draw epochs on a logarithmic axis."),
) -> None:
    """Draw one plot of a study into a file.

    \b
    Kinds:
      history           training and validation curves; the options other than --out are for it
      fit               each network at what something tighter and something freer gains
      effects           what each remedy changes
      capacity          losses against the number of parameters
      data              losses against training rows, measured and forecast
      schedule          learning rates
      roc, precision_recall, calibration, confusion, residuals
                        predictions of one network; --variants names it

    \b
    Examples:
      justright plot runs/higgs history --group sizes --smoothing-std 10 --ylim 0.5,0.7 --log-x
      justright plot runs/higgs fit -o fit.svg
    """  # noqa: D301  # a real backspace: click then keeps the lines that follow
    from justright.records.faults import content_faults
    from justright.records.files import write_atomically
    from justright.report.terminal.terminal import results
    from justright.report.terminal.text import plain
    from justright.session.result import open_result

    look: dict[str, Any] = {
        "metric": metric,
        "group": group,
        "smoothing_std": smoothing_std,
        "ylim": _numbers(ylim),
        "log_x": log_x,
    }
    file = out or Path(f"{kind}.png")
    _check(kind, file, {name: value for name, value in look.items() if value})
    with content_faults(folder):
        result = open_result(folder)
        names = _split(variants, [one["name"] for one in result.summary["variants"]])
        content = _drawn(result, kind, names, look, file.suffix.lower())
    write_atomically(file, content)
    results().say(plain(file))


def _check(kind: str, file: Path, given: dict[str, Any]) -> None:
    """Refuse a kind, a file or options that cannot be used, before anything is read."""
    check_one_of("KIND", kind, ALL_KINDS)
    if file.suffix.lower() not in ENDINGS:
        raise InputError(
            f"`--out` must end in {', '.join(ENDINGS)}; got {str(file)!r}. Name the file otherwise."
        )
    if file.is_dir():
        raise InputError(f"`--out` must be a file; {str(file)!r} is a folder. Name a file in it.")
    if given and kind != HISTORY:
        flags = " and ".join(f"`--{name.replace('_', '-')}`" for name in given)
        raise InputError(
            f"Only the plot {HISTORY!r} takes {flags}; got {kind!r}. Leave out what it does not take."
        )


def _split(variants: str | None, known: Sequence[str]) -> list[str] | None:
    """Return the names that are separated by commas, unless all of it is one name.

    Example:
        >>> _split("Tiny, L2", ["Tiny", "L2"]), _split("16, tanh", ["16, tanh"])
        (['Tiny', 'L2'], ['16, tanh'])
    """
    if variants is None or variants in known:
        return None if variants is None else [variants]
    return [name.strip() for name in variants.split(",") if name.strip()]


def _numbers(ylim: str | None) -> tuple[Any, ...] | None:
    """Return the numbers that are separated by commas; anything else stays text, which the plot refuses."""
    if ylim is None:
        return None
    parts = ylim.split(",")
    try:
        return tuple(map(float, parts))
    except ValueError:
        return tuple(parts)


def _drawn(result: Result, kind: str, names: list[str] | None, look: dict[str, Any], ending: str) -> bytes:
    """Return the picture as the content of a file, in matplotlib's own style whatever the user's is."""
    from io import BytesIO

    import matplotlib as mpl
    from matplotlib import pyplot as plt

    mpl.use("agg")  # no window, and no display needed
    content = BytesIO()
    with plt.style.context(["default", {"svg.hashsalt": "justright"}]), warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", "Glyph .* missing from font"
        )  # such letters are boxes in the picture
        ax = _axes(result, kind, names, look)
        figure: Any = ax.figure
        figure.savefig(content, format=ending.removeprefix("."), dpi=DOTS_PER_INCH, metadata=ENDINGS[ending])
        plt.close(figure)
    return content.getvalue()


def _axes(result: Result, kind: str, names: list[str] | None, look: dict[str, Any]) -> Axes:
    if kind == HISTORY:
        return result.plot(variants=names, **look)
    if kind in PREDICTION_KINDS and names and len(names) > 1:
        raise InputError(
            f"The plot {kind!r} shows one network; got {', '.join(map(repr, names))}. Name one of them."
        )
    return result.display(kind, names[0] if names else None).plot()  # type: ignore[arg-type]  # checked above
