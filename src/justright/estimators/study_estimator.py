"""What both estimators share: their parameters, the study that `fit` runs, and what they keep of it."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from justright.data.checks import check_whole, is_finite_number, is_whole
from justright.data.table import Split, Table
from justright.errors import InputError, check_one_of, raise_together
from justright.estimators.estimator_rows import columns_of
from justright.estimators.fitted_networks import FittedNetworks
from justright.report.summary import FIT_CALL
from justright.runs.place import available_cores
from justright.session.options import DEFAULT_STUDY
from justright.session.saved_models import choose_models
from justright.session.session import run_study
from justright.study.studies import SIZES, NamedStudy, named_study, studies
from justright.study.study import MAX_SEED, MAX_SEEDS, Study
from justright.study.variant import Variant

if TYPE_CHECKING:
    from justright.session.result import Result

# The default: linear models and networks of rising size, as far as they train in seconds.
LADDER = "ladder"
LARGEST = "Large"
AUTO = "auto"  # scikit-learn's word for a batch size that fits the rows


class StudyEstimator(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Base of the estimators, whose docstrings describe the parameters."""

    def __init__(
        self,
        study: str | Mapping[str, Any] | Sequence[Variant] = LADDER,
        *,
        seeds: int = 1,
        max_iter: int | None = None,
        batch_size: int | str = AUTO,
        validation_fraction: float = 0.2,
        n_iter_no_change: int | None = None,
        random_state: int | np.random.RandomState | None = None,
        n_jobs: int | None = None,
        verbose: int = 0,
        folder: str | Path | None = None,
    ) -> None:
        self.study = study
        self.seeds = seeds
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.folder = folder

    @property
    def result_(self) -> Result:
        """The study's result: verdicts, effects, curves, models and plots.

        Raises:
            AttributeError: this is a copy of a fitted estimator; its study stayed with the original.
        """
        check_is_fitted(self)
        if self._result is None:
            raise AttributeError(
                "A copy of a fitted estimator, such as one that was pickled, has no `result_`: the study's folder stays with "
                "the original. Fit with folder='...' and open that with justright.open_result."
            )
        return self._result

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = super().__getstate__()
        return state | {"_result": None} if "_result" in state else state

    def __sklearn_tags__(self) -> Any:  # noqa: ANN401  # scikit-learn's Tags, which has no types
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = True
        return tags

    def _fit_table(self, table: Table) -> Self:
        """Run the study on a table, and keep the networks that its validation rows chose.

        Raises:
            InputError: a parameter is out of range, or the table has too few rows.
            FolderError: no network could be trained.
            KeyboardInterrupt: Ctrl-C ended training.
        """
        self._check_parameters()
        random = check_random_state(self.random_state)
        first = int(random.randint(MAX_SEED - MAX_SEEDS))
        split = table.split(validation=float(self.validation_fraction), test=0, seed=first)
        study = self._study_on(split, list(range(first, first + self.seeds)))
        result = self._run(study)
        chosen = choose_models(result.models, result.summary, result.folder, ensemble=self.seeds > 1)
        self._result, self._networks = result, FittedNetworks(model.path for model in chosen)
        self.variant_ = chosen[0].variant
        [summary] = [one for one in result.summary["variants"] if one["name"] == self.variant_]
        self.verdict_ = str(summary["verdict"]["label"])
        self.n_iter_ = max(run["epochs"] for run in summary["runs"])
        if self.verbose:
            _print(result, str(summary["verdict"]["answer"]), with_all=self.verbose > 1)
        return self

    def _outputs(self, x: Any) -> npt.NDArray[np.float64]:  # noqa: ANN401  # whatever callers have
        check_is_fitted(self)
        return self._networks.predict(columns_of(self, x))

    def _run(self, study: Study) -> Result:
        """Return the result of a study in the user's folder, or in one that is removed with the result."""
        own = self.folder is None
        place = Path(tempfile.mkdtemp(prefix="justright-"), "study") if own else Path(self.folder or "")
        workers = _workers(self.n_jobs)
        try:
            result = run_study(
                study,
                place,
                workers=workers,
                new=not own,
                keep_workers=True,
                report=not own,
                command=" ".join(f"{self!r}{FIT_CALL}".split()),
            )
        except BaseException:
            if own:
                shutil.rmtree(place.parent, ignore_errors=True)
            raise
        if own:
            weakref.finalize(result, shutil.rmtree, place.parent, ignore_errors=True)
        if result.interrupted:
            raise KeyboardInterrupt
        return result

    def _study_on(self, split: Split, seeds: list[int]) -> Study:
        """Return the study: a built-in one's networks, or the user's with the recipe of the default study."""
        asked = {
            "max_epochs": self.max_iter,
            "patience": self.n_iter_no_change,
            "batch_size": self.batch_size,
        }
        changes: dict[str, Any] = {name: value for name, value in asked.items() if value not in (None, AUTO)}
        options: dict[str, Any] = {"seeds": seeds, "reference": False, "neighbours": False}
        if isinstance(self.study, str):
            named = _named_study(self.study)
            recipe = replace(named.recipe_for(split), **changes)
            return Study(split, named.on(split, recipe=recipe).variants, recipe, name=named.name, **options)
        recipe = replace(named_study(DEFAULT_STUDY).recipe_for(split), **changes)
        return Study(split, self.study, recipe, **options)

    def _check_parameters(self) -> None:
        """Raise one InputError that names all parameters that are out of range."""
        optional = {name: getattr(self, name) for name in ("max_iter", "n_iter_no_change", "seeds")}
        raise_together(
            *(
                partial(check_whole, name, value, least=1)
                for name, value in optional.items()
                if value is not None
            ),
            self._check_study,
            self._check_batch_size,
            self._check_validation_fraction,
            self._check_jobs,
        )

    def _check_batch_size(self) -> None:
        if self.batch_size != AUTO and not is_whole(self.batch_size, least=1):
            raise InputError(
                f"`batch_size` must be {AUTO!r} or a whole number of 1 or more; got {self.batch_size!r}."
            )

    def _check_validation_fraction(self) -> None:
        value = self.validation_fraction
        if not (is_finite_number(value) and 0 < value < 1):
            raise InputError(f"`validation_fraction` must lie between 0 and 1; got {value!r}.")

    def _check_jobs(self) -> None:
        jobs = self.n_jobs
        if not (jobs is None or is_whole(jobs, least=1) or (isinstance(jobs, int) and jobs < 0)):
            raise InputError(f"`n_jobs` must be None, a number of processes, or -1 for all; got {jobs!r}.")

    def _check_study(self) -> None:
        if isinstance(self.study, str):
            check_one_of("study", self.study, [LADDER, *studies()])
        elif not isinstance(self.study, Mapping | Sequence):
            raise InputError(
                "`study` must be the name of a study, a mapping of names to networks, or a list of variants; got "
                f"{self.study!r}. Write {{'Mine': justright.mlp(64, dropout=0.5)}}."
            )


def _named_study(name: str) -> NamedStudy:
    """Return a built-in study, or the ladder: linear models and the smaller sizes of the default study."""
    if name != LADDER:
        return named_study(name)
    sizes = tuple(size for size in SIZES if size.name != LARGEST)
    return replace(named_study(DEFAULT_STUDY), name=LADDER, variants=sizes)


def _print(result: Result, answer: str, *, with_all: bool) -> None:
    from justright.report.terminal.study_report import print_findings
    from justright.report.terminal.terminal import results

    if with_all:
        print_findings(results(), result.summary, result.folder)
    else:
        results().say(answer)


def _workers(jobs: int | None) -> int:
    """Return the number of processes that `n_jobs` asks for, as scikit-learn counts: -1 for all processors, -2 for all but one.

    Example:
        >>> _workers(None), _workers(3)
        (1, 3)
    """
    if jobs is None:
        return 1
    return jobs if jobs > 0 else max(1, len(available_cores()) + 1 + jobs)
