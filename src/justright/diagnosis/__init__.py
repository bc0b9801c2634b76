"""Curves and per-row losses -> verdicts, onsets, effects of remedies: numbers with their uncertainty."""

from justright.diagnosis.effects import Effect, effects, rank_remedies
from justright.diagnosis.evidence import ReferenceEvidence, RunEvidence, StudyEvidence, VariantEvidence
from justright.diagnosis.judge import Judgement, judge_study
from justright.diagnosis.onset import Onset, find_onset
from justright.diagnosis.underfit import Candidate
from justright.diagnosis.verdicts import LABELS, Label, Verdict
from justright.runs.margin import default_margin
from justright.statistics.curves import generalization_gap, smooth
from justright.statistics.intervals import Interval, mean_interval, paired_interval
from justright.statistics.sample_size import Needs, required_seeds_or_rows
from justright.statistics.simultaneous import probability_best, simultaneous_intervals

__all__ = [
    "LABELS",
    "Candidate",
    "Effect",
    "Interval",
    "Judgement",
    "Label",
    "Needs",
    "Onset",
    "ReferenceEvidence",
    "RunEvidence",
    "StudyEvidence",
    "VariantEvidence",
    "Verdict",
    "default_margin",
    "effects",
    "find_onset",
    "generalization_gap",
    "judge_study",
    "mean_interval",
    "paired_interval",
    "probability_best",
    "rank_remedies",
    "required_seeds_or_rows",
    "simultaneous_intervals",
    "smooth",
]
