"""What is exported: the content of a study folder, opened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from justright.session.saved_models import SavedModel, choose_models

if TYPE_CHECKING:
    import polars as pl

    from justright.data.table import Split
    from justright.records.folder import StudyFolder
    from justright.report.summary import Summary

# Tables of results, by the name of the `Result`'s attribute.
FRAMES = ("curves", "verdicts", "effects", "metrics", "predictions")


@dataclass(frozen=True, slots=True)
class ExportSource:
    """A study's networks and tables, from which one is exported.

    Args:
        folder: the study folder.
        study: the plain values of its study.toml.
        summary: of the study.
        models: its saved models, by rising validation loss.
        frames: name -> a table of results, made when it is called.
        split: the study's rows, where the caller has them; None reads the table that the folder names, once it is needed.
        trust: whether that may be a table which the user has not named.
    """

    folder: StudyFolder
    study: Mapping[str, Any]
    summary: Summary
    models: tuple[SavedModel, ...]
    frames: Mapping[str, Callable[[], pl.DataFrame]]
    split: Split | None = None
    trust: bool = False

    @property
    def variants(self) -> list[str]:
        """The names of the study's variants."""
        return [item["name"] for item in self.summary["variants"]]

    def model(self, variant: str, seed: int | None) -> SavedModel:
        """Return a variant's saved model: that of a seed, or the one with the lowest validation loss.

        Raises:
            InputError: there is no such seed.
            FolderError: no run of the variant has ended with a model.
        """
        (chosen,) = choose_models(self.models, self.summary, self.folder.path, variant=variant, seed=seed)
        return chosen
