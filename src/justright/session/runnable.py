"""The study as users make it: a description that can be run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from justright.data.table import Table
from justright.session.neighbourhood import with_neighbours
from justright.session.options import RunOptions, StudyOptions
from justright.session.prepare import extend_study
from justright.session.result import Result
from justright.session.session import run_study
from justright.session.views.shown_progress import shown_progress
from justright.study import study as study_module


class Study(study_module.Study):  # noqa: D101  # the docstring of the description, whose arguments it takes
    __doc__ = study_module.Study.__doc__

    __slots__ = ()

    def run(
        self,
        out: str | Path,
        *,
        progress: bool = True,
        seeds: int | None = None,
        max_epochs: int | None = None,
        study: str | None = None,
        of: str | None = None,
        test: str | Path | Table | None = None,
        **options: Any,
    ) -> Result:
        """Train the study in folder `out`, or resume it there, and return its result.

        `seeds`, `max_epochs`, `study`, `of` and `test` add to what a folder holds, all its networks included, as the options of
        `justright run --out DIR` do. They are what a report advises where the rows were in memory.

        Args:
            out: the study folder; created if missing, resumed if it holds this study.
            progress: whether to show how far it is: in the cell's output in a notebook, else on stderr.
            seeds: so many for each network in all.
            max_epochs: a new limit; runs that ended by a lower one go on.
            study: 'neighbours' or 'remedies', trained beside the network named `of`.
            of: its name.
            test: other test rows: a table, or a file of the same columns.
            options: those of `justright.run_study`, such as `workers` and `new`.

        Raises:
            InputError: an option does not fit.
            FolderError: the folder holds another study, or none to add to, or another process owns it.
        """
        asked = StudyOptions(seeds=seeds, max_epochs=max_epochs, study=study, of=of)
        how = options.get("options") or RunOptions()
        is_new = options.get("new", how.new)
        wanted: study_module.Study = self
        if test is not None or asked != StudyOptions():
            wanted = extend_study(self, out, asked, test=test, is_new=is_new)
        if not progress:
            return run_study(wanted, out, **options)
        # Nothing of a folder beside which a new one is made is taken over: its network may be another one by the same name.
        resumed = None if is_new else out
        whole = with_neighbours(wanted, resumed)
        with shown_progress(whole, resumed) as view:
            return run_study(whole, out, sinks=[*options.pop("sinks", ()), view], **options)
