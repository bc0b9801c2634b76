"""Options that take the place of what a study file says: in the study's recipe, and in those of its variants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

from justright.session.options import StudyOptions
from justright.study.directions import LONGER_TRAINING
from justright.study.recipe import Recipe
from justright.study.remedy import NEIGHBOUR_GROUP
from justright.study.study import FIRST_SEED, MAX_SEEDS

LIMITS = ("max_epochs", "patience")  # what a variant that trains longer has more of
ENDING_SCHEDULES = ("CosineDecay",)  # they end at the epoch limit for which they were made

Described = Mapping[str, Mapping[str, Any]]


def with_options(spec: Mapping[str, Any], asked: StudyOptions) -> dict[str, Any]:
    """Return a study file's values, overridden by the options that were given."""
    values, recipe, variants = dict(spec), asked.given(Recipe), spec.get("variants")
    if asked.neighbours is not None:
        values["neighbours"] = asked.neighbours
    if asked.weighted_rows is not None:
        values["weighted_rows"] = asked.weighted_rows
    if isinstance(variants, Mapping) and all(isinstance(one, Mapping) for one in variants.values()):
        kept = _without_neighbours(variants) if asked.neighbours is False else variants
        values["variants"] = _with_recipe(kept, Recipe.from_dict(spec.get("recipe", {})), recipe)
    if recipe:
        values["recipe"] = Recipe.from_dict(dict(spec.get("recipe", {})) | recipe).to_dict()
    if asked.seeds is not None:
        values["seeds"] = _counted_seeds(spec.get("seeds"), asked.seeds)
    return values


def _without_neighbours(variants: Described) -> Described:
    """Return the variants without neighbours, unless something else is a change of one."""
    changed = {one.get("baseline") for one in variants.values()}
    return {
        name: one
        for name, one in variants.items()
        if name in changed or "baseline" not in one or one.get("group") != NEIGHBOUR_GROUP
    }


def _with_recipe(variants: Described, before: Recipe, given: Mapping[str, Any]) -> Described:
    """Return the variants with options of the recipe also in recipes of their own, where those are as the study's.

    What trains so many times longer than its baseline still does.
    """
    if not given:
        return variants
    own = {name: Recipe.from_dict(one["recipe"]) for name, one in variants.items() if "recipe" in one}
    after = {name: replace(recipe, **_unlike(recipe, before, given)) for name, recipe in own.items()}
    for name, one in variants.items():
        if name in own and one.get("change") == LONGER_TRAINING:
            was = own.get(str(one.get("baseline")), before)
            now = after.get(str(one.get("baseline")), replace(before, **given))
            limits = {
                limit: round(getattr(own[name], limit) * getattr(now, limit) / getattr(was, limit))
                for limit in LIMITS
                if limit in given and None not in (getattr(own[name], limit), getattr(was, limit))
            }
            after[name] = replace(after[name], **limits)
    return {
        name: {**one, "recipe": after[name].to_dict()} if name in after else one
        for name, one in variants.items()
    }


def _unlike(own: Recipe, study: Recipe, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that replace those of a variant's own recipe: where it does as the study does.

    A schedule that ends at the epoch limit keeps it.
    """
    rate = (own.optimizer or {}).get("config", {}).get("learning_rate")
    ends = isinstance(rate, Mapping) and rate.get("class_name") in ENDING_SCHEDULES
    return {
        name: value
        for name, value in given.items()
        if getattr(own, name) == getattr(study, name) and not (ends and name == "max_epochs")
    }


def _counted_seeds(listed: object, count: int) -> int | list[Any]:
    """Return `count` seeds: those that a study lists, then the smallest others, so that a higher count only adds runs.

    Example:
        >>> _counted_seeds([0, 1, 5], 5), _counted_seeds([4, 5], 1), _counted_seeds(None, 3)
        ([0, 1, 5, 2, 3], [4], 3)
    """
    if not isinstance(listed, list) or not 1 <= count <= MAX_SEEDS:
        return count
    others = (seed for seed in range(FIRST_SEED, MAX_SEEDS + len(listed)) if seed not in listed)
    return [*listed[:count], *islice(others, max(count - len(listed), 0))]
