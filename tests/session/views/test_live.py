"""Frames of the live view, and the lines without a terminal."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from justright.runs.events import PlanMade, RunKey, RunStarted, StackProgress, WorkersTried
from justright.session.views.dots import DotLog
from justright.session.views.live import LiveView, live_view
from justright.session.views.progress import StudyProgress


def trained_view(make, symbols, *, seeds=1):
    """Return a view in the middle of a study: one variant at its end, one training, one waiting."""
    view = LiveView(StudyProgress(make.study(seeds=seeds)), symbols)
    view.handle(RunStarted(RunKey("Tiny", 0, 10_000), 0, "w"))
    for epoch in range(20, 420, 20):
        view.handle(make.progress("Tiny", epoch, epoch / 10))
        view.handle(make.progress("Large", epoch, epoch / 5, waited=max(0, epoch - 300)))
    view.handle(make.end("Tiny", "stopped early"))
    return view


def frame_lines(view, terminal, width, encoding="utf-8"):
    """Return the frame's lines, footer without its clock."""
    console, file = terminal(width, encoding)
    console.print(view.frame(width))
    return [line.rstrip() for line in file.getvalue().splitlines()]


def test_a_frame_at_80_columns(make, terminal):
    """One line a variant: name, state, epoch, losses, epochs without a gain, sparkline."""
    lines = frame_lines(trained_view(make, terminal()[0].symbols), terminal, 80)
    assert lines[:-1] == [
        " variant       state                epoch    train      val  no gain",
        " Tiny          stopped at 400         400   0.5000   0.7000      100  █▅▃▁▁▄▆█",
        " Large         training               400   0.4424   0.6667      100  █▅▃▁▁▄▆█",
        " Large, drop…  waiting                           –        –",
    ]


def test_a_frame_at_120_columns(make, terminal):
    """More room: best epoch, longer names and sparkline."""
    lines = frame_lines(trained_view(make, terminal()[0].symbols), terminal, 120)
    assert lines[1].startswith(
        " Tiny                    stopped at 400, best 299         400   0.5000   0.7000      100  "
    )
    assert lines[3].startswith(" Large, dropout and L2…  waiting ")


@pytest.mark.parametrize("width", [80, 100, 120, 200])
@pytest.mark.parametrize("seeds", [1, 3])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_no_line_is_wider_than_the_terminal(make, terminal, width, seeds, encoding):
    """A wrapped line would make the view jump; every variant has exactly one."""
    symbols = terminal(width, encoding)[0].symbols
    lines = frame_lines(trained_view(make, symbols, seeds=seeds), terminal, width, encoding)
    assert len(lines) == 1 + len(make.names) + 1
    assert max(map(cell_len, lines)) <= width
    if encoding == "ascii":
        assert all(line.isascii() for line in lines)


@pytest.mark.parametrize("width", [80, 120])
def test_the_hint_is_never_cut(make, terminal, width):
    """With a plan and a time left, 80 columns took the end of 'the same command resumes'."""
    view = trained_view(make, terminal()[0].symbols)
    view.handle(PlanMade(3, 3, 2, 2_140_000_000, 21_400_000_000))
    text = "\n".join(frame_lines(view, terminal, width))
    assert "of 21.4 GB free." in text
    assert "Ctrl-C stops; the same command resumes." in text
    assert "\u2026" not in text.rpartition("waiting")[2]


def test_what_came_of_another_worker_is_shown_in_full(make, terminal):
    """The latest trial, also in a narrow window."""
    view = trained_view(make, terminal()[0].symbols)
    view.handle(WorkersTried(2, 2, 1.31))
    view.handle(WorkersTried(3, 2, 0.9, idle_share=0.38, is_measured=False))
    text = "\n".join(frame_lines(view, terminal, 80))
    assert "The device idled for 38 % of the time between short networks: two" in text
    assert "gained 31 %" not in text


def test_a_low_window_keeps_what_trains_and_the_time_left(make, terminal):
    """The terminal would cut the bottom of a frame that is too high; what waits is left out instead, and counted."""
    view = trained_view(make, terminal()[0].symbols)
    console, file = terminal(80)
    console.print(view.frame(80, 5))
    lines = [line.rstrip() for line in file.getvalue().splitlines()]
    assert [line.split()[0] for line in lines[1:3]] == ["Large", "\u2026"]
    assert lines[2] == "  \u2026 2 more variants"
    assert lines[-1].startswith("  1 of 3 runs done, ")
    assert len(lines) < 5


def test_several_seeds_share_a_line_and_are_counted(make, terminal):
    """One of three seeds has ended."""
    view = trained_view(make, terminal()[0].symbols, seeds=3)
    lines = frame_lines(view, terminal, 120)
    assert lines[1].split()[:4] == ["Tiny", "waiting", "1/3", "done"]
    assert lines[-1].startswith("  1 of 9 runs done, ")


def test_a_diverged_seed_is_told(make, terminal):
    """The worst end names the line."""
    view = LiveView(StudyProgress(make.study(seeds=2)), terminal()[0].symbols)
    view.handle(make.end("Tiny", "diverged", seed=0))
    view.handle(make.end("Tiny", "finished", seed=1))
    assert frame_lines(view, terminal, 80)[1].split()[:3] == ["Tiny", "diverged", "1/2"]


def test_the_last_frame_stays_on_the_terminal(make, terminal):
    """After training the table is still there."""
    console, file = terminal(80)
    with live_view(StudyProgress(make.study()), console) as view:
        view.handle(make.end("Tiny", "finished"))
    assert "Tiny          finished" in file.getvalue()


def test_lines_with_ten_dots_where_there_is_no_terminal(make, terminal):
    """A dot stands for ten epochs when the limit is 1,000; lines of variants never mix."""
    console, file = terminal(120)
    log = DotLog(StudyProgress(make.study()), console)
    for epoch in range(4, 212, 4):
        log.handle(make.progress("Tiny", epoch, epoch / 10))
        log.handle(make.progress("Large", epoch, epoch / 10))
    log.handle(make.end("Tiny", "stopped early"))
    assert file.getvalue().splitlines() == [
        "Tiny           ..........  epoch 100, train 0.6174, validation 0.6333",
        "Large          ..........  epoch 100, train 0.6174, validation 0.6333",
        "Tiny           ..........  epoch 200, train 0.5525, validation 0.6000",
        "Large          ..........  epoch 200, train 0.5525, validation 0.6000",
        "Tiny                       seed 0 stopped early after 400 epochs; best epoch 299, validation 0.5900",
    ]


def test_a_silent_variant_gives_a_sign_of_life(make, terminal, monkeypatch):
    """After half a minute the dots so far are printed."""
    monkeypatch.setattr("justright.session.views.dots.QUIET_SECONDS", -1.0)
    console, file = terminal(120)
    log = DotLog(StudyProgress(make.study()), console)
    log.handle(make.progress("Tiny", 10, 1.0))
    log.handle(make.progress("Tiny", 30, 2.0))
    assert file.getvalue().splitlines()[-1].split()[:2] == ["Tiny", ".."]


def both(make, epoch):
    """Return a report of a stack with a run of each of two variants."""
    one, other = make.progress("Tiny", epoch, epoch / 10), make.progress("Large", epoch, epoch / 10)
    return StackProgress(
        *("both", one.runs + other.runs, epoch, epoch / 10),
        {**one.latest, **other.latest},
        {**one.waits, **other.waits},
    )


def test_each_variant_of_a_stack_has_its_own_lines(make, terminal):
    """Until its runs have ended; the stack may go on with the others."""
    console, file = terminal(120)
    log = DotLog(StudyProgress(make.study()), console)
    for epoch in (0, 100):
        log.handle(both(make, epoch))
    log.handle(make.end("Tiny", "stopped early"))
    log.handle(both(make, 200))
    assert file.getvalue().splitlines() == [
        "Tiny           ..........  epoch 100, train 0.6174, validation 0.6333",
        "Large          ..........  epoch 100, train 0.6174, validation 0.6333",
        "Tiny                       seed 0 stopped early after 400 epochs; best epoch 299, validation 0.5900",
        "Large          ..........  epoch 200, train 0.5525, validation 0.6000",
    ]


def test_a_frame_shows_the_variants_of_a_stack(make, terminal):
    """Both train; one of them has a shorter trail once it has ended."""
    progress = StudyProgress(make.study())
    view = LiveView(progress, terminal()[0].symbols)
    for epoch in (100, 200):
        view.handle(both(make, epoch))
    view.handle(make.end("Tiny", "stopped early"))
    view.handle(both(make, 300))
    lines = frame_lines(view, terminal, 80)
    assert [line.split()[:2] for line in lines[1:3]] == [["Tiny", "stopped"], ["Large", "training"]]
    assert [len(progress.variants[name].trail) for name in ("Tiny", "Large")] == [2, 3]
    # What waits has shown no pace; without it: 0.1 s per epoch, until the limit of 1,000 epochs or the end of patience.
    del progress.variants[make.names[2]]
    assert progress.seconds_left() == pytest.approx((10.0, 70.0))
