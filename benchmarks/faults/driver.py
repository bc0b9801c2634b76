"""The command line as the faults benchmark starts it, in a process of its own or in a fork."""

from __future__ import annotations

import os


def run_command(words: list[str]) -> None:
    """Run the command line as users have it, with a time that counts as hung, and with a largest file if one is given."""
    import justright.session.session as running
    from justright.cli.main import main

    if (
        "FILE_BYTES" in os.environ
    ):  # the largest file that this process and its workers may write: a full disk
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (int(os.environ["FILE_BYTES"]),) * 2)
    original, hang_seconds = running.run_study, float(os.environ["HANG_SECONDS"])
    running.run_study = lambda *given, **named: original(*given, **named, hang_seconds=hang_seconds)
    main(words)
