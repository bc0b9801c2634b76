"""The neighbours of a network: one wider, one narrower, one with dropout, one that trains for longer.

A verdict says what is wrong by what would help, so that a study of one network has nothing to say without them. Each changes
one thing about the network, and all else stays: preprocessing, output, optimizer, recipe.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from justright.errors import InputError
from justright.study import changes
from justright.study.directions import LESS_CAPACITY, LONGER_TRAINING, MORE_CAPACITY, REGULARIZATION
from justright.study.families import MAX_UNITS, Mlp
from justright.study.keras_edits import has_dropout, is_plain, scaled, with_dropout, with_l2
from justright.study.remedy import NEIGHBOUR_GROUP, Facts
from justright.study.variant import Build, KerasConfig, Variant, check_name

TIMES = 2  # as many units, or half of them: a change that shows, and that most networks can afford
DROPPED = 0.3
# Without hidden layers there is nothing to drop. About what logistic regression is given by default elsewhere on some hundred
# rows (C = 1 is a factor of 1 / 2 rows).
LINEAR_L2 = 0.01
STRONGER = 10  # of a penalty or decay that is there already
DECAY = 1.0  # the middle of the catalogue's strengths of AdamW
# The ladder takes the place of networks whose widths cannot be changed. Fewer units than its smallest network has would
# be a bottleneck, and not more capacity.
LADDER = "Ladder"
LADDER_DEPTH = 2
LEAST_WIDER = 16

# Change -> the changed network and its name.
Builds = Mapping[str, tuple[str, Build]]


@dataclass(frozen=True, slots=True)
class ChangedModel:
    """A callable that builds a model from its description, with the layer classes of a user's own builder.

    Args:
        builder: builds the model that was changed; its classes may be known to nobody else.
        json: Keras' description of the changed model.
    """

    builder: Callable[[], Any]
    json: str

    def __call__(self) -> Any:  # a keras.Model; Keras is not imported here
        """Return the untrained model."""
        import keras

        classes = {kind.__name__: kind for kind in _classes([self.builder()])}
        named = {keras.saving.get_registered_name(kind): kind for kind in classes.values()}
        return keras.models.model_from_json(self.json, custom_objects=classes | named)


def neighbours(network: Variant, facts: Facts, builds: Builds | None = None) -> tuple[Variant, ...]:
    """Return the neighbours of a network, each with the network as its baseline.

    Args:
        network: what is changed; must be in the study as well.
        facts: about the study.
        builds: its changed networks, where it is no member of a family; see `keras_builds`.

    Example:
        >>> from justright.study.recipe import Recipe
        >>> facts = Facts("binary", ("a", "b"), 1_000, Recipe(max_epochs=60, patience=10))
        >>> made = neighbours(Variant("Mine", Mlp((64, 32))), facts)
        >>> [(one.name, one.build.units, one.build.dropout, facts.recipe_of(one).max_epochs) for one in made][
        ...     :2
        ... ]
        [('Wider', (128, 64), 0.0, 60), ('Narrower', (32, 16), 0.0, 60)]
        >>> [(one.name, one.build.units, one.build.dropout, facts.recipe_of(one).max_epochs) for one in made][
        ...     2:
        ... ]
        [('With dropout', (64, 32), 0.3, 60), ('Longer', (64, 32), 0.0, 120)]
    """
    if builds is None:
        if not isinstance(network.build, Mlp):
            raise InputError(
                f"The neighbours of variant {network.name!r} must be given as `builds`, since it is of no family; got None."
            )
        builds = _family_builds(network.build)
    made = [
        _named(replace(network, build=build), name, change, network)
        for change, (name, build) in builds.items()
    ]
    if REGULARIZATION not in builds:
        decay = facts.optimizer_of(network).get("config", {}).get("weight_decay") or DECAY / STRONGER
        made.append(
            _named(
                changes.weight_decay(network, decay * STRONGER, facts),
                *("With weight decay", REGULARIZATION, network),
            )
        )
    longer = changes.longer_training(network, TIMES, facts)
    return (*made, _named(longer, "Longer", LONGER_TRAINING, network))


def keras_builds(
    config: str,
    size: int,
    *,
    count: Callable[[Build], int | None],
    features: int,
    outputs: int,
    builder: Callable[[], Any] | None = None,
) -> Builds:
    """Return the changed networks of a Keras model that is no member of a family.

    Where its widths cannot be changed, networks of the ladder with about twice and half as many parameters stand in.

    Args:
        config: Keras' description of the model; empty if there is none.
        size: its parameters.
        count: build -> the parameters of the model that it builds; None if none comes out that fits the table.
        features: inputs per row.
        outputs: outputs per row.
        builder: what builds the model, for the classes of its layers; None for one that was given as a description.
    """

    def built_from(text: str) -> Build:
        return KerasConfig(text) if builder is None or is_plain(text) else ChangedModel(builder, text)

    found: dict[str, tuple[str, Build]] = {}
    for name, change, factor in (("Wider", MORE_CAPACITY, TIMES), ("Narrower", LESS_CAPACITY, 1 / TIMES)):
        tries = [(name, built_from(one)) for one in scaled(config, factor)]
        tries += [
            (f"{LADDER} {name.lower()}", one)
            for one in _ladder_network(size * factor, features, outputs, factor)
        ]
        for called, build in tries:
            parameters = count(build)
            if parameters is not None and (parameters - size) * (factor - 1) > 0:
                found[change] = called, build
                break
    more = "More dropout" if has_dropout(config) else "With dropout"
    for called, text in ((more, with_dropout(config, DROPPED)), ("With L2", with_l2(config, LINEAR_L2))):
        if text and count(built_from(text)) == size:
            found[REGULARIZATION] = called, built_from(text)
            break
    return found


def add_apart(variants: Sequence[Variant], made: Iterable[Variant], *, of: str) -> tuple[Variant, ...]:
    """Return the variants and those made for `of` that are not among them, under names that differ.

    Example:
        >>> mine = [Variant("Mine", Mlp((4,))), Variant("wider", Mlp((9,)))]
        >>> made = [Variant("Wider", Mlp((8,)), baseline="Mine", group=NEIGHBOUR_GROUP, change=MORE_CAPACITY)]
        >>> found = add_apart(mine, made, of="Mine")
        >>> [one.name for one in found], add_apart(found, made, of="Mine") == found
        (['Mine', 'wider', 'Wider (Mine)'], True)
    """
    known = {_role(one) for one in variants if one.baseline == of}
    found, taken = list(variants), {one.name.casefold() for one in variants}
    for one in made:
        if _role(one) not in known:
            found.append(replace(one, name=_free_name(one.name, taken, of)))
            taken.add(found[-1].name.casefold())
    return tuple(found)


def without_wider(variants: Sequence[Variant]) -> tuple[Variant, ...]:
    """Return the variants without the wider neighbours.

    Example:
        >>> made = [Variant("Wider", Mlp((8,)), baseline="Mine", group=NEIGHBOUR_GROUP, change=MORE_CAPACITY)]
        >>> [one.name for one in without_wider([Variant("Mine", Mlp((4,))), *made])]
        ['Mine']
    """
    return tuple(
        one for one in variants if not (one.group == NEIGHBOUR_GROUP and one.change == MORE_CAPACITY)
    )


def neighbours_sentence(variants: Sequence[Variant]) -> str | None:
    """Return what is said about the neighbours in a study; None if it has none."""
    names = [one.name for one in variants if one.group == NEIGHBOUR_GROUP]
    if not names:
        return None
    beside = " and ".join(sorted({repr(one.baseline) for one in variants if one.group == NEIGHBOUR_GROUP}))
    counted = "1 neighbour is" if len(names) == 1 else f"{len(names)} neighbours are"
    return f"{counted} trained beside {beside}, to show what would help: {', '.join(names)}; --no-neighbours leaves them out."


def ladder_sentence(variants: Sequence[Variant]) -> str | None:
    """Return why networks of the ladder are among the neighbours; None if there are none."""
    names = [
        one.name for one in variants if one.group == NEIGHBOUR_GROUP and one.name.startswith(f"{LADDER} ")
    ]
    if not names:
        return None
    beside = next(one.baseline for one in variants if one.name == names[0])
    are = "is a network" if len(names) == 1 else "are networks"
    return (
        f"The widths of {beside!r} cannot be changed in Keras' description of it: {' and '.join(names)} {are} of dense "
        "layers instead, with other numbers of parameters."
    )


def _family_builds(network: Mlp) -> Builds:
    """Return the changed networks of a family's member."""
    found: dict[str, tuple[str, Build]] = {}
    wider = tuple(min(TIMES * width, MAX_UNITS) for width in network.units)
    narrower = tuple(max(1, round(width / TIMES)) for width in network.units)
    if not network.units:
        found[MORE_CAPACITY] = f"{LADDER} wider", replace(network, units=(LEAST_WIDER,))
        stronger = network.l2 * STRONGER or LINEAR_L2
        found[REGULARIZATION] = "With L2", replace(network, l2=stronger)
        return found
    if wider != network.units:
        found[MORE_CAPACITY] = "Wider", replace(network, units=wider)
    if narrower != network.units:
        found[LESS_CAPACITY] = "Narrower", replace(network, units=narrower)
    share = round(1 - (1 - network.dropout) * (1 - DROPPED), 6)
    name = "More dropout" if network.dropout else "With dropout"
    found[REGULARIZATION] = name, replace(network, dropout=share)
    return found


def _ladder_network(parameters: float, features: int, outputs: int, factor: float) -> list[Mlp]:
    """Return the ladder's network with about so many parameters, in a list; empty if it would have no unit."""
    linear = (
        features + LADDER_DEPTH + outputs
    )  # of units**2 + linear * units + outputs, for two layers of as many units
    inner = (linear / 2) ** 2 + parameters - outputs
    units = round(math.sqrt(inner) - linear / 2) if inner > 0 else 0
    least = LEAST_WIDER if factor > 1 else 1
    return [Mlp((min(max(units, least), MAX_UNITS),) * LADDER_DEPTH)] if units >= 1 or factor > 1 else []


def _named(variant: Variant, name: str, change: str, network: Variant) -> Variant:
    return replace(
        variant,
        name=name,
        baseline=network.name,
        group=NEIGHBOUR_GROUP,
        remedy="",
        strength=None,
        change=change,
    )


def _role(variant: Variant) -> tuple[Any, ...]:
    """Return what tells variants of one baseline apart: a neighbour has one for each change, a remedy for each strength."""
    return (
        (variant.group, variant.change)
        if variant.group == NEIGHBOUR_GROUP
        else (variant.remedy, variant.strength)
    )


def _free_name(name: str, taken: Collection[str], of: str) -> str:
    """Return `name`, or one made of it, that nothing else has and that is not too long."""
    numbered = (f"{name} {number}" for number in range(2, len(taken) + 3))
    return next(
        one for one in (name, f"{name} ({of})", *numbered) if one.casefold() not in taken and _is_name(one)
    )


def _is_name(name: str) -> bool:
    try:
        check_name(name)
    except InputError:
        return False
    return True


def _classes(layers: Iterable[Any]) -> Iterable[type]:
    """Yield the classes of layers, and of the layers in them."""
    for layer in layers:
        yield type(layer)
        yield from _classes(getattr(layer, "layers", ()))
