"""Where the readings of logs go besides the terminal: pages, Markdown and plots, which never replace what is not theirs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from justright.cli.optional_files import STANDARD_OUTPUT
from justright.data.pipes import is_pipe
from justright.errors import FolderError, InputError

if TYPE_CHECKING:
    from justright.session.reading import Reading

# Stands in all that is written here: a file that has it may be replaced.
MARK = b"justright diagnose"
MAX_REPORT_BYTES = 100_000_000  # a larger file is none of ours
PLOT_ENDINGS = (".png", ".svg", ".pdf")


@dataclass(frozen=True, slots=True)
class LogOutputs:
    """The outputs asked for, checked before anything is read.

    Args:
        logs: what is read.
        as_json: whether standard output is JSON.
        markdown: file for Markdown, '-' for standard output; None for none.
        html: the same for a page.
        plots: files for a plot: one at most.
        watch: whether the log is read again and again.
    """

    logs: Sequence[str]
    as_json: bool = False
    markdown: str | None = None
    html: str | None = None
    plots: Sequence[Path] = ()
    watch: bool = False

    def __post_init__(self) -> None:
        printed = [
            name
            for name, is_printed in (
                ("--json", self.as_json),
                ("--markdown", self.markdown == STANDARD_OUTPUT),
                ("--html", self.html == STANDARD_OUTPUT),
            )
            if is_printed
        ]
        if len(printed) > 1:
            raise InputError(
                f"Standard output takes one form; got {' and '.join(printed)}. Name a FILE for the others."
            )
        if self.watch and printed:
            raise InputError(
                f"`--watch` prints short answers; got {printed[0]} beside it. Name a FILE, which is written again each time."
            )
        if self.watch and (len(self.logs) > 1 or is_pipe(self.logs[0])):
            raise InputError(
                f"`--watch` follows one file or folder; got {', '.join(map(repr, self.logs))}. Call it for one of them."
            )
        if len(self.plots) > 1:
            raise InputError(f"`--plot` takes one FILE; got {', '.join(str(file) for file in self.plots)}.")
        if self.plot is not None:
            if self.plot.suffix.lower() not in PLOT_ENDINGS:
                raise InputError(
                    f"`--plot` takes a FILE that ends in {', '.join(PLOT_ENDINGS)}; got {str(self.plot)!r}."
                )
            if len(self.logs) > 1:
                raise InputError(f"`--plot` draws one log; got {len(self.logs)}. Call it for each of them.")
        for option, file in (("--markdown", self.markdown), ("--html", self.html), ("--plot", self.plot)):
            if file not in (None, STANDARD_OUTPUT):
                _check_file(option, Path(str(file)), self.logs)

    @property
    def plot(self) -> Path | None:
        """File for a plot; None for none."""
        return next(iter(self.plots), None)

    @property
    def is_told(self) -> bool:
        """Whether the answer is printed for people."""
        return not self.as_json and STANDARD_OUTPUT not in (self.markdown, self.html)

    def write(self, reading: Reading) -> list[Path]:
        """Write everything asked for, and return the files.

        Raises:
            FolderError: a file cannot be written.
            InputError: nothing can be drawn.
        """
        from justright.report.terminal.terminal import write_json

        if self.as_json:
            write_json(reading.to_dict())
        written = []
        for file, text in ((self.markdown, reading.markdown), (self.html, reading.html)):
            if file == STANDARD_OUTPUT:
                sys.stdout.write(text())
                sys.stdout.flush()
            elif file is not None:
                _write(Path(file), text().encode())
                written.append(Path(file))
        if self.plot is not None:
            _write(self.plot, _drawn(reading, self.plot.suffix.lower().removeprefix(".")))
            written.append(self.plot)
        return written


def runs_that_met(reading: Reading, labels: Sequence[str]) -> str:
    """Return the runs that have one of the labels of `--fail-on`, in words; earlier attempts do not count."""
    met = [f"{run.name} {run.label}" for run in reading.runs if run.label in labels and not run.is_earlier]
    return "; ".join(met)


def _check_file(option: str, file: Path, logs: Sequence[str]) -> None:
    """Refuse to replace a log, or any file that is not of this command's making.

    Raises:
        InputError: it would.
    """
    for log in logs:
        if file == Path(log) or (file.exists() and Path(log).exists() and file.samefile(log)):
            raise InputError(f"`{option}` must not replace the log; got {str(file)!r}. Name another file.")
    if file.is_dir():
        raise InputError(f"`{option}` takes a file; {str(file)!r} is a folder. Name a file in it.")
    if file.exists() and file.stat().st_size and not _is_ours(file):
        raise InputError(
            f"`{option}` must not replace a file of other origin; {str(file)!r} is one. Name another file, or delete it."
        )


def _is_ours(file: Path) -> bool:
    return file.stat().st_size <= MAX_REPORT_BYTES and MARK in file.read_bytes()


def _drawn(reading: Reading, kind: str) -> bytes:
    """Return a plot of the run that counts, as the content of a file."""
    from io import BytesIO

    from justright.report.logs.log_plot import log_figure

    content = BytesIO()
    key = "Software" if kind == "png" else "Creator"
    log_figure(reading.run).savefig(content, format=kind, dpi=150, metadata={key: MARK.decode()})
    return content.getvalue()


def _write(file: Path, content: bytes) -> None:
    from justright.records.files import write_atomically

    try:
        write_atomically(file, content)
    except OSError as error:
        raise FolderError(f"A report must be writable; {str(file)!r} is not: {error.strerror}.") from None
