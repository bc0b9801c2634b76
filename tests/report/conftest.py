"""A realistic study without training: the tutorial's seven networks, three seeds each, with U-shaped curves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
import pytest

from justright.records.reader import RunRecord
from justright.report import render_html, summarise
from justright.runs.events import RunKey, VariantBuilt

LOSS, SCORE = "binary_crossentropy", "accuracy"
# Name -> (parameters, floor of the validation loss, epochs to get there, rise an epoch after it, epochs trained, group).
NETWORKS: Mapping[str, tuple[int, float, float, float, int, str]] = {
    "Tiny": (481, 0.586, 60.0, 0.0, 2_400, "sizes"),
    "Small": (753, 0.584, 45.0, 0.000002, 1_100, "sizes"),
    "Medium": (10_241, 0.592, 9.0, 0.0012, 262, "sizes"),
    "Large": (803_329, 0.594, 2.0, 0.0075, 209, "sizes"),
    "L2": (803_329, 0.572, 12.0, 0.0004, 420, "regularizers"),
    "Dropout": (803_329, 0.566, 10.0, 0.0009, 330, "regularizers"),
    "Combined": (803_329, 0.541, 30.0, 0.0, 900, "regularizers"),
}
LABELS = dict(
    zip(
        NETWORKS,
        ("underfits", "underfits", "overfits", "overfits", "overfits", "overfits", "just right"),
        strict=True,
    )
)
MARGIN = 0.0011
# Name -> what decides each direction, as on HIGGS: the alternative, its kind, its gain, and half the interval of that.
Decided = tuple[str, str, float, float]
EARLIER, BRAKED, BRAKE = "an earlier end", "capacity with regularization", "regularization"
TIGHTER: Mapping[str, Decided] = {
    "Tiny": ("Early stopping", EARLIER, 0.0002, 0.0004),
    "Small": ("Early stopping", EARLIER, 0.0005, 0.0009),
    "Medium": ("Early stopping", EARLIER, 0.1432, 0.0089),
    "Large": ("Early stopping", EARLIER, 0.3021, 0.0152),
    "L2": ("Combined", BRAKE, 0.0316, 0.0061),
    "Dropout": ("Combined", BRAKE, 0.0258, 0.0058),
    "Combined": ("Early stopping", EARLIER, 0.0003, 0.0006),
}
FREER: Mapping[str, Decided] = {
    "Tiny": ("Combined", BRAKED, 0.0421, 0.0052),
    "Small": ("Combined", BRAKED, 0.0408, 0.0054),
    "Medium": ("Combined", BRAKED, 0.0502, 0.0058),
    "Large": ("Longer training", "longer training", -0.0201, 0.0102),
    "L2": ("Large", "less regularization", -0.0213, 0.0065),
    "Dropout": ("Large", "less regularization", -0.0271, 0.0065),
    "Combined": ("Large", "less regularization", -0.0529, 0.0066),
}
HEADROOM = {
    "Tiny": 0.048,
    "Small": 0.047,
    "Medium": 0.055,
    "Large": 0.057,
    "L2": 0.035,
    "Dropout": 0.029,
    "Combined": 0.0027,
}
ANSWERS = {
    "Tiny": "underfits: more capacity with regularization (Combined) lowers its test loss by 0.0421 [0.0369, 0.0473].",
    "Small": "underfits: more capacity with regularization (Combined) lowers its test loss by 0.0408 [0.0354, 0.0462].",
    "Medium": (
        "overfits after epoch 32: at its end the test loss is 0.1432 [0.1343, 0.1521] above that at its best epochs 26 to 28, whose "
        "weights are saved; it also underfits: more capacity with regularization (Combined) lowers its test loss by 0.0502 "
        "[0.0444, 0.0560]."
    ),
    "Large": (
        "overfits after epoch 10: at its end the test loss is 0.302 [0.287, 0.317] above that at its best epochs 5 to 6, whose "
        "weights are saved; regularization (Combined) lowers it by a further 0.0529 [0.0463, 0.0595]."
    ),
    "L2": "overfits: regularization (Combined) lowers its test loss by 0.0316 [0.0255, 0.0377].",
    "Dropout": "overfits: regularization (Combined) lowers its test loss by 0.0258 [0.0200, 0.0316].",
    "Combined": "is just right: nothing freer or tighter that was measured lowers its test loss by more than the margin 0.00110.",
}  # fmt: skip


class FakeReader:
    """A store in memory with the three methods a report reads."""

    def __init__(self, runs: list[RunRecord], variants: list[VariantBuilt], curves: pl.DataFrame) -> None:
        self._runs, self._variants, self._curves = runs, variants, curves

    def runs(self) -> list[RunRecord]:
        """Return every run."""
        return self._runs

    def variants(self) -> list[VariantBuilt]:
        """Return the variants."""
        return self._variants

    def get_meta(self, key: str, default: object = None) -> object:
        """Return the default: nothing else is recorded."""
        return default

    def curves(self) -> pl.DataFrame:
        """Return the curves."""
        return self._curves


def make_curve(name: str, seed: int, *, epochs: int | None = None) -> dict[str, np.ndarray]:
    """Return the metrics of one run of a network in `NETWORKS`, (epochs,) each."""
    _, floor, pace, rise, length, _ = NETWORKS[name]
    rng = np.random.default_rng([seed, len(name), ord(name[0])])
    epoch = np.arange(epochs or length + 17 * seed)
    gain = 0.12 * np.exp(-epoch / pace)
    turned = np.maximum(0, epoch - 3 * pace)
    noise = rng.normal(0, 0.0015, (3, len(epoch)))
    val = floor + gain + rise * turned * (1.4 if rise else 1) + noise[0] * (1 + 3 * (rise > 0.001))
    train = floor + gain - 0.008 - 0.6 * (1 - np.exp(-rise * turned)) * 0.9 + 0.3 * noise[1]
    fixed = np.where(
        (epoch < 20) | (epoch % 10 == 0) | (epoch == epoch[-1]), train - 0.002 + noise[2] * 0.5, np.nan
    )
    accuracy = {
        "accuracy": 0.70 - (train - 0.58) * 0.6,
        "val_accuracy": 0.695 - (val - 0.585) * 0.35,
        "fixed_accuracy": 0.70 - (fixed - 0.58) * 0.6,
    }
    penalty = 0.4 * np.exp(-epoch / 40) if name in ("L2", "Combined") else 0.0
    return {
        "loss": train + penalty,
        LOSS: train,
        **accuracy,
        "val_loss": val + penalty,
        f"val_{LOSS}": val,
        f"fixed_{LOSS}": fixed,
        "learning_rate": 0.001 / (1 + epoch / 1000),
    }


def make_run(name: str, seed: int, metrics: Mapping[str, np.ndarray]) -> RunRecord:
    """Return the record of a run with these curves; test losses lie a little above validation losses."""
    val = metrics[f"val_{LOSS}"]
    best, last = int(np.argmin(val)), len(val) - 1
    at = [{key: float(values[epoch]) for key, values in metrics.items()} for epoch in (best, last)]
    test = [{LOSS: found[f"val_{LOSS}"] + 0.029, SCORE: found["val_accuracy"] - 0.02} for found in at]
    return RunRecord(
        run=RunKey(name, seed, 10_000),
        worker="worker-1",
        outcome="stopped early",
        reason="No better val_binary_crossentropy for 200 epochs.",
        epochs=last + 1,
        best_epoch=best,
        train_seconds=0.002 * (last + 1),
        best=at[0],
        last=at[1],
        test=test[0],
        test_last=test[1],
        model_path=f"models/{name}/seed-{seed}.keras",
    )


def make_reader(
    seeds: int = 3, names: tuple[str, ...] = tuple(NETWORKS), epochs: int | None = None
) -> FakeReader:
    """Return a store of `seeds` runs of each named network."""
    curves = {(name, seed): make_curve(name, seed, epochs=epochs) for name in names for seed in range(seeds)}
    frames = [
        pl.DataFrame(
            {
                "variant": name,
                "seed": seed,
                "train_rows": 10_000,
                "epoch": np.arange(len(metrics["loss"])),
                **metrics,
            }
        )
        for (name, seed), metrics in curves.items()
    ]
    variants = [
        VariantBuilt(
            name, NETWORKS[name][0], f'Model: "{name}"\n┏━━━━━━━━┓\n┃ dense  ┃\n┗━━━━━━━━┛', "{}", ()
        )
        for name in names
    ]
    runs = [make_run(name, seed, metrics) for (name, seed), metrics in curves.items()]
    return FakeReader(runs, variants, pl.concat(frames))


def make_study(names: tuple[str, ...] = tuple(NETWORKS), seeds: int = 3) -> dict[str, Any]:
    """Return the parsed study.toml of those networks."""
    variants = {
        name: {"family": "mlp", "units": [16], "group": NETWORKS[name][5]}
        | ({"baseline": "Large"} if NETWORKS[name][5] == "regularizers" else {})
        for name in names
    }
    return {
        "schema_version": 1,
        "name": "tutorial",
        "seeds": list(range(seeds)),
        "table": {"source": "higgs-sim"},
        "split": {"validation": 1_000, "train": 10_000, "order": "head"},
        "recipe": {"batch_size": 500, "max_epochs": 10_000, "patience": 200},
        "variants": variants,
    }


def make_gain(decided: Decided) -> dict[str, Any]:
    """Return an alternative as a verdict holds it."""
    name, kind, gain, half = decided
    return {"name": name, "kind": kind, "gain": gain, "low": gain - half, "high": gain + half}


def make_verdict(name: str, reader: FakeReader) -> dict[str, Any]:
    """Return the judgement of a network whose label is known, as `Judgement.to_dict` has it."""
    tests = [run.test[LOSS] for run in reader.runs() if run.run.variant == name]
    best = [run.best_epoch for run in reader.runs() if run.run.variant == name]
    mean = float(np.mean(tests))
    verdict = {
        "label": LABELS[name],
        "onset_epoch": {"low": min(best), "high": max(best) + 4},
        "margin": MARGIN,
        "reasons": [
            "From the chosen to the last epoch, test loss changed by +0.1400 [+0.1310, +0.1490].",
            "Training loss fell from 0.6901 to 0.4312.",
        ],
        "also": "underfits" if name == "Medium" else None,
        "freer": make_gain(FREER[name]),
        "tighter": make_gain(TIGHTER[name]),
        "headroom": make_gain(("Gradient-boosted trees", "another kind of model", HEADROOM[name], 0.004)),
        "answer": f"{name} {ANSWERS[name]}",
        "action": {
            "words": "Use it as it is." if name == "Combined" else "Use Combined: it is trained and saved.",
            "command": "justright predict DIR TABLE --variant Combined",
        },
        "spikes": [{"seed": 1, "epoch": 322, "loss": 1.5803, "level": 0.5811}] if name == "L2" else [],
    }
    return {
        "name": name,
        "verdict": verdict,
        "test": {"mean": mean, "low": mean - 0.006, "high": mean + 0.006},
    }


def make_judgement(reader: FakeReader, names: tuple[str, ...] = tuple(NETWORKS)) -> dict[str, Any]:
    """Return what diagnosis would conclude on those networks."""
    differences = {"L2": -0.0213, "Dropout": -0.0271, "Combined": -0.0529}
    return {
        "variants": [make_verdict(name, reader) for name in names],
        "effects": [
            {
                "baseline": "Large",
                "remedy": name,
                "difference": value,
                "low": value - 0.007,
                "high": value + 0.006,
                "probability_better": 0.998,
            }
            for name, value in differences.items()
            if name in names
        ],
        "reference": {"name": "Gradient-boosted trees", "test": 0.5664, "low": 0.561, "high": 0.572},
        "best_variant": names[-1],
        "conclusion": (
            "Medium, Large, L2 and Dropout overfit; Tiny and Small underfit; Combined is just right and has the lowest "
            "test loss, 0.5690 [0.5630, 0.5750]."
        ),
        "facts": [
            "The four sizes, each at its best epoch, do not differ on test rows.",
            "Gradient-boosted trees reach 0.5664 on the same test rows: a better model of this table exists.",
        ],
    }


def make_table(features: int = 28) -> dict[str, Any]:
    """Return the description of a table with normal features, two classes, and their histograms."""
    rng = np.random.default_rng(5)
    return {
        "source": "higgs-sim",
        "rows": 40_075,
        "rows_left_out": 0,
        "features": features,
        "task": "binary",
        "target": "signal",
        "fingerprint": "0" * 64,
        "classes": [{"name": name, "rows": 20_000, "fraction": 0.5} for name in ("background", "signal")],
        "columns": [make_feature(f"feature {index}", rng) for index in range(features)],
        "target_column": None,
    }


def make_feature(name: str, rng: np.random.Generator) -> dict[str, Any]:
    """Return one feature's description: where the classes lie, in 30 bins."""
    values = [rng.normal(shift, 1, 3_000) for shift in rng.normal(0, 0.4, 2)]
    edges = np.linspace(-4, 4, 31)
    counts = [np.histogram(each, edges)[0] for each in values]
    return {
        "name": name,
        "mean": float(np.mean(values)),
        "std": float(np.std(values)),
        "min": float(np.min(values)),
        "max": float(np.max(values)),
        "edges": edges.tolist(),
        "counts": np.sum(counts, axis=0).tolist(),
        "class_counts": [each.tolist() for each in counts],
    }


def make_summary(
    names: tuple[str, ...] = tuple(NETWORKS), seeds: int = 3, epochs: int | None = None, features: int = 28
) -> dict[str, Any]:
    """Return the summary of a whole study without training anything."""
    reader = make_reader(seeds, names, epochs)
    return summarise(
        reader,
        study=make_study(names, seeds),
        judgement=make_judgement(reader, names),
        table=make_table(features),
        environment={
            "python": "3.11.7",
            "justright": "0.1.0",
            "keras": "3.15.1",
            "jax": "0.10.2",
            "cpu": "AMD EPYC",
            "cores": 2,
        },
        command="justright run higgs-sim --study tutorial --seeds 3 --out runs/tutorial",
        wall_seconds=252.4,
        rows={"train": 10_000, "validation": 1_000, "test": 29_075},
    )


@pytest.fixture(scope="session")
def summary() -> dict[str, Any]:
    """The tutorial's study, three seeds; treat it as read-only."""
    return make_summary()


def make_remedies_summary() -> dict[str, Any]:
    """Return a summary with effects of every kind: ties, searched strengths, steps, early stopping, ensembles, claims."""
    summary = make_summary()
    groups = {"Dropout": "remedies", "L2": "remedies", "Combined": "steps", "Medium": "steps"}
    summary["variants"] = [
        variant
        | {
            "group": groups.get(variant["name"], variant["group"]),
            "remedy": variant["name"] if variant["name"] in groups else "",
        }
        for variant in summary["variants"]
    ]
    common = {"seeds": 3, "covers": "rows and seeds", "is_tied_with_best": False, "probability_best": None}

    def effect(baseline: str, remedy: str, value: float, **values: Any) -> dict[str, Any]:
        ends = {"low": value - 0.007, "high": value + 0.006, "probability_better": 0.998, "kind": "variant"}
        return {"baseline": baseline, "remedy": remedy, "difference": value, **ends, **common, **values}

    summary["effects"] = [
        effect("Large", "L2", -0.0213, is_tied_with_best=True, probability_best=0.4),
        effect("Large", "Dropout", -0.0271, is_tied_with_best=True, probability_best=0.6),
        effect("Large", "Early stopping", -0.3, kind="early stopping"),
        effect("Large", "Ensemble of 3 x Large", -0.011, kind="ensemble", covers="rows"),
        effect("Combined", "Medium", 0.01),
        effect("Tiny", "Combined", -0.0529, is_tied_with_best=True, probability_best=1.0),
    ]
    summary["variants"].append(summary["variants"].pop(2))  # Medium, a step, comes after Combined
    summary["strengths"] = [
        {
            "baseline": "Large",
            "remedy": "Dropout",
            "chosen": "Dropout",
            "strengths": [
                {"name": "Dropout 0.2", "strength": 0.2, "validation": 0.58},
                {"name": "Dropout", "strength": 0.5, "validation": 0.57},
            ],
        }
    ]
    summary["choice"] = {
        "name": "Ensemble of 3 x Combined",
        "variant": "Combined",
        "is_ensemble": True,
        "validation": 0.531,
        "test": {"mean": 0.5492, "low": 0.545, "high": 0.5534},
        "rivals": 2,
        "candidates": 12,
    }
    summary["claims"] = [
        {
            "quote": 'Only the "Tiny" model avoids it.',
            "answer": "does not hold",
            "evidence": "Test loss rises by 0.2.",
        }
    ]
    return summary


@pytest.fixture(scope="session")
def remedies_summary() -> dict[str, Any]:
    """A study of remedies with every kind of effect; treat it as read-only."""
    return make_remedies_summary()


@pytest.fixture(scope="session")
def small_summary() -> dict[str, Any]:
    """Two networks, one seed, few epochs: for tests that only need some report; treat it as read-only."""
    return make_summary(("Tiny", "Large"), seeds=1, epochs=40, features=2)


@pytest.fixture(scope="session")
def page(summary: dict[str, Any]) -> str:
    """The tutorial's report."""
    return render_html(summary)


@pytest.fixture(scope="session")
def curves() -> pl.DataFrame:
    """The curves of Tiny and Large, three seeds, 60 epochs."""
    return make_reader(names=("Tiny", "Large"), epochs=60).curves()
