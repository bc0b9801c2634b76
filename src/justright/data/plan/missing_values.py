"""Which cells of a column mean that there is no value."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

# What tools write for no value: R, pandas, SQL, Excel, Weka, UCI. Compared in lower case, without blanks around.
MISSING = frozenset(
    {
        *(
            "",
            "na",
            "n/a",
            "n.a.",
            "#n/a",
            "#na",
            "nan",
            "-nan",
            "<na>",
            "nat",
            "null",
            "(null)",
            "#null!",
            "nil",
        ),
        *("\\n", "?", "??", "1.#ind", "1.#qnan", "missing", "not available"),
        # What Excel writes for a formula that fails: in English, German, French, Spanish, Italian, Portuguese and Dutch.
        *("#value!", "#ref!", "#div/0!", "#num!", "#name?", "#calc!", "#spill!"),
        *("#nv", "#wert!", "#bezug!", "#zahl!", "#valeur!", "#nombre!", "#nom?", "#nul!"),
        *("#n/d", "#¡valor!", "#¡ref!", "#¡num!", "#¿nombre?", "#¡nulo!", "#¡div/0!"),
        *("#valore!", "#rif!", "#nome?", "#nullo!", "#valor!", "#núm!", "#nulo!"),
        *("#n/b", "#waarde!", "#verw!", "#getal!", "#naam?", "#leeg!", "#deel/0!"),
    }
)
# Among numbers these mean the same; among texts they may be a level, as in airbags "None".
MISSING_AMONG_NUMBERS = MISSING | {
    "none",
    "-",
    "--",
    "---",
    ".",
    "..",
    "...",
    "*",
    "x",
    "unknown",
    "n.d.",
    "nd",
    "k.a.",
    "keine angabe",
}


def as_text(values: pl.Series) -> pl.Series:
    """Return a column as text without blanks around; null where there is no value."""
    import polars as pl

    text = values if values.dtype == pl.String else values.cast(pl.String)
    return text.str.strip_chars()


def without_missing(text: pl.Series, tokens: Collection[str], also: Collection[str] = ()) -> pl.Series:
    """Return text with null in place of every token that means no value.

    Args:
        text: without blanks around.
        tokens: in lower case.
        also: the user's own, compared as they are written.

    Example:
        >>> import polars as pl
        >>> without_missing(pl.Series(["a", "N/A", "x9"]), MISSING, ["x9"]).to_list()
        ['a', None, None]
    """
    is_token = text.str.to_lowercase().is_in(list(tokens))
    if also:
        is_token = is_token | text.is_in(list(also))
    return text.set(is_token.fill_null(value=False), None)


def share_of(mask: pl.Series) -> float:
    """Return the share of values that are true; 0 of none."""
    return int(mask.sum() or 0) / max(len(mask), 1)
