"""The exit codes of commands."""

from __future__ import annotations

EXIT_VERDICT = 1  # a verdict named by --fail-on was met
EXIT_BAD_INPUT = 2  # as Typer's own usage errors
EXIT_INTERRUPTED = 130  # 128 + SIGINT, as shells have it
