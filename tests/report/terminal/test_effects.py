"""The terminal's table of remedies at 80 and 120 columns, and the tutorial's sentences under it."""

from __future__ import annotations

import pytest

from justright.report.terminal.effects import (
    claims_table,
    has_catalogue,
    remedy_note,
    remedy_table,
    shown_variants,
)
from justright.report.terminal.text import ASCII, UNICODE

COMMON = {
    "seeds": 3,
    "covers": "rows and seeds",
    "kind": "variant",
    "is_tied_with_best": False,
    "probability_best": 0.0,
}


def effect(baseline, remedy, value, **values):
    """One effect as a summary has it."""
    ends = {"low": value - 0.007, "high": value + 0.006, "probability_better": 0.99}
    return {"baseline": baseline, "remedy": remedy, "difference": value, **COMMON, **ends, **values}


@pytest.fixture
def summary():
    """Large with two remedies, one of them searched, a combination, and a judged sentence."""
    variants = [
        {"name": "Large", "group": "sizes", "remedy": ""},
        {"name": "Dropout 0.2", "group": "remedies", "remedy": "Dropout"},
        {"name": "Dropout 0.5", "group": "remedies", "remedy": "Dropout"},
        {"name": "Noise", "group": "remedies", "remedy": "Noise"},
        {"name": "Base", "group": "steps", "remedy": ""},
        {"name": "Step 1 Cosine and sine of phi", "group": "steps", "remedy": "Cosine and sine of phi"},
    ]
    return {
        "loss": "binary_crossentropy",
        "variants": variants,
        "effects": [
            effect("Base", "Step 1 Cosine and sine of phi", -0.02),
            effect("Large", "Noise", 0.02),
            effect("Large", "Dropout 0.5", -0.03, is_tied_with_best=True, probability_best=1.0),
            effect(
                "Large",
                "Ensemble of 3 x Large",
                -0.001,
                kind="ensemble",
                covers="rows",
                probability_best=None,
            ),
        ],
        "strengths": [
            {
                "baseline": "Large",
                "remedy": "Dropout",
                "chosen": "Dropout 0.5",
                "strengths": [{"strength": 0.2}, {"strength": 0.5}],
            }
        ],
        "choice": {"variant": "Step 1 Cosine and sine of phi"},
        "claims": [{"quote": "Tiny\x1b[2J wins.", "answer": "does not hold", "evidence": "It is 0.1 worse."}],
    }


def lines_of(table, terminal, width):
    """What is printed, without trailing blanks."""
    shown, file = terminal(width)
    shown.print(table)
    return [line.rstrip() for line in file.getvalue().splitlines()]


def test_the_table_at_80_columns(summary, terminal):
    """Best first, the combination last; every line fits."""
    lines = lines_of(remedy_table(summary, 80, UNICODE), terminal, 80)
    assert max(map(len, lines)) <= 80
    assert [line.split("  ")[0] for line in lines[3:]] == [
        *("Dropout 0.5", "Ensemble of 3 x Large", "Noise", ""),
        "Step 1 Cosine and sine of phi",
    ]
    assert lines[3].split() == ["Dropout", "0.5", "−0.0300", "[−0.0370,", "−0.0240]", "99.0", "%"]
    assert lines[4].endswith("99.0 %  rows")


def test_the_table_at_120_columns(summary, terminal):
    """Also what each changes, and its chance to be the best."""
    lines = lines_of(remedy_table(summary, 120, UNICODE), terminal, 120)
    assert max(map(len, lines)) <= 120
    assert lines[3].split() == [
        *("Dropout", "0.5", "Large", "−0.0300", "[−0.0370,", "−0.0240]", "99.0", "%", ">", "99.9", "%"),
    ]


def test_a_terminal_without_unicode_gets_ascii(summary, terminal):
    """Minus signs and dashes too."""
    text = "\n".join(lines_of(remedy_table(summary, 120, ASCII), terminal, 120)[3:])
    assert text.isascii()


def test_the_main_table_shows_what_is_changed_and_what_was_chosen(summary):
    """Four lines of a study of forty; the rest is said to be in the report. Other studies show everything."""
    assert [variant["name"] for variant in shown_variants(summary)] == [
        "Large",
        "Base",
        "Step 1 Cosine and sine of phi",
    ]
    assert remedy_note(summary).endswith("The report shows 3 more variants.")
    # An ensemble may be chosen whose seeds are not the best network: both are shown.
    best = summary["variants"][-1]["name"]
    assert [variant["name"] for variant in shown_variants({**summary, "best_variant": best})][-1] == best
    plain = {**summary, "strengths": []}
    assert not has_catalogue(plain)
    assert len(shown_variants(plain)) == 6


def test_the_tutorial_s_sentences_cannot_command_the_terminal(summary, terminal):
    """Control characters are written out; the answer stands before the sentence, on one line."""
    line = lines_of(claims_table(summary), terminal, 80)[-1]
    assert "\x1b" not in line
    assert line.startswith("does not hold  Tiny")
    assert line.endswith("wins.")
