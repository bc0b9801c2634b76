"""Standard streams that are closed, full or no longer read: never a traceback, and no other exit code."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from justright.cli.streams import SafeOutput
from justright.errors import InputError

FULL = Path("/dev/full")
PROGRAM = "import sys; from justright.cli.main import main; main(sys.argv[1:])"
NO_ROOM = (
    "justright: Standard output must be writable; it is not: No space left on device. "
    "Free some space, or send the output elsewhere.\n"
)


def start(*arguments, **options):
    """Run the command in a process of its own."""
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments], text=True, timeout=60, check=False, **streams
    )


@pytest.mark.skipif(not FULL.exists(), reason="only Linux has a device that is always full")
@pytest.mark.parametrize(
    ("arguments", "unbuffered"),
    [(["--help"], ""), (["--version"], "1"), (["diagnose"], ""), (["diagnose", "--json"], "1")],
)
def test_a_full_disk_behind_stdout_is_one_sentence(arguments, unbuffered, log):
    """Texts of ours, of Typer and of Rich alike, whether Python collects them or not."""
    given = [*arguments, log] if arguments[0] == "diagnose" else arguments
    with FULL.open("w") as full:
        done = start(*given, stdout=full, env=os.environ | {"PYTHONUNBUFFERED": unbuffered})
    assert (done.returncode, done.stderr) == (2, NO_ROOM)


@pytest.mark.skipif(not FULL.exists(), reason="only Linux has a device that is always full")
def test_a_full_disk_behind_stderr_changes_no_exit_code(log):
    """A study must not end because its progress cannot be written."""
    with FULL.open("w") as full:
        assert start("train", stderr=full).returncode == 2
        assert start("diagnose", log, stderr=full).returncode == 0


@pytest.mark.parametrize("arguments", [["--help"], ["diagnose"], ["diagnose", "--json"]])
def test_a_reader_that_has_left_changes_neither_output_nor_exit_code(arguments, log):
    """`justright diagnose ... | head -1`: no traceback follows, and `set -o pipefail` sees success."""
    read_end, write_end = os.pipe()
    os.close(read_end)
    given = [*arguments, log] if arguments[0] == "diagnose" else arguments
    done = start(*given, stdout=write_end)
    os.close(write_end)
    assert (done.returncode, done.stderr) == (0, "")


def test_closed_streams_are_as_good_as_nothing(log):
    """And no file takes their numbers."""
    command = [sys.executable, "-c", PROGRAM, "diagnose", log, "--json"]
    done = subprocess.run(["/bin/sh", "-c", '"$@" <&- >&- 2>&-', "sh", *command], timeout=60, check=False)
    assert done.returncode == 0


def test_too_few_open_files_are_refused_before_anything_is_read(log):
    """Libraries crash half-way where they should say no."""
    command = [sys.executable, "-c", PROGRAM, "diagnose", log]
    done = subprocess.run(
        ["/bin/sh", "-c", 'ulimit -n 20; exec "$@"', "sh", *command],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "justright: At least 64 files must be allowed to be open at a time; the limit is 20. "
        "Raise it, for instance with `ulimit -n 1024`.\n"
    )


class Broken(io.StringIO):
    """A stream without a file, on a broken disk."""

    def write(self, text: str) -> int:
        """Fail."""
        raise OSError(5, "Input/output error")

    def fileno(self) -> int:
        """Return a number that may be given away."""
        return os.open(os.devnull, os.O_WRONLY)


def test_only_results_must_be_written():
    """What is said beside them is dropped."""
    assert SafeOutput(Broken(), is_result=False).write("a line") == 0
    with pytest.raises(
        InputError, match=r"^Standard output must be writable; it is not: Input/output error\."
    ):
        SafeOutput(Broken(), is_result=True).write("a line")
