"""A table and its split in a few lines, and as cards."""

from __future__ import annotations

from typing import Any

import numpy as np

from justright.data.shown.cards import card, card_table, histogram

Table = Any  # `data.table.Table`, and its `Split`: that file imports this one, and circles are not allowed even for types
Split = Any
MAX_FEATURES = 12  # of a card, a row each
MAX_NAMES = 5  # features and classes named in a line
MAX_NAME = 40  # characters of a name; longer ones are cut

Facts = list[tuple[str, str]]


def table_text(table: Table) -> str:
    """Return what a table is in three lines."""
    facts = table_facts(table)
    return _lines(f"Table({table.source.source!r}): {_size(table)}", facts)


def table_card(table: Table) -> str:
    """Return the HTML of a table: what it is, and a line with a histogram for each of the first features."""
    rows = []
    for place, name in enumerate(table.feature_names[:MAX_FEATURES]):
        values = table.features[:, place]
        ends = (values.min(), values.mean(dtype=np.float64), values.max()) if len(values) else ()
        rows.append([_short(name), histogram(values), *(f"{end:.4g}" for end in ends)])
    more = table.n_features - len(rows)
    note = f"and {more:,} more features" if more else ""
    headings = ("feature", "distribution", "least", "mean", "largest")
    title = f"Table {table.source.source}: {_size(table)}"
    return card(title, table_facts(table)[:1], card_table(headings, rows, texts=2, note=note))


def table_facts(table: Table) -> Facts:
    """Return names with values: the target and its classes, and the features."""
    kind = f"{_short(table.target_name)} ({table.task})"
    target = f"{kind}, {_balance(table)}" if table.class_names else kind
    return [("target", target), ("features", _named(table.feature_names))]


def split_text(split: Split) -> str:
    """Return what a split is in a few lines."""
    return _lines(f"Split: {_parts(split)}", _split_facts(split))


def split_card(split: Split) -> str:
    """Return the HTML of a split: its rows as a bar in proportion, and the table they are of."""
    total = sum(split.sizes.values()) or 1
    bar = "".join(
        f'<div title="{name}" style="flex: {max(count / total, 0.01):.4f}; background: currentColor; opacity: {opacity}"></div>'
        for (name, count), opacity in zip(split.sizes.items(), (0.75, 0.45, 0.2), strict=True)
        if count
    )
    drawing = f'<div style="display: flex; gap: 2px; height: 10px; max-width: 460px">{bar}</div>'
    return card(f"Split: {_parts(split)}", _split_facts(split), drawing)


def split_line(split: Split) -> str:
    """Return the rows of a split's parts, and their table, in one line."""
    return f"{split.table.source.source!r}, {_parts(split)}"


def _split_facts(split: Split) -> Facts:
    how = f"{split.spec.order}, seed {split.spec.seed}" if split.spec.order else f"seed {split.spec.seed}"
    table = f"{split.table.source.source!r}, {_size(split.table)}"
    return [("table", table), *table_facts(split.table)[:1], ("order", how)]


def _parts(split: Split) -> str:
    words = {"train": "train", "validation": "validate", "test": "test"}
    parts = [f"{count:,} {words[part]}" for part, count in split.sizes.items() if count]
    return f"of the rows {', '.join(parts)}"


def _size(table: Table) -> str:
    left_out = f" ({table.rows_left_out:,} without a target left out)" if table.rows_left_out else ""
    return f"{table.rows:,} rows x {table.n_features:,} features{left_out}"


def _balance(table: Table) -> str:
    """Return the share of each class, the most frequent first."""
    counts = np.bincount(table.target.astype(np.int64), minlength=len(table.class_names))
    order = np.argsort(-counts, kind="stable").tolist()
    words = [
        f"{_short(table.class_names[place])}: {100 * counts[place] / max(1, table.rows):.3g} %"
        for place in order
    ]
    return _named(words)


def _named(names: tuple[str, ...] | list[str]) -> str:
    """Return the first names, and how many more there are.

    Example:
        >>> _named(["a", "b"]), _named([str(number) for number in range(8)])
        ('a, b', '0, 1, 2, 3, 4 and 3 more')
    """
    more = len(names) - MAX_NAMES
    first = ", ".join(_short(name) for name in names[:MAX_NAMES])
    return f"{first} and {more:,} more" if more > 0 else first


def _short(name: str) -> str:
    return name if len(name) <= MAX_NAME else name[: MAX_NAME - 1] + "…"


def _lines(first: str, facts: Facts) -> str:
    return "\n".join([first, *(f"  {name}: {value}" for name, value in facts)])
