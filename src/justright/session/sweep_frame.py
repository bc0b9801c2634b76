"""What became of a grid: a row for each combination of arguments, the best one first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from justright.errors import InputError
from justright.study.sweep import arguments_in

if TYPE_CHECKING:
    import polars as pl

FOUND = ("parameters", "test_loss", "test_loss_low", "test_loss_high", "label", "answer")


def sweep_frame(verdicts: pl.DataFrame) -> pl.DataFrame:
    """Return a column for each argument that varies, then what `verdicts` says; variants of no grid are left out.

    A column has the type of its values; one of several types holds texts. An argument with the name of one of the other
    columns gets an underscore.

    Args:
        verdicts: `Result.verdicts`.

    Raises:
        InputError: no variant is named as `jr.grid` names it.
    """
    import polars as pl

    named = {name: arguments_in(name) for name in verdicts["variant"]}
    arguments = {name: found for name, found in named.items() if found}
    if not arguments:
        raise InputError(
            "A grid's variants must be named after their arguments, as `jr.grid` does it: 'width=64, l2=0.0001'; got "
            f"{', '.join(map(repr, list(named)[:3]))}{' ...' if len(named) > 3 else ''}. See `verdicts` for any variants."
        )
    columns = list(dict.fromkeys(name for found in arguments.values() for name in found))
    rest = verdicts.filter(pl.col("variant").is_in(list(arguments)))
    swept = [
        pl.Series(_heading(name), _alike([arguments[variant].get(name) for variant in rest["variant"]]))
        for name in columns
    ]
    return pl.DataFrame([*swept, *rest.select(FOUND)]).sort("test_loss", nulls_last=True, maintain_order=True)


def _heading(name: str) -> str:
    return f"{name}_" if name in FOUND else name


def _alike(values: list[object]) -> list[object]:
    """Return values of one type: numbers as they are, others than these among them as texts."""
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {int, float}:
        return [float(value) if float in kinds and isinstance(value, int) else value for value in values]
    return values if len(kinds) <= 1 else [None if value is None else str(value) for value in values]
