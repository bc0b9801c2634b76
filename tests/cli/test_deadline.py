"""An interrupted command ends within its deadline, even one that cannot be interrupted."""

import signal
import subprocess
import sys
import threading

import pytest

from justright.cli import deadline
from justright.cli.main import EXIT_INTERRUPTED
from justright.workers.pool import STOP_SECONDS

STUBBORN = """
import hashlib, signal
from justright.cli.deadline import ending_in_time
with ending_in_time(0.2):
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    print("ready", flush=True)
    while True:  # calls of compiled code, during which no handler of the main thread can run
        hashlib.pbkdf2_hmac("sha256", b"", b"", 500_000_000)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_command_that_cannot_be_interrupted_is_ended_with_130(number):
    """Neither compiled code that never returns nor a handler that swallows the interruption keeps it alive."""
    command = [sys.executable, "-c", STUBBORN]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(number)
        assert process.wait(30) == EXIT_INTERRUPTED
        assert process.stderr.read() == deadline.SAID


def test_a_block_that_ends_in_time_goes_on():
    """The deadline ends with the block: what follows an interruption that was dealt with is left alone."""
    before = signal.getsignal(signal.SIGTERM)
    threads = threading.active_count()
    with deadline.ending_in_time(60), pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) == before
    assert threading.active_count() <= threads + 1


def test_deadlines_leave_time_for_last_checkpoints():
    """Workers are waited for less long than the command may take, and that is less than the 5 s promised."""
    assert STOP_SECONDS < deadline.DEADLINE_SECONDS < 5
    assert deadline.EXIT_CODE == EXIT_INTERRUPTED
