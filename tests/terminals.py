"""A study, its events and its summary, made by hand: the command line is tested without training."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from justright.report.terminal.terminal import Terminal
from justright.runs.events import RunFinished, RunKey, StackCheckpoint, StackProgress

NAMES = ("Tiny", "Large", "Large, dropout and L2, strongly")
ROWS = 10_000
LOSS = "binary_crossentropy"


def make_study(seeds: int = 1, max_epochs: int = 1_000, patience: int | None = 100) -> Any:
    """Return what the progress view needs of a study: runs, recipes and the task."""
    recipe = SimpleNamespace(max_epochs=max_epochs, patience=patience, precision="float32")
    variants = [SimpleNamespace(name=name, build=None, group="") for name in NAMES]
    runs = [(variant, seed, ROWS) for variant in variants for seed in range(seeds)]
    study = SimpleNamespace(
        split=SimpleNamespace(
            table=SimpleNamespace(
                task="binary",
                source=SimpleNamespace(source="t.csv"),
                n_features=3,
                target_name="y",
                rows_left_out=2,
                task_reason="",
                notes=(),
                plan=None,
            ),
            sizes={"train": ROWS, "validation": 1_000, "test": 200},
        ),
        variants=variants,
        runs=lambda: iter(runs),
        recipe_of=lambda variant: recipe,
    )
    study.on = lambda kind: study
    return study


def make_progress(name: str, epoch: int, seconds: float, *, seed: int = 0, waited: int = 0) -> StackProgress:
    """Return a report of a stack with one run."""
    key = RunKey(name, seed, ROWS)
    metrics = {LOSS: 0.69 * math.exp(-epoch / 900), f"val_{LOSS}": 0.6 + abs(epoch - 200) / 3000}
    return StackProgress(f"{name}-{seed}", (key,), epoch, seconds, {key: metrics}, {key: waited})


def make_end(
    name: str, outcome: str, *, seed: int = 0, epochs: int = 400, best_epoch: int = 299
) -> StackCheckpoint:
    """Return the event in which a run's end is told."""
    key = RunKey(name, seed, ROWS)
    best, last = {f"val_{LOSS}": 0.59}, {LOSS: 0.5, f"val_{LOSS}": 0.7}
    finished = RunFinished(key, outcome, "why", epochs, best_epoch, 1.0, best, last, {}, {})
    return StackCheckpoint(f"{name}-{seed}", "", epochs, (), (), (finished,))


def make_run(seed: int = 0, **changes: Any) -> dict[str, Any]:
    """Return a run as the summary has it."""
    return {
        "seed": seed,
        "train_rows": ROWS,
        "epochs": 300,
        "best_epoch": 123 + seed,
        "outcome": "stopped early",
        "best": {
            LOSS: 0.55,
            f"fixed_{LOSS}": None,
            f"val_{LOSS}": 0.586,
            "accuracy": 0.71,
            "val_accuracy": 0.68,
        },
        "last": {},
        "test": {LOSS: 0.618, "accuracy": 0.662},
        "test_last": {},
        "reason": "",
        "train_seconds": 1.0,
        "model_path": None,
        "counts": True,
    } | changes


def make_summary(labels: dict[str, str] | None = None, *, seeds: int = 1) -> dict[str, Any]:
    """Return a study's summary with one variant for each label."""
    labels = labels or {"Tiny": "undecided", "Large": "overfits", NAMES[2]: "just right"}
    return {
        "schema_version": 1,
        "study": "quick",
        "source": "t.csv",
        "task": "binary",
        "rows": {"train": ROWS, "validation": 1_000, "test": 200},
        "wall_seconds": 1.0,
        "device": None,
        "workers_tried": [],
        "warnings": [],
        "constant": {"test": None},
        "effects": [],
        "data_scaling": [],
        "reference": None,
        "choice": None,
        "other_metrics": {},
        "pictures": {},
        "strengths": [],
        "claims": [],
        "margin": None,
        "best_variant": None,
        "curves": [],
        "table": {},
        "environment": {},
        "command": "justright run t.csv",
        "study_toml": "",
        "more": {},
        "seeds": list(range(seeds)),
        "loss": LOSS,
        "score": "accuracy",
        "conclusion": "Tiny is as good as Large on test rows.",
        "facts": ["Gradient-boosted trees reach 0.566 on the same rows."],
        "variants": [
            {
                "name": name,
                "parameters": 803_329,
                "precision": "float32",
                "batch_orders": "host",
                "lanes": None,
                "verdict": {"label": label, "onset_epoch": None, "margin": 0.001, "reasons": []},
                "test": {"mean": 0.6183, "low": 0.612, "high": 0.6243},
                "metrics": {},
                "intervals": {
                    "fixed": {"mean": 0.5504, "low": 0.5304, "high": 0.5704},
                    "validation": {"mean": 0.5861, "low": 0.5661, "high": 0.6061},
                    "test": {"mean": 0.6183, "low": 0.612, "high": 0.6243},
                    "fixed_score": {"mean": 0.71, "low": 0.68, "high": 0.74},
                    "validation_score": {"mean": 0.68, "low": 0.65, "high": 0.71},
                    "test_score": {"mean": 0.662, "low": 0.657, "high": 0.667},
                },
                "runs": [make_run(seed) for seed in range(seeds)],
                "group": "",
                "baseline": None,
                "remedy": "",
                "model_summary": "",
            }
            for name, label in labels.items()
        ],
    }


@pytest.fixture
def make() -> SimpleNamespace:
    """The builders above, by short names."""
    return SimpleNamespace(
        study=make_study,
        progress=make_progress,
        end=make_end,
        run=make_run,
        summary=make_summary,
        names=NAMES,
    )


class EncodedText(io.StringIO):
    """Text output that says which encoding its reader understands."""

    def __init__(self, encoding: str) -> None:
        super().__init__()
        self._encoding = encoding

    @property
    def encoding(self) -> str:
        """The encoding given."""
        return self._encoding


@pytest.fixture
def terminal() -> Callable[..., tuple[Terminal, io.StringIO]]:
    """Return a function that gives a console of some width and encoding, and what is written to it."""

    def make_terminal(width: int = 80, encoding: str = "utf-8") -> tuple[Terminal, io.StringIO]:
        file = EncodedText(encoding)
        return Terminal(file, width=width), file

    return make_terminal
