"""The study as users make it: a description that can be run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from justright.session.neighbourhood import with_neighbours
from justright.session.options import RunOptions
from justright.session.result import Result
from justright.session.session import run_study
from justright.session.views.shown_progress import shown_progress
from justright.study import study


class Study(study.Study):  # noqa: D101  # the docstring of the description, whose arguments it takes
    __doc__ = study.Study.__doc__

    __slots__ = ()

    def run(self, out: str | Path, *, progress: bool = True, **options: Any) -> Result:
        """Train the study in folder `out`, or resume it there, and return its result.

        Args:
            out: the study folder; created if missing, resumed if it holds this study.
            progress: whether to show how far it is: in the cell's output in a notebook, else on stderr.
            options: those of `justright.run_study`, such as `workers` and `new`.

        Raises:
            FolderError: the folder holds another study, or another process owns it.
        """
        if not progress:
            return run_study(self, out, **options)
        # Nothing of a folder beside which a new one is made is taken over: its network may be another one by the same name.
        how = options.get("options") or RunOptions()
        resumed = None if options.get("new", how.new) else out
        whole = with_neighbours(self, resumed)
        with shown_progress(whole, resumed) as view:
            return run_study(whole, out, sinks=[*options.pop("sinks", ()), view], **options)
