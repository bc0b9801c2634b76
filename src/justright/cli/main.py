"""The `justright` command: its subcommands, and the exit code."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperGroup

from justright.cli.data import data
from justright.cli.deadline import ending_in_time
from justright.cli.diagnose import diagnose
from justright.cli.exit_codes import EXIT_BAD_INPUT, EXIT_INTERRUPTED
from justright.cli.init import init
from justright.cli.report import report
from justright.cli.run import run
from justright.cli.show import show
from justright.errors import JustrightError
from justright.plugins import plugged_in

HELP = """Is this network underfit, overfit, or just right for this table - since when, and what would help?

\b
  justright run                               seven networks on a packaged table, in minutes
  justright run table.csv --target price      your own table
  justright diagnose logs/                    a run that another tool trained

Exit codes: 0 done, 1 a --fail-on verdict was met, 2 bad input, 130 interrupted (the same command resumes)."""


class _Group(TyperGroup):
    """The group of commands, which turns the package's own errors into one message and an exit code."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401  # Typer's signature; its Context is private
        """Run the chosen command; anything but bad input and Ctrl-C keeps its traceback."""
        with ending_in_time():
            try:
                return super().invoke(ctx)
            except JustrightError as error:
                from justright.report.terminal.terminal import say_error
                from justright.report.terminal.text import with_flags

                say_error(with_flags(str(error)))
                raise typer.Exit(EXIT_BAD_INPUT) from error
            except KeyboardInterrupt as interrupt:
                from justright.report.terminal.terminal import say_error

                say_error("interrupted.")
                raise typer.Exit(EXIT_INTERRUPTED) from interrupt


def _print_version(value: bool) -> None:
    if value:
        from justright import __version__

        typer.echo(f"justright {__version__}")
        raise typer.Exit


def _root(
    version: bool = typer.Option(
        False, "--version", callback=_print_version, is_eager=True, help="Print the version."
    ),
) -> None:
    """Take the options that come before a command."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; exits with one of `justright.cli.exit_codes`."""
    _tolerate_any_encoding()
    command_line()(args=arguments, prog_name="justright")


def _tolerate_any_encoding() -> None:
    """Make stdout and stderr replace what their encoding cannot hold instead of raising UnicodeEncodeError."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def commands() -> tuple[Callable[..., None], ...]:
    """Return every command in the order of the help text; a command is named after its function."""
    return (*COMMANDS, *plugged_in("commands"))


def command_line() -> typer.Typer:
    """Return the command line with all commands; a command's docstring is its help, the first line its summary."""
    app = typer.Typer(
        cls=_Group,
        help=HELP,
        no_args_is_help=True,
        add_completion=False,  # would add two options to every help text; --help is quick enough
        pretty_exceptions_enable=False,  # a bug keeps Python's own traceback, which can be pasted into a report
        rich_markup_mode=None,  # plain help: no markup in examples, and Rich need not be imported for it
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
        callback=_root,
    )
    for command in commands():
        app.command(command.__name__)(command)
    return app


# What comes with the package; plug-ins add theirs.
COMMANDS: tuple[Callable[..., None], ...] = (run, show, report, diagnose, data, init)
