"""Small studies of one world, judged as any study is, beside the truth about them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import justright as jr
from benchmarks.calibration.follow_ups import follow_advice
from benchmarks.calibration.power import WorldPower
from benchmarks.calibration.studies import SIZES, VARIANTS, DrawnStudy
from benchmarks.calibration.worlds import Engine, Sizes, Trained, world_rows
from justright.diagnosis.judge import Judgement
from justright.diagnosis.verdicts import Verdict
from justright.statistics.intervals import mean_interval

POOL, FRESH = 50_000, 100_000
SEEDS = 48  # of each variant in a world: the truth about a study's few seeds
MANY_SEEDS = 272  # of each size, where studies have up to 256
MANY_POOL = 100_000  # and up to so many test rows
MANY_FRESH = 400_000  # the truth must be several times as exact: with 50,000 a right interval covered in 89 %
PLANS_A_WORLD = 1  # studies whose `undecided` verdicts are followed up


@dataclass(frozen=True)
class Plenty:
    """How many training rows a world has; training takes 480 steps either way.

    Args:
        train, validation: rows.
        batch_size: of the recipe.
    """

    train: int
    validation: int
    batch_size: int

    def sizes(self, *, pool: int = POOL, fresh: int = FRESH) -> Sizes:
        """Return the rows of a world with so many test rows."""
        return Sizes(train=self.train, validation=self.validation, pool=pool, fresh=fresh)

    @property
    def recipe(self) -> jr.Recipe:
        """60 epochs, without early stopping, so that what overfits does."""
        adam = {"class_name": "Adam", "config": {"learning_rate": 0.005}}
        return jr.Recipe(
            batch_size=self.batch_size, max_epochs=60, patience=None, measure_rows=400, optimizer=adam
        )


AMPLE, SCARCE = Plenty(4_000, 2_000, 500), Plenty(1_000, 1_000, 125)


def plenty(number: int) -> Plenty:
    """Return the kind of a world: the two alternate, shifted every 6 worlds like the noise."""
    return (AMPLE, SCARCE)[(number + number // 6) % 2]


@dataclass(frozen=True)
class Design:
    """How large a study is.

    Args:
        seeds, rows: of each study; test rows come from the world's pool.
        studies: of a world, over different seeds and, while the pool lasts, different rows.
    """

    seeds: int
    rows: int
    studies: int

    @property
    def name(self) -> str:
        return f"{self.seeds} x {self.rows:,}"


DESIGNS = (
    Design(3, 2_000, studies=10),
    Design(1, 2_000, studies=4),
    Design(5, 10_000, studies=6),
    Design(12, 2_000, studies=3),
    Design(12, 20_000, studies=3),
    Design(32, 50_000, studies=1),
)
MANY_DESIGNS = (
    Design(64, 100_000, studies=4),
    Design(128, 100_000, studies=2),
    Design(256, 100_000, studies=1),
)


def calibrate_world(
    number: int, engines: Mapping[Plenty, Engine], *, seeds: int = SEEDS
) -> list[dict[str, Any]]:
    """Return the record of every study of one world."""
    trained, constant = train_world(number, engines, tuple(VARIANTS), seeds=seeds, pool=POOL, fresh=FRESH)
    return judge_world(number, trained, constant, DESIGNS)


def calibrate_sizes(
    number: int, engines: Mapping[Plenty, Engine], *, seeds: int = MANY_SEEDS
) -> list[dict[str, Any]]:
    """Return the record of every large study of one world: the three sizes alone, with many seeds and test rows."""
    trained, constant = train_world(number, engines, SIZES, seeds=seeds, pool=MANY_POOL, fresh=MANY_FRESH)
    return judge_world(number, trained, constant, MANY_DESIGNS)


def train_world(
    number: int, engines: Mapping[Plenty, Engine], names: Sequence[str], *, seeds: int, pool: int, fresh: int
) -> tuple[dict[str, Trained], float]:
    """Return all seeds of each network of a world, and the constant's loss."""
    kind = plenty(number)
    rows, constant = world_rows(number, kind.sizes(pool=pool, fresh=fresh))
    every = range(1 + 1_000 * number, 1 + 1_000 * number + seeds)
    trained = {
        name: engines[kind].train(
            name, VARIANTS[name][0], rows, seeds=every, train_rows=kind.train, pool=pool
        )
        for name in names
    }
    return trained, constant


def engines() -> dict[Plenty, Engine]:
    """Return the engine for each kind of world."""
    return {kind: Engine(kind.recipe) for kind in (AMPLE, SCARCE)}


def judge_world(
    number: int, trained: dict[str, Trained], constant: float, designs: Sequence[Design]
) -> list[dict[str, Any]]:
    """Return the records of all designs' studies of a world that is trained."""
    records = []
    power = WorldPower(trained, constant)
    for design in designs:
        for index, study in enumerate(draw_studies(number, design, trained, constant)):
            judgement = study.judge()
            record = {"world": number, "design": design.name, **judged(study, judgement)}
            record["power"] = power.records(study, judgement)
            if design is DESIGNS[0] and index < PLANS_A_WORLD:
                record["plans"] = follow_advice(study, power.margin)
            records.append(record)
    return records


def draw_studies(
    number: int, design: Design, trained: dict[str, Trained], constant: float
) -> Iterator[DrawnStudy]:
    """Yield studies of a design over seeds of their own; test rows repeat once the pool is used up."""
    rng = np.random.default_rng([number, 7, design.seeds, design.rows])
    count, rows_of_pool = next(iter(trained.values())).best.shape
    seeds, pool = rng.permutation(count), rng.permutation(rows_of_pool)
    for study in range(design.studies):
        first = study * design.rows % len(pool)
        rows = np.take(pool, range(first, first + design.rows), mode="wrap")
        yield DrawnStudy(trained, constant, seeds[study * design.seeds : (study + 1) * design.seeds], rows)


def judged(study: DrawnStudy, judgement: Judgement) -> dict[str, Any]:
    """Return the record of one study."""
    return {
        "margin": judgement.margin,
        "families": _families(study, judgement),
        "verdicts": [_verdict(study, one, judgement) for one in judgement.verdicts],
        "ranking": _ranking(study, judgement) if judgement.effects else None,
    }


def _families(study: DrawnStudy, judgement: Judgement) -> list[dict[str, Any]]:
    """Return every interval with its truth: [low, high, truth], by family of intervals that hold together."""
    found = []
    cells = np.ix_(study.seeds, study.rows)
    for verdict in judgement.verdicts:
        name = verdict.variant
        found.append(_family("test loss", [(verdict.test, study.truth(study.true_losses(name)))]))
        # Where every chosen epoch is the last one, the rise is 0 for these seeds without any error.
        kind = "rise" if verdict.rise.low < verdict.rise.high else "no rise"
        found.append(_family(kind, [(verdict.rise, study.truth(study.true_rises(name)))]))
        against = [(each.difference, study.true_difference(each.name, name)) for each in verdict.candidates]
        if against:
            found.append(_family("candidates", against))
    effects = [(one, study.true_difference(one.remedy, one.baseline)) for one in judgement.effects]
    if effects:
        found.append(_family("effects", effects))
    for name, (_, baseline) in VARIANTS.items():
        if baseline and name in study.trained:
            one, other = study.trained[name], study.trained[baseline]
            differences = mean_interval(one.best[cells].astype(np.float64) - other.best[cells])
            found.append(_family("one effect", [(differences, study.true_difference(name, baseline))]))
    return found


def _family(kind: str, pairs: list[tuple[Any, float]]) -> dict[str, Any]:
    return {"kind": kind, "intervals": [[one.low, one.high, truth] for one, truth in pairs]}


def _verdict(study: DrawnStudy, verdict: Verdict, judgement: Judgement) -> dict[str, Any]:
    """Return a verdict with the true rise and the true largest gain, means over all seeds."""
    margin = judgement.margin
    mean = float(study.true_losses(verdict.variant).mean())
    gains = [mean - float(study.true_losses(each.name).mean()) for each in verdict.candidates]
    return {
        "variant": verdict.variant,
        "label": verdict.label,
        "has_risen": verdict.rise is not None and verdict.rise.is_above(margin),
        "is_better": [each.is_better for each in verdict.candidates],
        "rise": float(study.true_rises(verdict.variant).mean()) / margin,
        "gains": [gain / margin for gain in gains],
    }


def _ranking(study: DrawnStudy, judgement: Judgement) -> dict[str, Any]:
    """Return how much worse the first of the ranked remedies truly is than the best, in margins."""
    true = {one.remedy: float(study.true_losses(one.remedy).mean()) for one in judgement.effects}
    best = min(true, key=true.__getitem__)
    first = judgement.effects[0].remedy
    tied = [one.remedy for one in judgement.effects if one.is_tied_with_best]
    return {
        "behind": (true[first] - true[best]) / judgement.margin,
        "is_best_among_ties": best in tied,
        "ties": len(tied),
    }
