"""A comparison of studies as blocks: their networks in one table, and how their best ones differ in a sentence each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from justright.diagnosis.labels import label_named
from justright.diagnosis.scores.metric_list import METRICS
from justright.diagnosis.words.numbers import counted
from justright.logs.metric_names import direction_of
from justright.report.blocks import Block, Cell, Column, Row, Sentences, Step, Table, Text
from justright.report.number_formats import (
    format_count,
    format_interval,
    format_loss,
    format_metric,
    format_short,
    metric_words,
)

Values = Mapping[str, Any]  # as `Comparison.to_dict` returns them

MOST_SHOWN = 8  # networks of each folder; what is left out is in the data frame
MANY_LETTERS = 3  # fewer are a symbol, such as R²
WORDS: Mapping[str, str] = {metric.name: metric.words for metric in METRICS}


def comparison_title(values: Values) -> str:
    """Return the first line: what is compared."""
    return f"{len(values['folders'])} studies of {values['target']!r}"


def comparison_blocks(values: Values) -> list[Block]:
    """Return the table, what it shows, and a sentence for each difference."""
    rows = [row for number, folder in enumerate(values["folders"]) for row in _rows(folder, values, number)]
    name = _metric_words(values)
    columns = (
        Column("Network", "network", is_text=True),
        Column("Folder", "folder", is_text=True, wraps=True),
        Column("Parameters", "params", leaves=Step.DETAILS),
        Column("Training rows", "train\nrows", leaves=Step.DETAILS),
        Column("Measuring rows", "test\nrows", leaves=Step.FEW),
        Column("Seeds", "seeds", leaves=Step.FEW),
        Column(name, "\n".join(name.lower().split(" ", 1)), css="main", shortens=Step.LEAST),
        Column("Verdict", "verdict", is_text=True),
    )
    return [
        Table("Comparison", columns, tuple(rows), css="answer"),
        Text("\n".join(_notes(values))),
        Sentences(tuple(comparison_sentences(values))),
    ]


def comparison_sentences(values: Values) -> Iterator[str]:
    """Yield a sentence for each difference, and for each folder that has nothing to compare."""
    for difference in values["differences"]:
        yield _difference_sentence(difference, values)
    for folder in values["folders"]:
        if not folder["is_compared"]:
            yield f"{folder['folder']} has no network whose {_words_inside(values)} was measured row by row yet."


def _rows(folder: Values, values: Values, number: int) -> Iterator[Row]:
    """Yield a row for each network that a folder shows; parts of a table are the folders."""
    for place, one in enumerate(_shown(folder, values["metric"])):
        metric = values["metric"]
        ends = [one[end] for end in ("mean", "low", "high")]
        label = label_named(one["label"])
        yield Row(
            (
                Cell(one["variant"], remark="best on validation" if one["is_best"] else ""),
                Cell(folder["folder"]),
                Cell(format_count(one["parameters"])),
                Cell(format_count(folder["train_rows"])),
                Cell(format_count(folder["measuring_rows"])),
                Cell(format_count(one["seeds"])),
                Cell(
                    format_metric(metric, *ends),
                    detail=format_interval(metric, *ends[1:]),
                    short=format_short(metric, *ends),
                    shortest=format_short(metric, ends[0]),
                ),
                Cell(
                    one["verdict"],
                    short=label.name,
                    tone=label.tone,
                    symbol=label.symbol,
                    is_pill=True,
                ),
            ),
            starts_part=bool(number) and place == 0,
        )


def _shown(folder: Values, metric: str) -> list[Any]:
    """Return the networks of a folder that fit into a table: the chosen one, then those with the best metric."""
    sign = -1 if _is_more_better(metric) else 1

    def rank(one: Values) -> tuple[bool, bool, float]:
        mean = one["mean"]
        return not one["is_best"], mean is None, 0.0 if mean is None else sign * mean

    return sorted(folder["variants"], key=rank)[:MOST_SHOWN]


def _notes(values: Values) -> Iterator[str]:
    """Yield what the table's numbers are, and how many networks it leaves out."""
    parts = {folder["part"] for folder in values["folders"]}
    rows = (
        "test rows" if parts == {"test"} else "validation rows" if parts == {"validation"} else "their rows"
    )
    yield (
        f"{_metric_words(values)} on {rows} with 95 % intervals. The first network of each folder is the one that its "
        "validation rows choose; these are compared."
    )
    left_out = sum(max(0, len(folder["variants"]) - MOST_SHOWN) for folder in values["folders"])
    if left_out:
        yield f"{counted(left_out, 'more network')} {'is' if left_out == 1 else 'are'} not shown; --json and `.table` have all of them."


def _difference_sentence(difference: Values, values: Values) -> str:
    """Return which of two networks is better by how much, or that they cannot be told apart, and what that rests on."""
    metric, words = values["metric"], _words_inside(values)
    first, second = (
        f"{one['variant']} of {one['folder']}" for one in (difference["first"], difference["second"])
    )
    mean, low, high = (difference[end] for end in ("difference", "low", "high"))
    margin, basis = difference["margin"], _basis(difference)
    is_small = margin is not None and max(-low, high) < margin
    below = f"below {format_loss(margin)}, which is too small to matter" if is_small else ""
    if low <= 0 <= high:
        size = f"{_signed(metric, mean, low, high)} {format_interval(metric, low, high, signed=True)}"
        if is_small:
            return f"{second} is as good as {first}: any difference of {words} is {below}: {size}, {basis}."
        return f"{second} cannot be told from {first}: their difference of {words} is {size}, {basis}."
    is_higher, is_more_better = low > 0, _is_more_better(metric)
    better, worse = (second, first) if is_higher == is_more_better else (first, second)
    ends = (low, high) if is_higher else (-high, -low)
    size = f"{format_metric(metric, abs(mean), *ends)} {format_interval(metric, *ends)}"
    side = "higher" if is_more_better else "lower"
    small = f"; any difference is {below}" if is_small else ""
    return f"{better} is better than {worse}: its {words} is {side} by {size}, {basis}{small}."


def _is_more_better(metric: str) -> bool:
    return direction_of(metric) == "more"


def _signed(metric: str, value: float, low: float, high: float) -> str:
    text = format_metric(metric, value, low, high, signed=True).replace("-", "−")
    return text if text.startswith(("+", "−")) else f"+{text}"  # shares have no sign of their own


def _basis(difference: Values) -> str:
    """Return what a difference was paired by, and how much is behind it."""
    sizes = [
        f"{format_count(count)} {part} rows"
        for count, part in zip(difference["rows"], difference["parts"], strict=True)
    ]
    rows = sizes[0]
    seeds = list(difference["seeds"])
    alone = ", so this is about these two networks only" if min(seeds) == 1 else ""
    if difference["pairing"] == "rows and seeds":
        return f"paired by row and seed ({rows}, {counted(seeds[0], 'seed')}{alone})"
    if difference["pairing"] == "rows":
        return f"paired by row, their seeds differ ({rows}, {counted(seeds[0], 'seed')} each{alone})"
    each = " and ".join(
        f"{size} with {counted(count, 'seed')}" for size, count in zip(sizes, seeds, strict=True)
    )
    return f"not paired, since their rows differ ({each}{alone})"


def _words_inside(values: Values) -> str:
    """Return the metric's words inside a sentence: 'binary crossentropy', but 'ROC AUC'."""
    words = _metric_words(values)
    return words if words[1:2].isupper() or len(words) < MANY_LETTERS else words[:1].lower() + words[1:]


def _metric_words(values: Values) -> str:
    metric: str = values["metric"]
    return WORDS.get(metric) or metric_words(metric)
