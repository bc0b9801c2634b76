"""Every command and its options as plain data, for tests and documents that must not lag behind."""

from __future__ import annotations

from typing import Any


def list_commands() -> dict[str, tuple[str, ...]]:
    """Return command -> its arguments and options, as they are typed, in the order of the help text.

    Example:
        >>> list_commands()["show"]
        ('DIR', '--json')
    """
    import typer.main

    from justright.cli.main import app

    group: Any = typer.main.get_command(app)
    return {
        name: tuple(_spelling(parameter) for parameter in command.params)
        for name, command in group.commands.items()
    }


def _spelling(parameter: Any) -> str:  # noqa: ANN401  # Typer's Parameter is private
    if parameter.param_type_name == "option":
        return str(parameter.opts[0])
    return str(parameter.metavar or parameter.name).strip("[]")
