"""Small studies of one world, judged as any study is, beside the truth about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

import justright as jr
from benchmarks._calibration_training import Engine, Sizes, Trained, Variants, world_rows
from justright.diagnosis import (
    RunEvidence,
    StudyEvidence,
    VariantEvidence,
    judge_study,
    mean_interval,
    paired_interval,
)
from justright.diagnosis.judge import Judgement
from justright.diagnosis.verdicts import UNDECIDED, Verdict

VARIANTS: Variants = {
    "Tiny": (jr.mlp(2), None),
    "Large": (jr.mlp(32, 32), None),
    "L2": (jr.mlp(32, 32, l2=0.003), "Large"),
    "Dropout": (jr.mlp(32, 32, dropout=0.3), "Large"),
    "Both": (jr.mlp(32, 32, l2=0.001, dropout=0.2), "Large"),
}
PARAMETERS = {name: build.parameters(8, 1) for name, (build, _) in VARIANTS.items()}
SIZES = Sizes(train=600, validation=400, pool=20_000, fresh=200_000)
SEEDS = 18  # of each variant in a world: what a study's few seeds are held against
RECIPE = jr.Recipe(batch_size=50, max_epochs=150, patience=20, measure_rows=400)
PLANS_A_WORLD = 2  # studies whose plans are carried out: each is a second judgement


@dataclass(frozen=True)
class Design:
    """How large a study is.

    Args:
        seeds, rows: of each study; test rows come from the world's pool.
        studies: of a world, over different seeds and, while the pool lasts, different rows.
        deals: how often seeds and rows are dealt anew.
    """

    seeds: int
    rows: int
    studies: int
    deals: int = 1

    @property
    def name(self) -> str:
        return f"{self.seeds} x {self.rows:,}"


DESIGNS = (
    Design(3, 2_000, studies=6, deals=8),
    Design(1, 2_000, studies=6),
    Design(3, 20_000, studies=6),
    Design(12, 20_000, studies=1),
)


def calibrate_world(number: int, engine: Engine) -> list[dict[str, Any]]:
    """Return the record of every study of one world."""
    rows, constant = world_rows(number, SIZES)
    seeds = range(1 + 1_000 * number, 1 + 1_000 * number + SEEDS)
    trained = {
        name: engine.train(name, build, rows, seeds=seeds, train_rows=SIZES.train, pool=SIZES.pool)
        for name, (build, _) in VARIANTS.items()
    }
    return judge_world(number, trained, constant)


def judge_world(number: int, trained: dict[str, Trained], constant: float) -> list[dict[str, Any]]:
    """Return the records of all designs' studies of a world that is trained."""
    rng = np.random.default_rng([number, 7])
    records = []
    for design in DESIGNS:
        for deal in range(design.deals):
            order, pool = rng.permutation(SEEDS), rng.permutation(SIZES.pool)
            for study in range(design.studies):
                seeds = order[study * design.seeds : (study + 1) * design.seeds]
                first = study * design.rows % SIZES.pool
                rows = pool[first : first + design.rows]
                chosen = _Study(trained, constant, seeds, rows)
                record = {"world": number, "design": design.name, **chosen.record()}
                if design is DESIGNS[0] and deal == 0 and study < PLANS_A_WORLD:
                    others = (np.setdiff1d(every, mine) for every, mine in ((order, seeds), (pool, rows)))
                    record["plans"] = _carry_out_plans(chosen, *others)
                records.append(record)
    return records


@dataclass(frozen=True)
class _Study:
    """Some seeds and test rows of a world, as a study of their own."""

    trained: dict[str, Trained]
    constant: float
    seeds: np.ndarray
    rows: np.ndarray

    def judge(self) -> Judgement:
        return judge_study(self.evidence())

    def evidence(self) -> StudyEvidence:
        variants = tuple(
            VariantEvidence(
                name,
                PARAMETERS[name],
                tuple(self._run(self.trained[name], int(seed)) for seed in self.seeds),
                baseline=baseline,
                group="regularizers" if baseline else "sizes",
            )
            for name, (_, baseline) in VARIANTS.items()
        )
        return StudyEvidence("binary", "binary_crossentropy", variants, self.constant, len(self.rows), 0)

    def _run(self, one: Trained, seed: int) -> RunEvidence:
        return RunEvidence(
            seed=seed,
            outcome="finished",
            epochs=int(one.epochs[seed]),
            best_epoch=int(one.best_epochs[seed]),
            test_best=one.best[seed, self.rows],
            test_last=one.last[seed, self.rows],
            train_loss_best=float(one.train_best[seed]),
            train_loss_last=float(one.train_last[seed]),
        )

    def record(self) -> dict[str, Any]:
        judgement = self.judge()
        return {
            "margin": judgement.margin,
            "families": self._families(judgement),
            "verdicts": [self._verdict(one, judgement) for one in judgement.verdicts],
            "ranking": self._ranking(judgement),
        }

    def _families(self, judgement: Judgement) -> list[dict[str, Any]]:
        """Return every interval with its truth: [low, high, truth], by family of intervals that hold together."""
        found = []
        for verdict in judgement.verdicts:
            name = verdict.variant
            one = self.trained[name]
            ends = mean_interval(one.best[np.ix_(self.seeds, self.rows)].astype(np.float64))
            found.append(_family("test loss", [(ends, self.truth(one.true_best))]))
            # Where every chosen epoch is the last one, the rise is 0 for these seeds without any error.
            kind = "rise" if verdict.overfit.low < verdict.overfit.high else "no rise"
            found.append(_family(kind, [(verdict.overfit, self.truth(one.true_last - one.true_best))]))
            against = [
                (each.difference, self._true_difference(each.name, name)) for each in verdict.candidates
            ]
            if against:
                found.append(_family("candidates", against))
        effects = [(one, self._true_difference(one.remedy, one.baseline)) for one in judgement.effects]
        found.append(_family("effects", effects))
        cells = np.ix_(self.seeds, self.rows)
        for name, (_, baseline) in VARIANTS.items():
            if baseline:
                differences = (
                    self.trained[name].best[cells].astype(np.float64) - self.trained[baseline].best[cells]
                )
                found.append(
                    _family(
                        "one effect", [(paired_interval(differences), self._true_difference(name, baseline))]
                    )
                )
        return found

    def truth(self, values: np.ndarray) -> float:
        """Return what an interval over these seeds should cover, from (all seeds,) true values.

        With one seed that network's own value. With more, the mean over seeds: that of the others, drawn towards this
        study's by the root of their share, so that its own error adds nothing: `Var(mean of s) = (1 - s / all) x
        Var(mean of s - mean of the others)`.
        """
        own = float(values[self.seeds].mean())
        if len(self.seeds) == 1:
            return own
        others = float(np.delete(values, self.seeds).mean())
        return own - float(np.sqrt(1 - len(self.seeds) / len(values))) * (own - others)

    def _true_difference(self, name: str, other: str) -> float:
        return self.truth(self.trained[name].true_best - self.trained[other].true_best)

    def _verdict(self, verdict: Verdict, judgement: Judgement) -> dict[str, Any]:
        """Return a verdict with the true rise and the true largest gain, means over all seeds."""
        one, margin = self.trained[verdict.variant], judgement.margin
        mean = float(one.true_best.mean())
        rise = float((one.true_last - one.true_best).mean())
        gains = [mean - float(self.trained[each.name].true_best.mean()) for each in verdict.candidates]
        return {
            "variant": verdict.variant,
            "label": verdict.label,
            "has_risen": verdict.overfit is not None and verdict.overfit.is_above(margin),
            "is_better": [each.is_better for each in verdict.candidates],
            "rise": rise / margin,
            "gains": [gain / margin for gain in gains],
        }

    def _ranking(self, judgement: Judgement) -> dict[str, Any]:
        """Return how much worse the first of the ranked remedies truly is than the best, in margins."""
        true = {one.remedy: float(self.trained[one.remedy].true_best.mean()) for one in judgement.effects}
        best = min(true, key=true.__getitem__)
        first = judgement.effects[0].remedy
        tied = [one.remedy for one in judgement.effects if one.is_tied_with_best]
        return {
            "behind": (true[first] - true[best]) / judgement.margin,
            "is_best_among_ties": best in tied,
            "ties": len(tied),
        }


def _family(kind: str, pairs: list[tuple[Any, float]]) -> dict[str, Any]:
    return {"kind": kind, "intervals": [[one.low, one.high, truth] for one, truth in pairs]}


def _carry_out_plans(study: _Study, other_seeds: np.ndarray, other_rows: np.ndarray) -> list[dict[str, Any]]:
    """Return what became of every undecided verdict after what it asked for was added, and whether it asked at all."""
    done = []
    for verdict in study.judge().verdicts:
        if verdict.label != UNDECIDED or verdict.needs is None:
            continue
        needs = verdict.needs
        plans = {
            "seeds": None if needs.more_seeds is None else (needs.more_seeds, 0),
            "rows": None if needs.more_rows is None else (0, needs.more_rows),
            "seeds and rows": needs.together
            if needs.more_seeds is None and needs.more_rows is None
            else None,
        }
        done.append({"what": "anything", "named": any(plans.values()), "decided": None})
        for what, plan in plans.items():
            decided = None
            if plan and any(plan) and plan[0] <= len(other_seeds) and plan[1] <= len(other_rows):
                more_seeds, more_rows = other_seeds[: plan[0]], other_rows[: plan[1]]
                larger = _Study(
                    study.trained,
                    study.constant,
                    np.concatenate([study.seeds, more_seeds]),
                    np.concatenate([study.rows, more_rows]),
                )
                decided = larger.judge().verdict(verdict.variant).label != UNDECIDED
            done.append({"what": what, "named": plan is not None, "decided": decided})
    return done
