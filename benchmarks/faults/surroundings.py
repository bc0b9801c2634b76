"""Faults of what surrounds a command: its output, its limits, its clock, and a bug of our own."""

from __future__ import annotations

import os
from collections.abc import Callable

from benchmarks.faults.commands import Command, Place
from benchmarks.faults.driver import BUG, CLOSED_PIPE
from benchmarks.faults.kinds import Seen, is_refused, lost

OPEN_FILES = 20
REPORT_BYTES = 4 * 2**30
EXIT_BUG = 70  # EX_SOFTWARE of sysexits.h
QUIET_ENDS = (0, 141)  # 141 is 128 + SIGPIPE, as shells have it
YEARS_SECONDS = 50 * 365.25 * 86_400
# Found by Python at its start, in every process that has its folder on the import path.
CLOCK = f"""
import time

now = time.time
time.time = lambda: now() - {YEARS_SECONDS}
"""


def closed_pipe(place: Place, out: str) -> Seen:
    """Nobody reads what commands print, as behind `| head -1`: they end quietly, and a study is complete."""
    run = place.start(out, STDOUT=CLOSED_PIPE)
    code, said = worst([run, *readers(place, STDOUT=CLOSED_PIPE)], is_quiet)
    return Seen(code, said, is_quiet(code, said), lost(place, out))


def full_output(place: Place, out: str) -> Seen:
    """The disk that takes what commands print is full: they say so, and a study is complete."""
    run = place.start(out, STDOUT="/dev/full")
    code, said = worst([run, *readers(place, STDOUT="/dev/full")], is_refused)
    return Seen(code, said, is_refused(code, said), lost(place, out))


def few_files(place: Place, out: str) -> Seen:
    """Twenty open files do not suffice for a study: it is refused, and goes on without the limit."""
    code, said = place.start(out, is_forked=False, OPEN_FILES=str(OPEN_FILES)).end()
    again, what = place.start(out).end()
    return Seen(
        code,
        said,
        is_refused(code, said),
        lost(place, out) if again == 0 else [f"ended with {again}: {what}"],
    )


def clock_before_1980(place: Place, out: str) -> Seen:
    """The clock says 1976, a year that ZIP files, and so saved models, cannot have."""
    folder = place.path / "clock"
    folder.mkdir(exist_ok=True)
    (folder / "sitecustomize.py").write_text(CLOCK)
    path = os.pathsep.join((str(folder), os.environ["PYTHONPATH"]))
    code, said = place.start(out, is_forked=False, PYTHONPATH=path).end()
    return Seen(code, said, code == 0, lost(place, out))


def report_in_little_memory(place: Place, out: str) -> Seen:
    """`justright report` where a process may address no more than 4 GB."""
    report = place.command(
        ["report", "undisturbed"], "undisturbed", is_forked=False, ADDRESS_BYTES=str(REPORT_BYTES)
    )
    (place.path / "undisturbed" / "report.html").unlink()
    code, said = report.end()
    return Seen(code, said, code == 0 and (place.path / "undisturbed" / "report.html").is_file())


def bug(place: Place, out: str) -> Seen:
    """An error that nobody expects has an exit code of its own, and keeps its traceback."""
    code, said = place.start(out, BUG="1").end()
    return Seen(code, said, code == EXIT_BUG and f"RuntimeError: {BUG}" in said)


def readers(place: Place, **environment: str) -> list[Command]:
    """Start the commands that print about a study, a table or themselves."""
    commands = (["show", "undisturbed"], ["data", "rows.csv", "--target", "label"], ["--help"])
    return [place.command(list(words), "undisturbed", **environment) for words in commands]


def worst(commands: list[Command], is_right: Callable[[int, str], bool]) -> tuple[int, str]:
    """Return how the first command ended that did not end as it should; how the last one did if all did."""
    ends = [command.end() for command in commands]
    return next((end for end in ends if not is_right(*end)), ends[-1])


def is_quiet(code: int, said: str) -> bool:
    """Whether a command ended without a word."""
    return code in QUIET_ENDS and not said


KINDS: dict[str, Callable[[Place, str], Seen]] = {
    "closed pipe": closed_pipe,
    "output full": full_output,
    "few open files": few_files,
    "clock before 1980": clock_before_1980,
    "report in 4 GB": report_in_little_memory,
    "bug": bug,
}
