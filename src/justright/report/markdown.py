"""A summary as Markdown: what a pull request or a notebook can hold."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from justright.report.tables import effect_rows, heading, reference_row, verdict_rows
from justright.report.words import format_duration, metric_words

# What CommonMark, its tables, its maths and the HTML in it read as markup anywhere in a line; and addresses, which
# GitHub turns into links unasked.
INLINE = re.compile(r"([\\`*_\[\]<>|~&$@]|:(?=//)|(?<=www)\.)", re.IGNORECASE)
# What opens a heading, a list or a rule at the start of a line.
LEADING = re.compile(r"^(\d*)([#+\-=.)])")


def render_markdown(summary: Mapping[str, Any]) -> str:
    """Return the summary as Markdown: the conclusion, the verdict table, the reasons, and how to make it again.

    Names and sentences from outside are escaped: they cannot end a cell, or become a link or HTML.

    Args:
        summary: what `summarise` returned.
    """
    blocks = [
        f"# {escape_markdown(summary['conclusion'] or 'No conclusion yet.')}",
        " · ".join(f"{name}: {escape_markdown(value)}" for name, value in heading(summary)),
        _verdict_table(summary),
        _reasons(summary),
        _facts(summary["facts"]),
        _effects_table(summary),
        _reference(summary),
        _made(summary),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def escape_markdown(text: object) -> str:
    r"""Return `text` on one line with everything escaped that Markdown could read as markup.

    Example:
        >>> print(escape_markdown("a|b <i>"))
        a\|b \<i\>
    """
    line = INLINE.sub(r"\\\1", " ".join(str(text).split()))
    return LEADING.sub(r"\1\\\2", line)


def _verdict_table(summary: Mapping[str, Any]) -> str:
    loss, score = metric_words(summary["loss"]), metric_words(summary["score"])
    header = ["Variant", "Verdict", "Parameters", "Best epoch"]
    header += [f"{loss}: {part}" for part in ("train", "validation", "test")] + [f"{score}: test"]
    rows = [
        [
            escape_markdown(row["name"]),
            f"{row['symbol']} {escape_markdown(row['label'])}",
            *(row["parameters"], row["best_epoch"], row["loss"]["train"], row["loss"]["validation"]),
            f"{row['loss']['test']} {row['loss']['test_interval']}".strip(),
            f"{row['score']['test']} {row['score']['test_interval']}".strip(),
        ]
        for row in verdict_rows(summary)
    ]
    return _table(header, rows, left=2)


def _reasons(summary: Mapping[str, Any]) -> str:
    lines = [
        f"- **{escape_markdown(variant['name'])}**: {escape_markdown(' '.join(variant['verdict']['reasons'] or []))}"
        for variant in summary["variants"]
        if variant["verdict"]["reasons"]
    ]
    return "## Reasons\n\n" + "\n".join(lines) if lines else ""


def _facts(facts: Sequence[object]) -> str:
    return "## Also found\n\n" + "\n".join(f"- {escape_markdown(fact)}" for fact in facts) if facts else ""


def _effects_table(summary: Mapping[str, Any]) -> str:
    rows = [
        [
            escape_markdown(row["remedy"]),
            escape_markdown(row["baseline"]),
            f"{row['difference']} {row['interval']}",
            row["chance"],
        ]
        for row in effect_rows(summary)
    ]
    header = ["Remedy", "Instead of", "Difference of test loss", "Chance to be better"]
    return "## Effects\n\n" + _table(header, rows, left=2) if rows else ""


def _reference(summary: Mapping[str, Any]) -> str:
    row = reference_row(summary)
    if row is None:
        return ""
    value = f"{row['loss']['test']} {row['loss']['test_interval']}".strip()
    return f"Reference model, {escape_markdown(row['name'])}: {metric_words(summary['loss']).lower()} {value} on test rows."


def _made(summary: Mapping[str, Any]) -> str:
    versions = ", ".join(
        f"{escape_markdown(k)} {escape_markdown(v)}" for k, v in summary["environment"].items()
    )
    fence = "`" * (3 + max((len(run) for run in re.findall("`+", summary["command"])), default=0))
    command = " ".join(summary["command"].splitlines())
    took = format_duration(summary["wall_seconds"])
    return f"## How it was made\n\n{fence}sh\n{command}\n{fence}\n\nTook {took}. {versions}"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]], *, left: int) -> str:
    """Return a table whose first `left` columns are aligned left and the others right."""
    rule = ["---" if index < left else "--:" for index in range(len(header))]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (header, rule, *rows))
