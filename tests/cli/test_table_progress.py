"""What is said while a table arrives."""

from __future__ import annotations

import io

from justright.cli.table_progress import LINE_SECONDS, ReadingLine
from justright.data.sources import ReadProgress
from justright.report.terminal.terminal import Terminal


def test_a_log_gets_a_line_now_and_then():
    """Waiting is said at once, progress every few seconds, and the whole amount at the end."""
    out, now = io.StringIO(), [0.0]
    with ReadingLine(Terminal(out), clock=lambda: now[0]) as line:
        line(ReadProgress(0, 0, None, "standard input"))
        line(ReadProgress(500_000, 0, None, "standard input"))
        now[0] = LINE_SECONDS
        line(ReadProgress(1_000_000, 0, None, "standard input"))
        line(ReadProgress(1_200_000, 0, None, "standard input"))
        line(ReadProgress(1_500_000, 0, None, "standard input"))
    assert out.getvalue().splitlines() == [
        "Reading standard input.",
        "Reading standard input: 1.0 MB so far.",
        "Read 1.5 MB from standard input",
    ]
