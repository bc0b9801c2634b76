"""A summary as Markdown: what a pull request or a notebook can hold."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from justright.diagnosis.words.formats import format_duration, meanings, metric_words
from justright.report.effects import choice_sentence, effect_rows
from justright.report.more_data import scaling_table
from justright.report.tables import heading, reference_row, verdict_rows

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
        _more_data(summary),
        _claims(summary),
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
            " ".join(filter(None, (row["symbol"], escape_markdown(row["label"]), row["since"]))),
            *(row["parameters"], row["best_epoch"], row["loss"]["train"], row["loss"]["validation"]),
            f"{row['loss']['test']} {row['loss']['test_interval']}".strip(),
            f"{row['score']['test']} {row['score']['test_interval']}".strip(),
        ]
        for row in verdict_rows(summary)
    ]
    return "\n\n".join((_table(header, rows, left=2), escape_markdown(meanings(summary))))


def _reasons(summary: Mapping[str, Any]) -> str:
    lines = []
    for variant in summary["variants"]:
        reasons = variant["verdict"]["reasons"]
        if reasons:
            lines.append(
                f"- **{escape_markdown(variant['name'])}** ({escape_markdown(variant['verdict']['label'])})"
            )
            lines += [f"  - {escape_markdown(reason)}" for reason in reasons]
    return "## Reasons\n\n" + "\n".join(lines) if lines else ""


def _facts(facts: Sequence[object]) -> str:
    return "## Also found\n\n" + "\n".join(f"- {escape_markdown(fact)}" for fact in facts) if facts else ""


def _effects_table(summary: Mapping[str, Any]) -> str:
    rows = [
        [
            escape_markdown(f"{row['remedy']} {row['tie']}".strip()),
            escape_markdown(row["baseline"]),
            f"{row['difference']} {row['interval']}",
            row["chance"],
            row["chance_best"],
            " ".join(filter(None, (row["strengths"] and f"of {row['strengths']}", row["note"]))),
        ]
        for row in effect_rows(summary)
    ]
    header = [
        "Remedy",
        "Instead of",
        "Difference of test loss",
        "Chance to be better",
        "Chance to be best",
        "Note",
    ]
    if not rows:
        return ""
    ties = (
        "Remedies marked = cannot be told from the best one of their baseline." if _has_ties(summary) else ""
    )
    said = [escape_markdown(part) for part in (ties, choice_sentence(summary)) if part]
    return "\n\n".join(["## Effects", _table(header, rows, left=2), *said])


def _more_data(summary: Mapping[str, Any]) -> str:
    curves = summary["data_scaling"]
    if not curves:
        return ""
    header = ["Training rows", *(escape_markdown(curve["variant"]) for curve in curves)]
    rows = [
        [f"{row['rows']} (forecast)" if row["is_forecast"] else row["rows"], *row["cells"]]
        for row in scaling_table(curves)
    ]
    said = "\n".join(
        f"- {escape_markdown(curve['conclusion'])}" for curve in curves if curve.get("conclusion")
    )
    return "\n\n".join(filter(None, ["## More data", _table(header, rows, left=0), said]))


def _has_ties(summary: Mapping[str, Any]) -> bool:
    return any(row["tie"] for row in effect_rows(summary))


def _claims(summary: Mapping[str, Any]) -> str:
    rows = [
        [escape_markdown(claim["quote"]), f"**{claim['answer']}**", escape_markdown(claim["evidence"])]
        for claim in summary.get("claims") or ()
    ]
    header = ["The tutorial says", "On test rows", "Measured"]
    return "## The tutorial's own conclusions\n\n" + _table(header, rows, left=3) if rows else ""


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
