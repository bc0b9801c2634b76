"""Small studies of one world, judged as any study is, beside the truth about them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import justright as jr
from benchmarks.calibration.follow_ups import follow_advice
from benchmarks.calibration.power import WorldPower
from benchmarks.calibration.studies import SIZES, TREES, VARIANTS, DrawnStudy
from benchmarks.calibration.truths import verdict_record
from benchmarks.calibration.worlds import Engine, Rivals, Sizes, Trained, make_world
from justright.diagnosis.judge import Judgement
from justright.statistics.intervals import mean_interval

POOL, FRESH = 50_000, 100_000
SEEDS = 48  # of each variant in a world: the truth about a study's few seeds
MANY_SEEDS = 272  # of each size, where studies have up to 256
MANY_POOL = 100_000  # and up to so many test rows
MANY_FRESH = 400_000  # the truth must be several times as exact: with 50,000 a right interval covered in 89 %
PLANS_A_WORLD = 1  # studies whose `undecided` verdicts are followed up
EPOCHS, SHORT_EPOCHS = 60, 5
LONGER_SEEDS = 16  # of each variant, trained for as many epochs again: the truth about longer training
SHORT_SEEDS, SHORT_POOL, SHORT_FRESH = 24, 20_000, 50_000  # of worlds with short trainings


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

    def recipe(self, epochs: int) -> jr.Recipe:
        """Return a recipe without early stopping, so that what overfits does."""
        adam = {"class_name": "Adam", "config": {"learning_rate": 0.005}}
        return jr.Recipe(
            batch_size=self.batch_size, max_epochs=epochs, patience=None, measure_rows=400, optimizer=adam
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
        tied: how many of them are judged again with all networks tied.
    """

    seeds: int
    rows: int
    studies: int
    tied: int = 1

    @property
    def name(self) -> str:
        return f"{self.seeds} x {self.rows:,}"


DESIGNS = (
    Design(3, 2_000, studies=10, tied=4),
    Design(1, 2_000, studies=4, tied=4),
    Design(5, 10_000, studies=6, tied=3),
    Design(12, 2_000, studies=3, tied=2),
    Design(12, 20_000, studies=3, tied=2),
    Design(32, 50_000, studies=1),
)
SHORT_DESIGNS = (
    Design(3, 2_000, studies=6),
    Design(1, 2_000, studies=4),
    Design(5, 10_000, studies=2),
    Design(12, 20_000, studies=1),
)
MANY_DESIGNS = (
    Design(64, 100_000, studies=4),
    Design(128, 100_000, studies=2),
    Design(256, 100_000, studies=1),
)


Engines = Mapping[tuple[Plenty, int], Engine]  # by kind of world and number of epochs


@dataclass(frozen=True)
class Results:
    """What one world was trained to, from which any number of studies can be drawn.

    Args:
        trained: all seeds of every variant.
        rivals: the constant prediction and the teacher.
        longer: variant -> (some seeds,) true gains of training for longer; empty where that was not measured.
    """

    trained: Mapping[str, Trained]
    rivals: Rivals
    longer: Mapping[str, np.ndarray]


def train_world(number: int, engines: Engines, *, seeds: int = SEEDS) -> Results:
    """Return a world with all its variants, and what as many epochs again would gain."""
    training = Training(number, engines, seeds=seeds, pool=POOL, fresh=FRESH)
    trained = training.until(EPOCHS)
    later = training.until(2 * EPOCHS, after=trained, seeds=LONGER_SEEDS)
    longer = {name: one.true_best[:LONGER_SEEDS] - later[name].true_best for name, one in trained.items()}
    return training.results(trained, longer)


def train_sizes(number: int, engines: Engines, *, seeds: int = MANY_SEEDS) -> Results:
    """Return a world with the three sizes alone, with many seeds and test rows."""
    training = Training(number, engines, names=SIZES, seeds=seeds, pool=MANY_POOL, fresh=MANY_FRESH)
    return training.results(training.until(EPOCHS), {})


def train_short(number: int, engines: Engines, *, seeds: int = SHORT_SEEDS) -> Results:
    """Return a world that was trained for a few epochs only, and what more would gain."""
    training = Training(number, engines, seeds=seeds, pool=SHORT_POOL, fresh=SHORT_FRESH)
    trained = training.until(SHORT_EPOCHS)
    later = training.until(EPOCHS, after=trained)
    longer = {name: one.true_best - later[name].true_best for name, one in trained.items()}
    return training.results(trained, longer)


class Training:
    """The networks of one world, trained until several epochs.

    Args:
        number: of the world.
        engines: which train.
        names: of the variants.
        seeds: of each variant.
        pool, fresh: test rows, and rows for the truth.
    """

    def __init__(
        self,
        number: int,
        engines: Engines,
        *,
        names: Sequence[str] = tuple(VARIANTS),
        seeds: int,
        pool: int,
        fresh: int,
    ) -> None:
        self.kind, self.engines, self.names = plenty(number), engines, names
        self.seeds = range(1 + 1_000 * number, 1 + 1_000 * number + seeds)
        self.world = make_world(number, self.kind.sizes(pool=pool, fresh=fresh))
        self.rivals = self.world.rivals

    def until(
        self, epochs: int, *, after: Mapping[str, Trained] | None = None, seeds: int | None = None
    ) -> dict[str, Trained]:
        """Return the first seeds (all by default) of each network after so many epochs, going on from earlier ones."""
        engine = self.engines[self.kind, epochs]
        return {
            name: engine.train(
                name,
                VARIANTS[name][0],
                self.world,
                seeds=self.seeds[:seeds],
                train_rows=self.kind.train,
                after=after and after[name],
            )
            for name in self.names
        }

    def results(self, trained: Mapping[str, Trained], longer: Mapping[str, np.ndarray]) -> Results:
        """Return what studies are drawn from."""
        kept = {name: replace(one, state=None) for name, one in trained.items()}
        return Results(kept, self.rivals, longer)


def make_engines() -> Engines:
    """Return the engine for each kind of world and number of epochs."""
    return {
        (kind, epochs): Engine(kind.recipe(epochs))
        for kind in (AMPLE, SCARCE)
        for epochs in (SHORT_EPOCHS, EPOCHS, 2 * EPOCHS)
    }


def judge_world(number: int, world: Results, designs: Sequence[Design] = DESIGNS) -> list[dict[str, Any]]:
    """Return the records of all designs' studies of a world, as it is and with all networks tied."""
    records = []
    power = WorldPower(world.trained, world.rivals)
    for design in designs:
        for index, study in enumerate(draw_studies(number, design, world)):
            judgement = study.judge()
            record = {"world": number, "design": design.name, **judged(study, judgement)}
            record["power"] = power.records(study, judgement)
            if index < design.tied:
                tied = study.tied()
                record["tied"] = verdict_records(tied, tied.judge())
            if design is designs[0] and index < PLANS_A_WORLD:
                record["plans"] = follow_advice(study, power.margin)
            records.append(record)
    return records


def judge_sizes(number: int, world: Results) -> list[dict[str, Any]]:
    """Return the records of the large studies of a world of three sizes."""
    return judge_world(number, world, MANY_DESIGNS)


def judge_short(number: int, world: Results) -> list[dict[str, Any]]:
    """Return the records of studies of a world that was trained for a few epochs."""
    return [
        {"world": number, "design": design.name, **judged(study, study.judge())}
        for design in SHORT_DESIGNS
        for study in draw_studies(number, design, world)
    ]


def draw_studies(number: int, design: Design, world: Results) -> Iterator[DrawnStudy]:
    """Yield studies of a design over seeds of their own; test rows repeat once the pool is used up."""
    rng = np.random.default_rng([number, 7, design.seeds, design.rows])
    count, rows_of_pool = next(iter(world.trained.values())).best.shape
    seeds, pool = rng.permutation(count), rng.permutation(rows_of_pool)
    for study in range(design.studies):
        first = study * design.rows % len(pool)
        rows = np.take(pool, range(first, first + design.rows), mode="wrap")
        mine = seeds[study * design.seeds : (study + 1) * design.seeds]
        yield DrawnStudy(world.trained, world.rivals, mine, rows, longer=world.longer)


def judged(study: DrawnStudy, judgement: Judgement) -> dict[str, Any]:
    """Return the record of one study."""
    return {
        "margin": judgement.margin,
        "families": _families(study, judgement),
        "verdicts": verdict_records(study, judgement),
        "ranking": _ranking(study, judgement) if judgement.effects else None,
    }


def verdict_records(study: DrawnStudy, judgement: Judgement) -> list[dict[str, Any]]:
    """Return every verdict beside its truth."""
    return [verdict_record(study, one, judgement.margin) for one in judgement.verdicts]


def _families(study: DrawnStudy, judgement: Judgement) -> list[dict[str, Any]]:
    """Return every interval with its truth: [low, high, truth], by family of intervals that hold together."""
    found = []
    cells = np.ix_(study.seeds, study.rows)
    for verdict in judgement.verdicts:
        name, end = verdict.variant, verdict.end
        found.append(_family("test loss", [(verdict.test, study.truth(study.true_losses(name)))]))
        # Where every chosen epoch is the last one, the rise is 0 for these seeds without any error.
        kind = "rise" if end.rise.low < end.rise.high else "no rise"
        found.append(_family(kind, [(end.rise, study.truth(study.true_rises(name)))]))
        exactly = study.truth(study.trained[name].rises)
        found.append(_family("exact " * (kind == "rise") + kind, [(end.raw_rise, exactly)]))
        against = [(one.gain, study.true_difference(name, one.name)) for one in verdict.found.variants]
        if against:
            found.append(_family("alternatives", against))
        trees = [one.gain for one in verdict.headroom if one.name == TREES]
        lowest = study.rivals.true_teacher - study.trees_gain
        beyond = study.truth(study.true_losses(name)) - lowest
        found.append(_family("headroom", [(gain, beyond) for gain in trees]))
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
