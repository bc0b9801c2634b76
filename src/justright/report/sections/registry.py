"""Every section of a report, in the order of the page: a new one is one file and one line here."""

from __future__ import annotations

from collections.abc import Iterator

from justright.plugins import plugged_in
from justright.report.blocks import Block, Media, Section, visible
from justright.report.sections.answer_list import ANSWERS
from justright.report.sections.effect_table import EFFECTS
from justright.report.sections.fact_list import CLAIMS, FACTS
from justright.report.sections.feature_histograms import FEATURES
from justright.report.sections.metric_table import METRICS_TABLE
from justright.report.sections.prediction_charts import PREDICTIONS
from justright.report.sections.provenance import MADE, MODELS
from justright.report.sections.reason_list import REASONS
from justright.report.sections.scaling_table import SCALING
from justright.report.sections.table_warnings import WARNINGS
from justright.report.sections.training_curves import CURVES
from justright.report.sections.verdict_table import VERDICTS
from justright.report.summary import Summary


def sections() -> tuple[Section, ...]:
    """Return every section, those of plug-ins last."""
    return (*SECTIONS, *plugged_in("sections"))


def shown_sections(summary: Summary, medium: Media) -> Iterator[tuple[Section, list[Block]]]:
    """Yield each section that has something to show in a medium, with the blocks it shows there."""
    for section in sections():
        blocks = visible(section.blocks(summary), medium)
        if blocks:
            yield section, blocks


SECTIONS: tuple[Section, ...] = (
    ANSWERS,
    VERDICTS,
    FACTS,
    REASONS,
    EFFECTS,
    CLAIMS,
    SCALING,
    METRICS_TABLE,
    PREDICTIONS,
    CURVES,
    WARNINGS,
    FEATURES,
    MODELS,
    MADE,
)
