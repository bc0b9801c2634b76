"""Nothing printed from outside reaches the terminal as a command."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len

from justright.report.terminal.sparkline import histogram, sparkline
from justright.report.terminal.text import ASCII, UNICODE, plain, shorten


@given(st.text())
def test_no_control_character_survives(text):
    """Whatever the text, what is left neither moves the cursor nor reorders what follows."""
    assert not any(
        unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") for character in plain(text)
    )


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"])))
def test_ordinary_text_is_unchanged(text):
    """Letters, digits, marks and symbols of any script stay as they are."""
    assert plain(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2Jgone", "\\x1b[2Jgone"),
        ("a\rb\nc", "a\\rb\\nc"),
        ("\x9b31m", "\\x9b31m"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\udc80", "\\udc80"),
    ],
)
def test_what_is_removed_is_written_out(text, shown):
    """A name that tries something is seen, not hidden."""
    assert plain(text) == shown


@given(st.text(), st.integers(1, 40), st.sampled_from([ASCII, UNICODE]))
def test_shortened_text_fits(text, width, symbols):
    """Wide characters count two cells."""
    assert cell_len(shorten(text, width, symbols)) <= width


@given(st.lists(st.floats()), st.integers(0, 30), st.sampled_from([ASCII, UNICODE]))
@example([8.98846567431158e307, 8.98846567431158e307], 1, ASCII)  # their sum is infinite
@example([-1.7e308, 1.7e308], 2, UNICODE)  # so is their distance
def test_sparklines_hold_only_their_bars(values, width, symbols):
    """Any curve, finite or not, gives at most `width` of the allowed characters."""
    line = sparkline(values, width, symbols)
    assert len(line) <= width
    assert set(line) <= set(symbols.bars)


def test_a_sparkline_has_its_lowest_bar_at_the_minimum():
    """Averaged in equal stretches, the minimum stays where it was."""
    line = sparkline([abs(index - 75) for index in range(100)], 10, UNICODE)
    assert line == "█▇▆▅▄▃▂▁▂▃"


def test_a_histogram_shows_gaps():
    """A bin without rows is a space, one with few a bar."""
    assert histogram([1, 0, 100], ASCII) == "_ #"
