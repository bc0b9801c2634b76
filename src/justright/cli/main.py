"""The `justright` command: its subcommands, and the exit code."""

from __future__ import annotations

import os
import platform
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

from justright.cli.checkup.doctor import doctor
from justright.cli.data import data
from justright.cli.deadline import ending_in_time
from justright.cli.diagnose import diagnose
from justright.cli.exit_codes import EXIT_BAD_INPUT, EXIT_BUG, EXIT_CODES, EXIT_INTERRUPTED
from justright.cli.finished.compare import compare
from justright.cli.finished.export import export
from justright.cli.finished.plot import plot
from justright.cli.finished.predict import predict
from justright.cli.finished.report import report
from justright.cli.finished.show import show
from justright.cli.finished.tensorboard import tensorboard
from justright.cli.init import init
from justright.cli.optional_files import OptionalFiles
from justright.cli.run import run
from justright.cli.streams import secure_streams
from justright.errors import InputError, JustrightError, machine_fault
from justright.plugins import plugged_in

HELP = f"""Is this network underfit, overfit, or just right for this table - since when, and what would help?

\b
  justright run                               seven networks on a packaged table, in minutes
  justright run table.csv --target price      your own table
  justright predict runs/table-quick new.csv  what its network says of new rows
  justright diagnose logs/                    a run that another tool trained

{EXIT_CODES}"""


# Fewer open files than this, and libraries crash half-way where they should say no: training alone takes 30.
MIN_OPEN_FILES = 64
COMPLETION_VARIABLE = "_JUSTRIGHT_COMPLETE"  # set by a shell that asks for completions
COMPLETION_OPTIONS = {"--install-completion", "--show-completion"}
NO_SHELL = (
    "Completion needs a command that bash, zsh, fish or PowerShell started. Start it from there, or print what such a shell "
    f"reads at its start: `{COMPLETION_VARIABLE}=source_zsh justright`."
)


class _Group(TyperGroup):
    """The group of commands: however one ends, there is one message and an exit code."""

    def main(self, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401  # Typer's signature
        """Run the command line; what goes wrong before a command starts is told as in a command."""
        with _told():
            given = sys.argv[1:] if options.get("args") is None else options["args"]
            with _completion_told() if COMPLETION_OPTIONS & {*given} else nullcontext():
                return super().main(*arguments, **options)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401  # Typer's signature; its Context is private
        """Return what is left of the arguments after the options; refuse those that no file or page could hold."""
        for argument in args:
            if any("\ud800" <= character <= "\udfff" for character in argument):  # bytes that are not UTF-8
                raise InputError(
                    f"Arguments and names of files must be UTF-8 text; got {argument!r}. Rename the file."
                )
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401  # Typer's signature; its Context is private
        """Run the chosen command."""
        with ending_in_time(), _told():
            _check_open_files()
            return super().invoke(ctx)


@contextmanager
def _told() -> Iterator[None]:
    """Turn what ends a command before its time into one message and an exit code."""
    try:
        yield
    except (SystemExit, GeneratorExit):
        raise
    except KeyboardInterrupt:
        _leave("interrupted.", EXIT_INTERRUPTED)
    except JustrightError as error:
        from justright.report.terminal.text import with_flags

        _leave(with_flags(str(error)), EXIT_BAD_INPUT)
    except BaseException as error:  # also panics of compiled libraries: any other would end with code 1
        if hasattr(error, "exit_code") or isinstance(error, typer.Abort):  # Typer's own
            raise
        if fault := machine_fault(error):
            _leave(fault, EXIT_BAD_INPUT)
        traceback.print_exc()
        _leave(_bug_report(), EXIT_BUG)


@contextmanager
def _completion_told() -> Iterator[None]:
    """Turn what Typer does where completion cannot be installed into our messages and exit codes."""
    try:
        yield
    except SystemExit as left:
        if left.code == 1:  # Typer has said which shell it found
            raise InputError(NO_SHELL) from None
        raise
    except OSError as error:
        raise InputError(
            f"To install completion, {str(error.filename)!r} must be writable; it is not: {error.strerror}. Have the lines "
            "printed by --show-completion, and put them where your shell reads them."
        ) from error


def _leave(message: object, code: int) -> NoReturn:
    from justright.report.terminal.terminal import say_error

    say_error(message)
    sys.exit(code)


def _bug_report() -> str:
    from justright import __version__

    return (
        "this is a bug in justright, not in your input. Please report it with the lines above and the command: "
        f"justright {__version__}, Python {platform.python_version()}, {platform.platform()}."
    )


def _check_open_files() -> None:
    """Raise the limit on open files as far as is allowed; refuse one that is too low."""
    try:
        import resource
    except ImportError:  # not on Windows
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if resource.RLIM_INFINITY in (soft, hard) or soft >= MIN_OPEN_FILES:
        return
    if hard < MIN_OPEN_FILES:
        raise InputError(
            f"At least {MIN_OPEN_FILES} files must be allowed to be open at a time; the limit is {hard}. "
            "Raise it, for instance with `ulimit -n 1024`."
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (MIN_OPEN_FILES, hard))


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
    secure_streams()
    if COMPLETION_VARIABLE in os.environ:
        # Typer then takes help texts as they are: quicker, and Rich would take "[default: ...]" for markup.
        sys.modules["rich"] = None  # type: ignore[assignment]  # what Python takes for "cannot be imported"
    command_line()(args=arguments, prog_name="justright")


def commands() -> tuple[Callable[..., None], ...]:
    """Return every command in the order of the help text; a command is named after its function."""
    return (*COMMANDS, *plugged_in("commands"))


def command_line() -> typer.Typer:
    """Return the command line with all commands; a command's docstring is its help, the first line its summary."""
    app = typer.Typer(
        cls=_Group,
        help=HELP,
        no_args_is_help=True,
        pretty_exceptions_enable=False,  # a bug keeps Python's own traceback, which can be pasted into a report
        rich_markup_mode=None,  # plain help: no markup in examples, and Rich need not be imported for it
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
        callback=_root,
    )
    for command in commands():
        app.command(command.__name__, cls=PARSERS.get(command.__name__, TyperCommand))(command)
    return app


# What comes with the package; plug-ins add theirs.
PARSERS: Mapping[str, type[TyperCommand]] = {"diagnose": OptionalFiles}  # of commands that need their own
COMMANDS: tuple[Callable[..., None], ...] = (
    run,
    show,
    compare,
    predict,
    report,
    plot,
    tensorboard,
    export,
    diagnose,
    data,
    init,
    doctor,
)
