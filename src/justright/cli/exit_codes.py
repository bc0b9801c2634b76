"""The exit codes of commands: each says one thing, whatever the command."""

from __future__ import annotations

EXIT_VERDICT = 1  # a verdict named by --fail-on was met, and nothing else
EXIT_TROUBLE = 1  # of `doctor` alone: something stops training here
EXIT_BAD_INPUT = 2  # as Typer's own usage errors: input, files or the machine do not allow what was asked
EXIT_NOTHING_MEASURED = 3  # a study has ended, and not one of its runs has a best epoch
EXIT_BUG = 70  # EX_SOFTWARE of sysexits.h: justright itself went wrong, with a traceback
EXIT_INTERRUPTED = 130  # 128 + SIGINT, as shells have it

# For the help text, which documents repeat.
EXIT_CODES = (
    f"Exit codes: 0 done, {EXIT_VERDICT} a --fail-on verdict was met (doctor: training cannot work), {EXIT_BAD_INPUT} bad input, "
    f"{EXIT_NOTHING_MEASURED} no run could be measured, {EXIT_BUG} a bug in justright, "
    f"{EXIT_INTERRUPTED} interrupted (the same command resumes). A reader that leaves early, such as head, changes none."
)
