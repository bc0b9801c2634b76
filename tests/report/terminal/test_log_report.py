"""Readings of logs in a terminal: complete, no wider than it, and in its own characters."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from rich.cells import cell_len
from tests.log_readings import HOSTILE, every_kind, make_run
from tests.terminals import EncodedText

from justright.report.terminal.curve_drawing import draw_bars, draw_curve
from justright.report.terminal.log_report import print_readings
from justright.report.terminal.terminal import Terminal
from justright.report.terminal.text import ASCII, UNICODE, UNSAFE_CATEGORIES

KINDS = every_kind()
SCREEN = 40  # lines of a clear case


def printed(runs, width=80, encoding="utf-8"):
    """Return the lines that a terminal of some width and encoding shows."""
    file = EncodedText(encoding)
    print_readings(Terminal(file, width=width), runs)
    return [line.rstrip() for line in file.getvalue().splitlines()]


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("kind", KINDS)
def test_no_line_is_wider_than_the_terminal(kind, width):
    """Commands aside, which are copied; and every run is named with its label."""
    runs = KINDS[kind]
    lines = printed(runs, width)
    commands = [advice.command for run in runs for advice in run.advice if advice.command]
    wide = [line for line in lines if cell_len(line) > width and "checkpoint-30 best" not in line]
    assert commands
    assert wide == []
    text = "\n".join(lines)
    for run in runs:
        assert run.label in text


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "hostile" not in kind])
def test_a_terminal_without_unicode_gets_ascii(kind):
    """Latin-1 and Windows' code pages among them: nothing is replaced by a question mark."""
    for encoding in ("cp1252", "ascii"):
        text = "\n".join(printed(KINDS[kind], encoding=encoding))
        assert text.isascii()


@pytest.mark.parametrize("kind", ["overfits", "overfits by loss only", "still improving", "flat", "diverged"])
def test_a_clear_case_fits_on_a_screen(kind):
    """At 80 columns, with curve, numbers, findings, advice and notes."""
    assert len(printed(KINDS[kind])) <= SCREEN


def test_one_run_is_told_in_full():
    """Answer, curve with the onset, numbers, other metrics, findings, advice and notes, in this order."""
    lines = printed([make_run()])
    assert lines[0] == "metrics.csv: ↑ overfits"
    text = "\n".join(lines)
    parts = (
        *(
            "Validation loss was lowest at epoch 30",
            "validation, loss",
            "1.1900│",
            "training│",
            "*^^^^",
            "^ worse since 31–36",
        ),
        *(
            "Best 0.6000 at epoch 30; last 1.1900 at 89; worse by 0.590 [0.570, 0.610]",
            "metric ",
            "Accuracy ",
        ),
        *("Findings", "JR101 ", "What to do", "1. Keep the state of epoch 30. [measured in this log]"),
        *("     cp checkpoint-30 best", "2. Stop when", "[general]", "Notes", "- Epochs are counted from 0."),
    )
    places = [text.find(part) for part in parts]
    assert -1 not in places, parts[places.index(-1)]
    assert places == sorted(places)


def test_where_values_are_no_numbers_any_more_is_marked():
    """The axis goes on to where the run ended."""
    text = "\n".join(printed(KINDS["diverged"]))
    assert "× not finite since 60" in text
    assert "*××××××××××××" in text
    assert "x not finite since 60" in "\n".join(printed(KINDS["diverged"], encoding="ascii"))


def test_a_finding_that_is_the_sentence_gives_only_its_code():
    """Nothing is said twice."""
    from dataclasses import replace

    from justright.logs.run_reading import Finding

    run = make_run("flat")
    lines = printed([replace(run, findings=(Finding("JR202", run.sentence),))])
    assert lines[0] == "metrics.csv: = flat JR202"
    assert "Findings" not in lines


def test_many_evaluation_sets_share_a_table():
    """A curve of the first, a line with a small curve for each."""
    lines = printed(KINDS["six sets"], 100)
    assert sum("training│" in line for line in lines) == 1
    assert [
        line.split()[1] for line in lines if line.startswith("  validation: ") and "↑ overfits" in line
    ] == [*("cola", "mnli", "mrpc", "qnli", "stsb", "wnli")]
    assert sum("training│" in line for line in printed(KINDS["three sets"])) == 3


def test_several_runs_are_a_table_and_a_few_lines_each():
    """Earlier attempts have one line."""
    lines = printed(KINDS["several runs"])
    assert lines[0].split() == ["run", "reading", "best", "at", "best", "last"]
    assert lines.count("- Keep the state of epoch 30. [measured in this log]") == 1  # the same for all
    assert lines[-1] == "Earlier attempt, replaced by a later run: attempt 1 (overfits)."
    assert "Findings" not in lines


def test_pooled_runs_are_listed():
    """The folds behind a mean."""
    assert sum(line.startswith("  fold ") for line in printed(KINDS["folds"])) == 5


def test_names_from_outside_command_no_terminal():
    """Control characters and overrides of the reading direction are written out."""
    from unicodedata import category

    text = "".join(printed(KINDS["hostile"], 120))
    assert HOSTILE[1] not in text
    assert [character for character in text if category(character) in UNSAFE_CATEGORIES] == []
    assert "\\x1b[31m" in text


def test_label_and_onset_have_the_colour_of_the_tone():
    """Where there are colours; no word depends on them."""
    file = io.StringIO()
    terminal = Terminal(file, width=80)
    terminal._color_system = None
    print_readings(terminal, [make_run()])
    assert "\x1b" not in file.getvalue()


def test_a_curve_is_drawn_where_it_is():
    """By hand: a step down in the middle, in three rows of two columns."""
    at = np.array([0.0, 1.0, 2.0, 3.0])
    drawn = draw_curve(
        at, np.array([1.0, 1.0, 0.0, 0.0]), size=(4, 2), span=(0, 3), ends=(0, 1), symbols=ASCII
    )
    assert drawn == ["''| ", "  |_"]
    assert draw_bars(at, at, columns=4, span=(0, 3), ends=(0, 3), symbols=UNICODE) == "▁▃▆█"


def test_what_was_not_measured_stays_empty():
    """Before the first value and after the last, as where a run diverged."""
    drawn = draw_bars(np.array([1.0]), np.array([2.0]), columns=3, span=(0, 2), ends=(0, 2), symbols=UNICODE)
    assert drawn == " █ "


def test_braille_dots_are_those_of_unicode():
    """Every dot of a cell by itself, against the code chart: dots 1 to 8."""
    found = []
    for column in range(2):
        for row in range(4):
            at, values = np.array([float(column)]), np.array([float(3 - row)])
            found += draw_curve(at, values, size=(1, 1), span=(0, 1), ends=(0, 3), symbols=UNICODE)
    assert found == list("⠁⠂⠄⡀⠈⠐⠠⢀")


def test_a_flat_curve_of_one_value_has_a_place():
    """No division by an empty range."""
    (line,) = draw_curve(
        np.array([3.0]), np.array([2.0]), size=(3, 1), span=(3, 3), ends=(2, 2), symbols=ASCII
    )
    assert re.fullmatch(r"[-'_]  ", line)
