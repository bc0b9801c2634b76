"""Interrupting signals: noted, raised or ignored, and their handlers put back."""

from __future__ import annotations

import signal
import threading

import pytest

from justright.workers.interrupts import held_interrupts, interruptible, kept_handlers


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_are_taken_down_and_handlers_put_back(number, request):
    """Inside the block a signal is a note, outside it is what it was before."""
    inherited = signal.signal(number, signal.default_int_handler)  # ignored in the background of a shell
    request.addfinalizer(lambda: signal.signal(number, inherited))
    before = signal.getsignal(number)
    with held_interrupts() as received:
        assert not received
        signal.raise_signal(number)
        assert received == [number]
    assert signal.getsignal(number) is before


def test_ignored_signals_stay_ignored():
    """`nohup` and shells' background jobs ignore SIGINT: so do we then."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with held_interrupts() as received:
            signal.raise_signal(signal.SIGINT)
            assert not received
    finally:
        signal.signal(signal.SIGINT, before)


def test_sigterm_interrupts_like_ctrl_c_and_its_handler_is_put_back(request):
    """A study ends with its last checkpoints then; what the caller had set holds again afterwards."""
    inherited = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    request.addfinalizer(lambda: signal.signal(signal.SIGTERM, inherited))
    with pytest.raises(KeyboardInterrupt), interruptible():
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_what_others_do_to_handlers_is_undone():
    """As `ray.init` does, which takes SIGTERM for itself."""
    before = signal.getsignal(signal.SIGTERM)
    with kept_handlers(signal.SIGTERM):
        signal.signal(signal.SIGTERM, lambda *_: None)
    assert signal.getsignal(signal.SIGTERM) is before


def test_outside_the_main_thread_nothing_is_touched():
    """Python would refuse to set a handler there."""
    seen = []

    def enter():
        with held_interrupts() as received, interruptible():
            seen.append(list(received))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert seen == [[]]
