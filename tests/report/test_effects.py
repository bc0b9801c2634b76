"""Effects as every report shows them: in one order, with what was chosen, tied and covered."""

from __future__ import annotations

import re

from justright.report import render_html, render_markdown
from justright.report.effects import choice_sentence, effect_lines, effect_rows


def test_effects_are_listed_best_first(summary):
    """The largest gain comes first, whatever the order of the study."""
    assert [(row["remedy"], row["difference"]) for row in effect_rows(summary)] == [
        ("Combined", "−0.0529"),
        ("Dropout", "−0.0271"),
        ("L2", "−0.0213"),
    ]


def test_steps_come_last_and_in_their_order(remedies_summary):
    """A step is read after the one it builds on, however much it gains."""
    rows = effect_rows(remedies_summary)
    assert [row["remedy"] for row in rows] == [
        *("Early stopping", "Dropout", "L2", "Ensemble of 3 x Large"),
        *("Combined", "Medium"),
    ]
    assert [row["remedy"] for row in effect_rows(remedies_summary, steps=True)] == ["Combined", "Medium"]
    assert len(effect_rows(remedies_summary, steps=False)) == 4


def test_the_best_remedy_is_not_tied_with_itself(remedies_summary):
    """A mark that says 'cannot be told from the best' beside the best alone says nothing; and no chance is 100 %."""
    effects = [
        {**one, "is_tied_with_best": number == 0, "probability_better": 1.0}
        for number, one in enumerate(remedies_summary["effects"])
    ]
    rows = effect_rows({**remedies_summary, "effects": effects})
    assert {row["tie"] for row in rows} == {""}
    assert {row["chance"] for row in rows} == {"> 99.9 %"}


def test_a_row_says_what_was_chosen_tied_and_covered(remedies_summary):
    """Strengths where several were tried; ties; intervals over rows only; the last epoch as the other side."""
    rows = {row["remedy"]: row for row in effect_rows(remedies_summary)}
    assert rows["Dropout"] == {
        "remedy": "Dropout",
        "baseline": "Large",
        "strengths": "0.2, 0.5",
        "difference": "−0.0271",
        "interval": "[−0.0341, −0.0211]",
        "chance": "99.8 %",
        "chance_best": "60.0 %",
        "tie": "=",
        "note": "",
    }
    assert rows["Early stopping"]["baseline"] == "Large at its last epoch"
    assert rows["Ensemble of 3 x Large"]["note"] == "rows only"
    assert rows["Ensemble of 3 x Large"]["chance_best"] == "–"
    assert (rows["Combined"]["tie"], rows["Combined"]["chance_best"]) == (
        "",
        "–",
    )  # the only remedy of its network


def test_chart_rows_are_the_table_s(remedies_summary):
    """From the top, remedies and steps apart, with the ends of their intervals; early stopping would dwarf the rest."""
    lines = effect_lines(remedies_summary, steps=False)
    assert [(line["row"], line["v"]) for line in lines][1] == (1, "L2 vs Large")
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
    assert re.findall(r'data-chart="(effects|steps)"', page) == ["effects", "steps"]
    assert "Validation rows choose Ensemble of 3 x Combined" in page
    assert "Only the &#34;Tiny&#34; model avoids it." in page
    assert "does not hold" in page


def test_markdown_has_the_same_rows(remedies_summary):
    """Ties marked and explained, strengths told, claims judged."""
    text = render_markdown(remedies_summary)
    assert "| Dropout = | Large | −0.0271 [−0.0341, −0.0211] | 99.8 % | 60.0 % | of 0.2, 0.5 |" in text
    assert "Remedies marked = cannot be told from the best one of their baseline." in text
    assert "**does not hold**" in text
