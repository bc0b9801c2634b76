"""Parameters of commands, made from the fields of the option classes in `justright.session.options`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, get_type_hints

import typer

from justright.cli.completions import OF_OPTIONS
from justright.session.options import Options, descriptions, flag_of


def takes_options(order: Sequence[str] = ()) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return a decorator for commands with parameters that are option classes: the command line takes their fields.

    A parameter of the command's own with an option's name describes that option for this command.

    Args:
        order: names of the options that come first in the help text. The others follow in the order of their classes,
            then the command's own.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = inspect.signature(command).parameters
        hints = get_type_hints(command)
        groups = {
            name: kind
            for name, kind in hints.items()
            if name in own and isinstance(kind, type) and issubclass(kind, Options)
        }
        parameters = {name: one for kind in groups.values() for name, one in _parameters(kind).items()}
        parameters |= {
            name: one.replace(annotation=hints[name], kind=inspect.Parameter.KEYWORD_ONLY)
            for name, one in own.items()
            if name not in groups
        }

        def with_fields(**values: Any) -> None:
            options = {
                group: kind(**{name: values[name] for name in descriptions(kind) if name in values})
                for group, kind in groups.items()
            }
            command(**options, **{name: values[name] for name in own if name not in groups})

        names = dict.fromkeys((*order, *parameters))
        with_fields.__name__, with_fields.__doc__ = command.__name__, command.__doc__
        with_fields.__annotations__ = {name: parameters[name].annotation for name in names}
        with_fields.__signature__ = inspect.Signature([parameters[name] for name in names])  # type: ignore[attr-defined]  # inspect reads it
        return with_fields

    return decorate


def _parameters(kind: type[Options]) -> dict[str, inspect.Parameter]:
    """Return the parameters of a class's options that the command line has, as Typer reads them."""
    hints, defaults = get_type_hints(kind), kind()
    found = {}
    for name, described in descriptions(kind).items():
        if described.help is None:
            continue
        declared: dict[str, Any] = {"help": described.help, "metavar": described.metavar or None}
        if name in OF_OPTIONS:
            declared["autocompletion"] = OF_OPTIONS[name]
        if described.least is not None:
            declared["min"] = described.least
        default = getattr(defaults, name)
        info = (
            typer.Argument(default, **declared)
            if described.is_argument
            else typer.Option(default, flag_of(kind, name), **declared)
        )
        found[name] = inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=info, annotation=hints[name]
        )
    return found
