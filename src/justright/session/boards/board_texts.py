"""What TensorBoard's text page says of a study: its conclusion, and each network's verdict with its reasons."""

from __future__ import annotations

from justright.records.boards.tensorboard_files import WHOLE_STUDY
from justright.report.fit_map import label_words
from justright.report.markdown import escape_markdown
from justright.report.sections.answer_list import answer_of
from justright.report.summary import Summary, VariantSummary

MOST_LISTED = 100  # networks in the text about all of them


def board_texts(summary: Summary) -> dict[str, str]:
    """Return variant -> its verdict as Markdown, and `WHOLE_STUDY` -> the conclusion and all verdicts in a line each."""
    variants = summary["variants"]
    listed, more = variants[:MOST_LISTED], len(variants) - MOST_LISTED
    names = [escape_markdown(one["name"]) for one in listed]
    lines = [
        f"- **{name}**: {_label(one)}. {_answer(one)}".rstrip()
        for name, one in zip(names, listed, strict=True)
    ]
    lines += [f"- and {more:,} more, each with a text of its own"] if more > 0 else []
    whole = "\n\n".join([escape_markdown(summary["conclusion"]), "\n".join(lines)])
    return {one["name"]: _verdict(one) for one in variants} | {WHOLE_STUDY: whole.strip()}


def _verdict(variant: VariantSummary) -> str:
    """Return a network's verdict: its label, the sentence that answers, what would help, and every reason."""
    verdict = variant["verdict"]
    words = (verdict.get("action") or {}).get("words") or ""
    head = f"**{_label(variant)}.** {_answer(variant)} {escape_markdown(words)}".strip()
    return "\n\n".join([head, "\n".join(f"- {escape_markdown(reason)}" for reason in verdict["reasons"])])


def _label(variant: VariantSummary) -> str:
    return escape_markdown(label_words(variant["verdict"]))


def _answer(variant: VariantSummary) -> str:
    return escape_markdown(answer_of(variant))
