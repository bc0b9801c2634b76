"""Weights & Biases: what lies in its folders, of which none is a curve as text."""

from __future__ import annotations

from collections.abc import Iterator

from justright.errors import InputError
from justright.logs.logged_run import LoggedRun
from justright.logs.source import LogFormat, Source

EXPORT = (
    "Export its history, for instance with `wandb.Api().run('ENTITY/PROJECT/RUN').history().to_csv('run.csv')` after "
    "`wandb sync`, and pass that file."
)
SUMMARY_KEYS = frozenset({"_runtime", "_timestamp", "_step", "_wandb"})


def _is_summary(source: Source) -> bool:
    value = source.value
    return (
        isinstance(value, dict)
        and len(SUMMARY_KEYS & value.keys()) >= 2
        and not any(isinstance(item, list) for item in value.values())
    )


def _refuse_summary(source: Source) -> Iterator[LoggedRun]:
    raise InputError(
        f"A training log must hold curves; {source.name!r} is a W&B summary, one number for each metric. {EXPORT}"
    )


WANDB_SUMMARY = LogFormat("wandb-summary", "a W&B history", _refuse_summary, _is_summary)
