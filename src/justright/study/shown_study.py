"""A study in a few lines, and as a card in a notebook."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from justright.data.shown.cards import card, card_table
from justright.data.shown.table_words import split_line, table_facts
from justright.study.families import Family
from justright.study.recipe import Recipe
from justright.study.variant import KerasConfig, Variant

Study = Any  # `study.study.Study`: that file imports this one, and circles are not allowed even for types
MAX_VARIANTS = 12  # with a line each


def study_text(study: Study) -> str:
    """Return what will be trained in a few lines."""
    lines = [f"Study{f'({study.name!r})' if study.name else ''}: {_runs(study)}"]
    lines += [f"  {name}: {value}" for name, value in _facts(study)]
    shown = study.variants[:MAX_VARIANTS]
    width = max(len(one.name) for one in shown)
    lines += [f"  {one.name:{width}}  {_build(one)}" for one in shown]
    more = len(study.variants) - len(shown)
    return "\n".join([*lines, *([f"  and {more:,} more"] if more else [])])


def study_card(study: Study) -> str:
    """Return the HTML of what will be trained: its rows, recipe and variants."""
    shown = study.variants[:MAX_VARIANTS]
    more = len(study.variants) - len(shown)
    rows = [
        [one.name, _build(one), one.baseline or "", _recipe(one.recipe) if one.recipe else ""]
        for one in shown
    ]
    headings = ["variant", "network", "changes", "own recipe"]
    kept = [place for place, _ in enumerate(headings) if place < 2 or any(row[place] for row in rows)]
    table = card_table(
        [headings[place] for place in kept],
        [[row[place] for place in kept] for row in rows],
        texts=len(kept),
        note=f"and {more:,} more variants" if more else "",
    )
    return card(f"Study {study.name}: {_runs(study)}".replace(" :", ":"), _facts(study), table)


def _facts(study: Study) -> list[tuple[str, str]]:
    facts = [
        ("table", split_line(study.split)),
        table_facts(study.split.table)[0],
        ("recipe", _recipe(study.recipe)),
    ]
    if study.train_sizes:
        facts.append(("training sizes", ", ".join(f"{size:,}" for size in study.train_sizes)))
    return facts


def _runs(study: Study) -> str:
    """Return how many runs there are, and of what.

    A study of one network gets neighbours when it runs.
    """
    counts = [(len(study.variants), "variant"), (len(study.seeds), "seed")]
    if len(study.train_sizes) > 1:
        counts.append((len(study.train_sizes), "training size"))
    parts = " x ".join(f"{count:,} {word}{'' if count == 1 else 's'}" for count, word in counts)
    beside = ", and neighbours" if study.neighbours and len(study.variants) == 1 else ""
    return f"{parts}{beside}"


def _recipe(recipe: Recipe) -> str:
    patience = "no early stopping" if recipe.patience is None else f"patience {recipe.patience:,}"
    optimizer = str((recipe.optimizer or {}).get("class_name", "Adam"))
    return f"{optimizer}, batches of {recipe.batch_size:,}, at most {recipe.max_epochs:,} epochs, {patience}"


def _build(variant: Variant) -> str:
    """Return what builds a variant in a few words."""
    if isinstance(variant.build, Family):
        given = (
            f"{field.name}={value!r}"
            for field in fields(variant.build)
            if (value := getattr(variant.build, field.name)) != field.default
        )
        return f"{type(variant.build).__name__}({', '.join(given)})"
    if isinstance(variant.build, KerasConfig):
        return "a Keras model"
    name = str(getattr(variant.build, "__qualname__", type(variant.build).__name__))
    return f"{name.replace('.<locals>', '')}()"
