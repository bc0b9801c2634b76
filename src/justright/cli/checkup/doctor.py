"""`justright doctor`: what this machine and installation can do, and what is missing."""

from __future__ import annotations

from dataclasses import asdict

import typer

from justright.cli.exit_codes import EXIT_TROUBLE


def doctor(
    as_json: bool = typer.Option(
        False, "--json", help="Print what was found as JSON to stdout, and nothing else there."
    ),
) -> None:
    """Say what networks train on here, and what is missing.

    Versions, devices, memory, precision, processors, disk and caches; then each trouble with the command that mends it. Exits
    with 1 if one of them stops training.

    \b
    Examples:
      justright doctor
      justright doctor --json > doctor.json
    """  # noqa: D301  # a real backspace: click then keeps the lines that follow
    from justright.cli.checkup.examination import examine
    from justright.cli.checkup.shown_examination import print_examination
    from justright.cli.checkup.troubles import find_troubles
    from justright.report.terminal.terminal import progress, results, write_json
    from justright.workers.accelerators import may_have_accelerators

    if may_have_accelerators() and not as_json:
        progress().say("Asking JAX for its devices: some drivers take 20 seconds to wake.")
    found = examine()
    troubles = find_troubles(found)
    if as_json:
        write_json(found | {"troubles": [asdict(trouble) for trouble in troubles]})
    else:
        print_examination(results(), found, troubles)
    if any(trouble.stops_training for trouble in troubles):
        raise typer.Exit(EXIT_TROUBLE)
