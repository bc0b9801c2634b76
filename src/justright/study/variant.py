"""A variant: a named model builder, with its recipe where that differs from the study's."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from justright.data.checks import is_finite_number, listed
from justright.data.read_options import Task
from justright.errors import InputError, in_short, raise_together
from justright.study.families import Family
from justright.study.own_models.architecture import architecture_of
from justright.study.own_models.compiled_model import compiled_options, without_task_loss
from justright.study.recipe import Recipe

MAX_NAME_LENGTH = 80  # a name becomes a folder and a table cell
# Each is built before anything trains, trained for seconds at least, and a line of every table: more are a search for
# hyperparameters, for which this is not made.
MAX_VARIANTS = 2_000
# A name becomes part of file names, which have at most 255 bytes on common file systems; 135 are kept for the rest: training
# size, seeds, epoch and ending of a checkpoint, and the mark of a file that is still being written.
MAX_NAME_BYTES = 120
# Names become folders and cells: letters, digits and a few marks, never a path separator or a control character.
NAME_PATTERN = re.compile(r"[^\W_][\w .,+=()×-]*", re.UNICODE)
# Where classes of PyTorch's networks are defined.
TORCH_MODULES = "torch."


@dataclass(frozen=True, slots=True)
class KerasConfig:
    """A Keras model as its JSON configuration: architecture without weights.

    Args:
        json: the text from `keras.Model.to_json()`.
    """

    json: str


@dataclass(frozen=True, slots=True)
class CompiledConfig(KerasConfig):
    """The configuration of a model that was compiled; `Study` makes a recipe of how.

    Args:
        options: those options of a recipe that it was compiled with.
    """

    # Functions of a user may be among them, which neither compare nor hash by what they compute.
    options: Mapping[str, Any] = field(default_factory=dict, compare=False)

    def recipe(self, name: str, own: Recipe | None, study: Recipe, task: Task) -> Recipe:
        """Return how a variant is trained: as its own recipe or the study's says, but as it was compiled.

        Args:
            name: the variant's.
            own: its own recipe, if any.
            study: the study's.
            task: the table's, whose loss is minimised, and recorded, without being named.

        Raises:
            InputError: its own recipe has an optimizer, a loss, metrics or logits of its own.
        """
        options = without_task_loss(self.options, task)
        plain = Recipe()
        twice = [
            option
            for option in self.options
            if own is not None and getattr(own, option) not in (getattr(plain, option), options.get(option))
        ]
        if twice:
            raise InputError(
                f"Variant {name!r} is a compiled keras.Model, which says its {listed(twice, most=len(twice))}; its recipe says "
                "another. Leave it out of the recipe, or pass the model uncompiled."
            )
        return replace(study if own is None else own, **options)


Build = Family | KerasConfig | Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Variant:
    """A named model builder and, if it differs from the study's, its recipe.

    Args:
        name: at most 80 letters, digits, spaces or `_.,+=()-`; becomes a folder name.
        build: a family member such as `mlp(16)`, a callable without arguments that returns an untrained
            `keras.Model`, or a `keras.Model`, of which only the architecture is taken and, if it is compiled, its
            optimizer, loss and metrics.
        recipe: None takes the study's; how a model was compiled takes the place of those options.
        baseline: name of the variant this one changes by one thing (a remedy), if any.
        group: variants of one group share a figure in the report.
        remedy: what it changes in its baseline, by its name in the catalogue. Variants with the same baseline and remedy are
            its strengths, of which validation rows choose one. Empty: a remedy of its own.
        strength: of the remedy; None if it has only one.
        change: what the change adds, for verdicts: 'more capacity', 'less regularization' ..., or empty.

    Raises:
        InputError: the name cannot be a folder name, `build` cannot build a model, or a remedy has no baseline.
    """

    name: str
    build: Build
    recipe: Recipe | None = None
    baseline: str | None = None
    group: str = ""
    remedy: str = ""
    strength: float | None = None
    change: str = ""

    def __post_init__(self) -> None:
        raise_together(
            partial(check_name, self.name),
            *(partial(self._check_text, field) for field in ("group", "remedy", "change")),
            self._check_role,
            lambda: object.__setattr__(self, "build", _as_build(self.name, self.build)),
            self._check_recipe,
        )

    def _check_text(self, field: str) -> None:
        if not isinstance(getattr(self, field), str):
            raise InputError(
                f"The {field} of variant {self.name!r} must be a text; got {getattr(self, field)!r}."
            )

    def _check_role(self) -> None:
        if self.strength is not None and not is_finite_number(self.strength):
            raise InputError(
                f"The strength of variant {self.name!r} must be a finite number; got {self.strength!r}."
            )
        if self.remedy and self.baseline is None:
            raise InputError(
                f"Variant {self.name!r} is a remedy ({self.remedy}) and must name its `baseline`; got None."
            )

    def _check_recipe(self) -> None:
        if self.recipe is not None and not isinstance(self.recipe, Recipe):
            raise InputError(
                f"The recipe of variant {self.name!r} must be a Recipe or None; got {self.recipe!r}. "
                "Write Recipe(batch_size=32)."
            )


def check_name(name: object) -> None:
    """Raise InputError unless `name` can name a variant, and so a folder and a table cell.

    Example:
        >>> check_name("L2 + dropout")
    """
    usable = (
        isinstance(name, str)
        and len(name) <= MAX_NAME_LENGTH
        and NAME_PATTERN.fullmatch(name) is not None
        and name == name.strip()
        and not name.endswith(".")
    )
    if not usable:
        raise InputError(
            f"A variant's name must be 1 to {MAX_NAME_LENGTH} letters, digits, spaces or '_.,+=()-', beginning with a "
            f"letter or digit; got {name!r}."
        )
    taken = len(str(name).encode())
    if taken > MAX_NAME_BYTES:
        raise InputError(
            f"A variant's name must take at most {MAX_NAME_BYTES} bytes in UTF-8, since it becomes part of file names; "
            f"{name!r} takes {taken}. Shorten it."
        )


def as_variants(variants: object) -> tuple[Variant, ...]:
    """Return a mapping of names to builders, or a sequence of variants, as a tuple of `Variant`.

    Raises:
        InputError: there is none, or two names differ only in case (they would share a folder on some systems).
    """
    if isinstance(variants, Mapping):
        members = tuple(raise_together(*(partial(_as_variant, *item) for item in variants.items())))
    elif isinstance(variants, str) or not isinstance(variants, Iterable):
        raise InputError(
            f"`variants` must map names to builders, or hold Variant objects; got {variants!r}. Write for instance "
            f"variants={{'Mine': justright.mlp(64)}}; built-in studies are trained by `justright run TABLE --study NAME`."
        )
    else:
        members = tuple(variants)
    if len(members) > MAX_VARIANTS:
        raise InputError(
            f"`variants` must hold at most {MAX_VARIANTS:,} variants; got {len(members):,}. Split the study into several."
        )
    for member in members:
        if not isinstance(member, Variant):
            raise InputError(
                f"`variants` must hold Variant objects or map names to builders; got {member!r}. Write for instance "
                "variants={'Mine': justright.mlp(64)}."
            )
    if not members:
        raise InputError("`variants` must hold at least one variant; got none.")
    seen: dict[str, str] = {}
    for member in members:
        key = member.name.casefold()
        if key in seen:
            raise InputError(
                f"Variant names must differ, and not only in case; got {seen[key]!r} and {member.name!r}."
            )
        seen[key] = member.name
    return members


def _as_variant(name: str, value: Any) -> Variant:
    return value if isinstance(value, Variant) else Variant(name, value)


def _as_build(name: str, build: object) -> Build:
    """Return `build` as something that can be stored or sent to a worker."""
    if isinstance(build, Family | KerasConfig):
        return build
    is_class = isinstance(build, type)  # of models: a builder
    if not is_class and hasattr(build, "to_json") and hasattr(build, "stateless_call"):
        return _as_config(name, build)
    check_is_keras(f"Variant {name!r}", build)
    if callable(build):
        _check_no_arguments(name, build)
        return build
    raise InputError(
        f"Variant {name!r} must be built by a family such as mlp(16), a callable or a keras.Model; got {build!r}."
    )


def check_is_keras(what: str, model: object) -> None:
    """Raise InputError if a network is one of PyTorch, which is called like a function, but makes no Keras model.

    Args:
        what: names it in the message, such as "Variant 'Mine'".
        model: anything.
    """
    kinds = type.mro(model) if isinstance(model, type) else type(model).__mro__
    is_keras = any(kind.__module__.startswith("keras.") for kind in kinds)
    if not is_keras and any(kind.__module__.startswith(TORCH_MODULES) for kind in kinds):
        own = model.__name__ if isinstance(model, type) else type(model).__name__
        raise InputError(
            f"{what} must be a network of Keras; {own} is one of PyTorch. Write its layers with keras.layers, or train it as "
            "you do, and have its log read: justright diagnose LOG."
        )


def _as_config(name: str, model: Any) -> KerasConfig:
    """Return the configuration of a model, with how it was compiled."""
    try:
        json = architecture_of(model)
    except (NotImplementedError, TypeError, ValueError) as error:
        kind = type(model).__name__
        raise InputError(
            f"Variant {name!r} must be a model that Keras can describe; {kind} is not: {in_short(error)} "
            f"Pass a function that makes it: lambda: {kind}(...)."
        ) from error
    if not getattr(model, "compiled", False):
        return KerasConfig(json)
    try:
        return CompiledConfig(json, compiled_options(model))
    except InputError as error:
        raise InputError(
            f"Variant {name!r} cannot be trained as it was compiled. {error} Or pass it uncompiled, with a Recipe."
        ) from error


def _check_no_arguments(name: str, build: Callable[..., Any]) -> None:
    try:
        parameters = inspect.signature(build).parameters.values()
    except (TypeError, ValueError):  # some built-in callables have no signature
        return
    required = [
        parameter.name
        for parameter in parameters
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    if required:
        raise InputError(
            f"The builder of variant {name!r} must be callable without arguments; it requires {required!r}. "
            "Wrap it: lambda: build(...)."
        )
