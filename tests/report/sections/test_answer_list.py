"""The answer at a glance: the map, and one sentence and one command for each network."""

from __future__ import annotations

import copy

import pytest

from justright.report import render_html, render_markdown
from justright.report.blocks import Answers, Chart, Folded, Media
from justright.report.fit_map import fit_points
from justright.report.sections.answer_list import (
    FEW_ANSWERS,
    MOST_ANSWERS,
    answer_blocks,
    answer_of,
    in_folder,
    map_note,
)
from justright.report.sections.reason_list import MOST_SPIKES, reasons_of

NEW = ("also", "freer", "tighter", "headroom", "answer", "action", "spikes")


def old(summary):
    """Return the summary of a folder that an earlier version judged."""
    changed = copy.deepcopy(summary)
    for variant in changed["variants"]:
        variant["verdict"] |= dict.fromkeys(NEW)
    return changed


def many(summary, count):
    """Return a summary of so many networks."""
    changed = copy.deepcopy(summary)
    changed["variants"] = [
        copy.deepcopy(summary["variants"][3]) | {"name": f"N{number}"} for number in range(count)
    ]
    changed["best_variant"] = "N0"
    return changed


def test_the_map_comes_first_then_a_sentence_and_a_command_for_each_network(summary):
    """In the order of the study, with the verdict above its sentence."""
    chart, answers, printed = answer_blocks(summary | {"folder": "runs/a b"})
    assert isinstance(chart, Chart)
    assert [one.name for one in answers.items] == [variant["name"] for variant in summary["variants"]]
    medium = answers.items[2]
    assert (medium.verdict.text, medium.verdict.symbol) == ("overfits, also underfits", "↑")
    assert medium.rest.startswith("After epoch 32: at its end the test loss is 0.1432")
    assert answers.items[-1].rest.startswith("Nothing freer or tighter that was measured")
    assert medium.command == "justright predict 'runs/a b' TABLE --variant Combined"
    assert (answers.media, printed.media) == (Media.WRITTEN, Media.TERMINAL)
    assert printed.items == answers.items


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("justright run --out DIR --seeds 3", "justright run --out 'my runs' --seeds 3"),
        (
            "justright predict DIR TABLE --variant DIRECT",
            "justright predict 'my runs' TABLE --variant DIRECT",
        ),
        ('jr.open_result("DIR").best', 'jr.open_result("my runs").best'),
    ],
)
def test_commands_name_the_folder_where_it_is_known(command, told):
    """For a shell, and within the quotes of Python; elsewhere DIR stays."""
    assert in_folder(command, "my runs") == told
    assert in_folder(command, None) == command


def test_an_older_folder_shows_what_there_is(summary):
    """In a terminal the first reason of each verdict; a page, which has them all further down, begins with the table."""
    (printed,) = answer_blocks(old(summary))
    assert printed.media == Media.TERMINAL
    assert printed.items[0].rest == summary["variants"][0]["verdict"]["reasons"][0]
    assert not any(one.command or one.words for one in printed.items)
    page = render_html(old(summary))
    assert 'id="fit"' not in page
    assert page.index("<table") < page.index("<figure")


def test_what_was_not_judged_has_no_answer(summary):
    """That no run has ended is said elsewhere."""
    variant = {"verdict": {"margin": None, "reasons": ["No run of this variant has ended."]}}
    assert answer_of(variant) == ""
    unjudged = [one | variant for one in summary["variants"]]
    assert answer_blocks(summary | {"variants": unjudged}) == []


def test_of_many_networks_a_page_folds_most_away_and_a_terminal_answers_for_few(summary):
    """Their table fills a screen as it is."""
    chart, answers, printed = answer_blocks(many(summary, 30))
    assert len(answers.items) == MOST_ANSWERS
    assert len(printed.items) == FEW_ANSWERS
    (folded,) = answers.more
    assert isinstance(folded, Folded)
    assert folded.head.text == f"{30 - MOST_ANSWERS} more networks"
    assert isinstance(folded.blocks[0], Answers)
    assert len([dot for dot in chart.plot.dots if not dot.css]) == 30


def test_the_note_explains_what_occurs_and_nothing_else(summary):
    """No ring, no edge, no word about it."""
    margin = summary["margin"]
    said = map_note(fit_points(summary["variants"]), margin)
    assert said == (
        "What lowers the test loss: something tighter, to the right; something freer, upwards. Shaded: less than the margin, "
        "0.0011. Lines: 95 % intervals. <0: all that was measured is worse. Rings: Gradient-boosted trees would gain as well; "
        "the wider, the more."
    )
    verdict = summary["variants"][2]["verdict"] | {"headroom": None}
    plain = map_note(fit_points([{"name": "A", "verdict": verdict}]), margin)
    assert plain.endswith("Lines: 95 % intervals.")
    open_end = map_note(fit_points([{"name": "A", "verdict": verdict | {"freer": None}}]), margin)
    assert open_end.endswith("–: nothing was measured.")


def test_markdown_has_a_line_for_each_network(summary):
    """With its verdict, and the command as code."""
    lines = render_markdown(summary, folder="runs/t").splitlines()
    assert (
        "- **L2** ↑ overfits. Regularization (Combined) lowers its test loss by 0.0316 \\[0.0255, 0.0377\\]. Use Combined: it is "
        "trained and saved. `justright predict runs/t TABLE --variant Combined`" in lines
    )


def test_a_page_offers_every_command_to_be_copied(page, summary):
    """Each button refers to its own command."""
    for number in range(1, len(summary["variants"]) + 1):
        assert page.count(f'<code id="do-{number}">') == page.count(f'data-copy="do-{number}"') == 1


def test_spikes_are_named_among_the_reasons_unless_a_reason_names_them(summary):
    """They decide nothing, and a reader of the curve wants to know so."""
    l2 = copy.deepcopy(summary["variants"][4])
    assert reasons_of(l2)[-1] == (
        "One epoch far above its neighbours decides nothing (seed 1, epoch 322: loss 1.5803 beside 0.5811)."
    )
    l2["verdict"]["spikes"] *= MOST_SPIKES + 2
    assert reasons_of(l2)[-1].startswith("Single epochs far above their neighbours decide nothing (seed 1, ")
    assert reasons_of(l2)[-1].endswith("; and 2 more).")
    l2["verdict"]["reasons"].append("A spike at epoch 322 decides nothing.")
    assert reasons_of(l2) == tuple(l2["verdict"]["reasons"])
    assert reasons_of(summary["variants"][0]) == tuple(summary["variants"][0]["verdict"]["reasons"])
