"""The plots of a study by name; nothing here imports NumPy, so that help texts can list them."""

from __future__ import annotations

from typing import Literal, get_args

StudyKind = Literal["fit", "effects", "capacity", "data", "schedule"]
PredictionKind = Literal["roc", "precision_recall", "calibration", "confusion", "residuals"]
Kind = StudyKind | PredictionKind

STUDY_KINDS: tuple[StudyKind, ...] = get_args(StudyKind)
PREDICTION_KINDS: tuple[PredictionKind, ...] = get_args(PredictionKind)
KINDS: tuple[Kind, ...] = (*STUDY_KINDS, *PREDICTION_KINDS)
HISTORY = "history"  # the plot of curves, which is the library's `Result.plot`
