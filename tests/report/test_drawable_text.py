"""Texts that a page can hold."""

from __future__ import annotations

from justright.report.drawable_text import printable


def test_what_no_page_may_hold_is_marked_and_the_rest_stays():
    """Control characters and half characters, in keys and values; numbers and emoji are left alone."""
    value = {"a\x00": ["b\ud800", "\U0001f600"], "low": [1.0, None], "n": 3}
    assert printable(value) == {"a\ufffd": ["b\ufffd", "\U0001f600"], "low": [1.0, None], "n": 3}
