"""Sweeps: a variant for every combination of the values that arguments of a builder are to take.

Labels need no declaration of what an argument does: they compare the networks that come out, by their parameters and by
what holds their training back. The seeds of a variant share a compiled program, and so do multilayer perceptrons whose widths
round up to the same multiples of 16 (`training/padding.py`). On an accelerator all strengths of a penalty or of dropout are
lanes of one stack (`runs/shared_programs.py`); on a CPU each has stacks of its own.
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import fields
from functools import partial
from itertools import product
from typing import Any

from justright.errors import InputError, check_each_of, raise_together
from justright.study.families import Family, Mlp, mlp
from justright.study.variant import Build, Variant, check_name

MAX_COMBINATIONS = 1_000  # more are a search, which other tools do better
MOST_SHOWN = 4  # names in the text of a grid
SHORT = 8  # characters of a number that are written out
DIGITS = 6  # of longer numbers, unless these make two values look alike
OUTSIDE_NAMES = re.compile(r"[^\w .+()×-]")
ARGUMENT = re.compile(r"(\w+)=(.+?)(?:, (?=\w+=)|$)")
CONSTANTS: Mapping[str, Any] = {"True": True, "False": False, "None": None}


class Grid(dict[str, Variant]):
    """Variants by name, for `Study(split, grid)`.

    Attributes:
        seeds: how many seeds, or which ones, a study of them trains unless it is told otherwise; None for its own default.
    """

    def __init__(self, variants: Mapping[str, Variant], seeds: int | Sequence[int] | None = None) -> None:
        super().__init__(variants)
        self.seeds = seeds

    def __repr__(self) -> str:
        names = list(map(repr, self))
        few = names if len(names) <= MOST_SHOWN else [*names[: MOST_SHOWN - 1], "...", names[-1]]
        return f"Grid({len(names):,} variants: {', '.join(few)}; seeds={self.seeds!r})"


def grid(
    builder: Callable[..., Any], /, *, seeds: int | Sequence[int] | None = None, **arguments: Any
) -> Grid:
    """Return a variant for every combination of the values listed, named after those that vary: 'width=64, l2=0.0001'.

    Args:
        builder: `jr.mlp`, another family, or a function that takes the arguments by name and returns an uncompiled
            `keras.Model`; a function is called where its networks are trained.
        seeds: how many seeds, or which ones, a `Study` of the grid trains, unless it is given its own. An argument of the
            builder with this name cannot be swept.
        arguments: for each argument of the builder a list of values (or a range, or an array of one axis) to try, or one
            value, such as a tuple, that all variants share.

    Raises:
        InputError: the builder does not take an argument or lacks one, a value cannot be named or used, or there are more
            than 1,000 combinations; the message names all that is wrong.

    Example:
        >>> found = grid(mlp, width=[16, 64], l2=[0, 1e-4], dropout=0.5, seeds=3)
        >>> list(found)
        ['width=16, l2=0', 'width=16, l2=0.0001', 'width=64, l2=0', 'width=64, l2=0.0001']
        >>> found["width=64, l2=0.0001"].build == mlp(64, l2=1e-4, dropout=0.5), found.seeds
        (True, 3)
    """
    _check_builder(builder)
    arguments = {
        name: value.tolist() if hasattr(value, "tolist") else value for name, value in arguments.items()
    }
    # NumPy's numbers have become Python's, which a study file can hold.
    values = {
        name: list(value) if isinstance(value, list | range) else None for name, value in arguments.items()
    }
    swept = {name: listed for name, listed in values.items() if listed is not None}
    known, needed = _argument_names(builder)
    *_, labels = raise_together(
        lambda: check_each_of("argument of the builder", arguments, arguments if known is None else known),
        lambda: _check_complete(needed, arguments),
        lambda: _check_count(swept, arguments),
        lambda: raise_together(*(partial(_labels, name, listed) for name, listed in swept.items())),
    )
    shared = {name: value for name, value in arguments.items() if name not in swept}
    made: dict[str, Callable[[], Build]] = {}
    for called, chosen in zip(product(*labels), product(*swept.values()), strict=True):
        name = ", ".join(f"{one}={label}" for one, label in zip(swept, called, strict=True))
        made[name] = partial(_bound, builder, shared | dict(zip(swept, chosen, strict=True)))
    check_name(max(made, key=len))
    return Grid(_variants(made), seeds)


def arguments_in(name: str) -> dict[str, Any] | None:
    """Return the arguments that the name of a grid's variant holds; None if it is another name.

    Example:
        >>> arguments_in("width=64, l2=1e-05, units=(64, 64), activation=elu")
        {'width': 64, 'l2': 1e-05, 'units': '(64, 64)', 'activation': 'elu'}
        >>> arguments_in("Large")
    """
    found = ARGUMENT.findall(name)
    if not found or ", ".join(f"{argument}={label}" for argument, label in found) != name:
        return None
    return {argument: _value_of(label) for argument, label in found}


def _check_builder(builder: object) -> None:
    is_model = hasattr(builder, "to_json") and not isinstance(builder, type)
    if not callable(builder) or is_model or isinstance(builder, Family):
        raise InputError(
            "`builder` must be jr.mlp, another family or a function that takes the arguments by name and returns a "
            f"keras.Model; got {builder!r}. Write jr.grid(jr.mlp, width=[16, 64])."
        )


def _check_complete(needed: Sequence[str], arguments: Collection[str]) -> None:
    missing = [name for name in needed if name not in arguments]
    if missing:
        raise InputError(
            f"Every argument of the builder without a default must be given; {', '.join(map(repr, missing))} "
            f"{'is' if len(missing) == 1 else 'are'} not. Add {missing[0]}=[...]."
        )


def _argument_names(builder: Callable[..., Any]) -> tuple[list[str] | None, list[str]]:
    """Return the arguments that a builder takes by name, None for any, and those that it must be given."""
    if builder is mlp:
        return ["width", "depth", *(one.name for one in fields(Mlp))], []
    try:
        parameters = inspect.signature(builder).parameters.values()
    except (TypeError, ValueError):  # some built-in callables have no signature
        return None, []
    named = [one for one in parameters if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)]
    takes_any = any(one.kind is one.VAR_KEYWORD for one in parameters)
    needed = [one.name for one in named if one.default is one.empty]
    return None if takes_any else [one.name for one in named], needed


def _check_count(swept: Mapping[str, Sequence[Any]], arguments: Mapping[str, Any]) -> None:
    if not swept:
        given = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
        got = f"only {given}, which counts as one value each" if given else "none"
        raise InputError(
            f"At least one argument must be a list of values to try; got {got}. Write width=[16, 64]."
        )
    count = math.prod(map(len, swept.values()))
    if count > MAX_COMBINATIONS:
        sizes = " x ".join(f"{len(listed)} values of {name}" for name, listed in swept.items())
        raise InputError(
            f"A grid must have at most {MAX_COMBINATIONS:,} variants; got {sizes}, {count:,} variants. "
            "List fewer values, or sweep fewer arguments at a time."
        )


def _labels(name: str, values: Sequence[Any]) -> list[str]:
    """Return how variants are named after the values of one argument: each in its own way."""
    if not values:
        raise InputError(f"`{name}` must list at least one value; got none.")
    unnamed = [value for value in values if _label(value, DIGITS) is None]
    if unnamed:
        raise InputError(
            f"`{name}` must list numbers, texts, truth values, None, functions, or tuples of those, after which variants "
            f"can be named; got {', '.join(map(repr, unnamed))}. Give a number or a text, and make the object of it in the "
            "builder."
        )
    found = [_label(value, DIGITS) for value in values]
    if len(set(found)) < len(found):
        found = [_label(value, None) for value in values]
    twice = dict.fromkeys(label for label in found if found.count(label) > 1)
    if twice:
        raise InputError(
            f"`{name}` must list each value once, under a name of its own; got {', '.join(map(repr, twice))} more than once."
        )
    return [str(label) for label in found]


def _label(value: object, digits: int | None) -> str | None:
    """Return a value as part of a name, numbers with so many digits or all; None for one that has no short name."""
    if isinstance(value, bool | int) or value is None:
        return str(value)
    if isinstance(value, float):
        text = (
            f"{value:.0f}" if value == 0 or (value.is_integer() and abs(value) < 10**SHORT) else repr(value)
        )
        return f"{value:.{digits}g}" if digits and len(text) > SHORT else text
    if isinstance(value, str):
        return OUTSIDE_NAMES.sub("_", value).strip(" .") or None
    if isinstance(value, list | tuple):
        parts = [_label(one, digits) for one in value]
        return None if None in parts else f"({'-'.join(map(str, parts))})"
    return OUTSIDE_NAMES.sub("_", value.__name__) if hasattr(value, "__name__") else None


def _bound(builder: Callable[..., Any], arguments: Mapping[str, Any]) -> Build:
    """Return what builds the network of one combination: a family's members are made here, they are plain descriptions."""
    if builder is mlp or (isinstance(builder, type) and issubclass(builder, Family)):
        member: Family = builder(**arguments)
        return member
    bound = partial(builder, **arguments)
    # A study file names the function that builds a variant.
    for name in ("__module__", "__qualname__"):
        setattr(bound, name, getattr(builder, name, "?"))
    return bound


def _variants(made: Mapping[str, Callable[[], Build]]) -> dict[str, Variant]:
    """Return the variants; what is wrong with many of them is said once."""
    found: dict[str, Variant] = {}
    wrong: dict[str, None] = {}
    for name, build in made.items():
        try:
            found[name] = Variant(name, build())
        except InputError as error:
            wrong[str(error)] = None
    if wrong:
        raise InputError(
            " ".join(one for one in wrong if not any(one != other and one in other for other in wrong))
        )
    return found


def _value_of(label: str) -> Any:  # a number, truth value, None or text
    if label in CONSTANTS:
        return CONSTANTS[label]
    for kind in (int, float):
        try:
            return kind(label)
        except ValueError:
            pass
    return label
