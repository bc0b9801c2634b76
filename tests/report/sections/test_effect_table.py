"""Effects as every report shows them: in one order, with what was chosen, tied and covered."""

from __future__ import annotations

import re
from typing import get_args

import pytest

from justright.diagnosis.claims import Answer
from justright.report import render_html, render_markdown
from justright.report.sections.effect_table import (
    choice_sentence,
    effect_blocks,
    effect_lines,
    effect_table,
    ordered_effects,
)
from justright.report.sections.fact_list import ANSWER_TONES, claim_blocks
from justright.report.sections.verdict_table import has_catalogue, main_variants
from justright.report.terminal.study_report import print_block

COMMON = {
    "seeds": 3,
    "covers": "rows and seeds",
    "kind": "variant",
    "is_tied_with_best": False,
    "probability_best": 0.0,
}


def rows_of(summary):
    """Return the cells of each row of the table of effects, by heading."""
    table = effect_table(summary)
    names = [column.title for column in table.columns]
    return [dict(zip(names, row.cells, strict=True)) for row in table.rows]


def texts_of(cells):
    """Return what a page shows of cells by heading."""
    return {name: " ".join(filter(None, (cell.text, cell.detail))) for name, cell in cells.items()}


def test_effects_are_listed_best_first(summary):
    """The largest gain comes first, whatever the order of the study."""
    assert [(row["Remedy"].text, row["Difference of test loss"].text) for row in rows_of(summary)] == [
        ("Combined", "−0.0529"),
        ("Dropout", "−0.0271"),
        ("L2", "−0.0213"),
    ]


def test_steps_come_last_and_in_their_order(remedies_summary):
    """A step is read after the one it builds on, however much it gains."""
    rows = effect_table(remedies_summary).rows
    assert [row.cells[0].text for row in rows] == [
        *("Early stopping", "Dropout =", "L2 =", "Ensemble of 3 x Large"),
        *("Combined", "Medium"),
    ]
    assert [row.starts_part for row in rows] == [False] * 4 + [True, False]
    assert [one["remedy"] for one in ordered_effects(remedies_summary, steps=True)] == ["Combined", "Medium"]
    assert len(ordered_effects(remedies_summary, steps=False)) == 4


def test_the_best_remedy_is_not_tied_with_itself(remedies_summary):
    """A mark that says 'cannot be told from the best' beside the best alone says nothing; and no chance is 100 %."""
    effects = [
        {**one, "is_tied_with_best": number == 0, "probability_better": 1.0}
        for number, one in enumerate(remedies_summary["effects"])
    ]
    rows = rows_of({**remedies_summary, "effects": effects})
    assert not any("=" in row["Remedy"].text for row in rows)
    assert {row["Chance to be better"].text for row in rows} == {"> 99.9 %"}


def test_a_row_says_what_was_chosen_tied_and_covered(remedies_summary):
    """Strengths where several were tried; ties; intervals over rows only; the last epoch as the other side."""
    rows = {row["Remedy"].text: texts_of(row) for row in rows_of(remedies_summary)}
    assert rows["Dropout ="] == {
        "Remedy": "Dropout =",
        "Instead of": "Large",
        "Chosen from": "0.2, 0.5",
        "Difference of test loss": "−0.0271",
        "95 % interval": "[−0.0341, −0.0211]",
        "Chance to be better": "99.8 %",
        "Chance to be best": "60.0 %",
        "": "=",  # of the terminal
    }
    assert rows["Early stopping"]["Instead of"] == "Large at its last epoch"
    assert rows["Ensemble of 3 x Large"]["95 % interval"].endswith(" rows only")
    assert rows["Ensemble of 3 x Large"]["Chance to be best"] == "–"
    assert rows["Combined"]["Chance to be best"] == "–"  # the only remedy of its network


def test_chart_rows_are_the_table_s(remedies_summary):
    """From the top, remedies and steps apart, with the ends of their intervals; early stopping would dwarf the rest."""
    lines = effect_lines(remedies_summary, steps=False)
    assert [line["v"] for line in lines][1] == "L2 vs Large"
    assert [line["v"] for line in effect_lines(remedies_summary, steps=True)] == ["Combined", "Medium"]
    assert all(line["low"] < line["y"] < line["high"] for line in lines)


def test_the_choice_is_one_sentence(remedies_summary, summary):
    """What validation rows choose and what test rows say; nothing for a study without a catalogue."""
    assert choice_sentence(remedies_summary) == (
        "Validation rows choose Ensemble of 3 x Combined of 12 networks and ensembles: binary crossentropy 0.5492 "
        "[0.5450, 0.5534] over test rows."
    )
    assert choice_sentence(summary) == ""


def test_the_page_shows_remedies_steps_choice_and_claims(remedies_summary):
    """Two charts, a table with every remedy, the choice and the tutorial's sentence."""
    page = render_html(remedies_summary)
    assert re.findall(r'id="chart-(effects|steps)"', page) == ["effects", "steps"]
    assert "Validation rows choose Ensemble of 3 x Combined" in page
    assert "Only the &#34;Tiny&#34; model avoids it." in page
    assert "does not hold" in page


def test_every_answer_to_a_claim_has_its_tone():
    """A sentence that was not put to the test is no bad news, and no good news either."""
    assert ANSWER_TONES.keys() == set(get_args(Answer))
    assert {ANSWER_TONES[answer] for answer in ("not tested", "cannot be told")} == {"open"}


def test_markdown_has_the_same_rows(remedies_summary):
    """Ties marked and explained, strengths told, claims judged."""
    text = render_markdown(remedies_summary)
    assert "| Dropout = | Large | 0.2, 0.5 | −0.0271 | [−0.0341, −0.0211] | 99.8 % | 60.0 % |" in text
    assert "= marks what cannot be told from the best remedy of its network." in text
    assert "**does not hold**" in text


def effect(baseline, remedy, value, **values):
    """One effect as a summary has it."""
    ends = {"low": value - 0.007, "high": value + 0.006, "probability_better": 0.99}
    return {"baseline": baseline, "remedy": remedy, "difference": value, **COMMON, **ends, **values}


@pytest.fixture
def catalogue():
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
        "margin": None,
        "seeds": [0, 1, 2],
        "best_variant": None,
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
        "choice": {
            "variant": "Step 1 Cosine and sine of phi",
            "test": {"mean": None, "low": None, "high": None},
        },
        "claims": [{"quote": "Tiny\x1b[2J wins.", "answer": "does not hold", "evidence": "It is 0.1 worse."}],
    }


def lines_of(table, terminal, width, encoding="utf-8"):
    """What is printed, without trailing blanks."""
    shown, file = terminal(width, encoding)
    print_block(shown, table)
    return [line.rstrip() for line in file.getvalue().splitlines()]


def test_the_table_at_80_columns(catalogue, terminal):
    """Best first, the combination last; every line fits."""
    lines = lines_of(effect_table(catalogue), terminal, 80)
    assert max(map(len, lines)) <= 80
    assert [line.split("  ")[0] for line in lines[3:]] == [
        *("Dropout 0.5", "Ensemble of 3 x Large", "Noise", ""),
        "Step 1 Cosine and sine of phi",
    ]
    assert lines[3].split() == ["Dropout", "0.5", "−0.0300", "[−0.0370,", "−0.0240]", "99.0", "%"]
    assert lines[4].endswith("99.0 %  rows")


def test_the_table_at_120_columns(catalogue, terminal):
    """Also what each changes, and its chance to be the best."""
    lines = lines_of(effect_table(catalogue), terminal, 120)
    assert max(map(len, lines)) <= 120
    assert lines[3].split() == [
        *("Dropout", "0.5", "Large", "−0.0300", "[−0.0370,", "−0.0240]", "99.0", "%", ">", "99.9", "%"),
    ]


def test_a_terminal_without_unicode_gets_ascii(catalogue, terminal):
    """Minus signs and dashes too."""
    text = "\n".join(lines_of(effect_table(catalogue), terminal, 120, "ascii")[3:])
    assert text.isascii()


def test_the_main_table_shows_what_is_changed_and_what_was_chosen(catalogue):
    """Four lines of a study of forty; the rest is said to be in the report. Other studies show everything."""
    assert [variant["name"] for variant in main_variants(catalogue)] == [
        "Large",
        "Base",
        "Step 1 Cosine and sine of phi",
    ]
    assert effect_blocks(catalogue)[-1].text.endswith("The report shows 3 more variants.")
    # An ensemble may be chosen whose seeds are not the best network: both are shown.
    best = catalogue["variants"][-1]["name"]
    assert [variant["name"] for variant in main_variants({**catalogue, "best_variant": best})][-1] == best
    plain = {**catalogue, "strengths": []}
    assert not has_catalogue(plain)
    assert len(main_variants(plain)) == 6


def test_the_tutorial_s_sentences_cannot_command_the_terminal(catalogue, terminal):
    """Control characters are written out; the answer stands behind the sentence, on one line."""
    line = lines_of(claim_blocks(catalogue)[-1], terminal, 80)[-1]
    assert "\x1b" not in line
    assert line.startswith("Tiny")
    assert "wins." in line
    assert line.endswith("  does not hold")
