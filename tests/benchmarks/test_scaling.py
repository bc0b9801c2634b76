"""The folders that `benchmarks.scaling` writes hold what it says they hold."""

from __future__ import annotations

import tomllib

import pytest

from benchmarks.scaling import JOBS_BY_NAME, Study, build_folder
from justright.records.folder import StudyFolder
from justright.records.store import Store
from justright.session.outputs import judge_folder


def test_a_simulated_study_is_judged_as_its_truth_says(tmp_path):
    """The last of twelve networks is truly best and the first truly worst: the first gains most, the last nothing."""
    build_folder(tmp_path / "study", Study(variants=12, seeds=5, rows=1_000))
    with StudyFolder.open(tmp_path / "study", "resume") as folder, Store(folder) as store:
        judgement = judge_folder(store, tomllib.loads(folder.study_path.read_text()))
    means = {verdict.variant: verdict.test.mean for verdict in judgement.verdicts}
    assert max(means, key=means.__getitem__) == "v01"
    worst, best = judgement.verdict("v01"), judgement.verdict("v12")
    assert worst.freer.is_better
    assert worst.freer.gain.mean == max(one.gain.mean for one in worst.alternatives if one.is_measured)
    assert best.freer is None
    assert not any(one.is_better for one in best.alternatives if one.is_measured)
    assert all(verdict.onset.low <= 40 <= verdict.onset.high for verdict in judgement.verdicts)


def test_remedies_have_effects_on_the_first_variant(tmp_path):
    """With --remedies, each variant but the first is one."""
    build_folder(tmp_path / "study", Study(variants=4, rows=200, are_remedies=True))
    with StudyFolder.open(tmp_path / "study", "resume") as folder, Store(folder) as store:
        judgement = judge_folder(store, tomllib.loads(folder.study_path.read_text()))
    effects = [one for one in judgement.effects if one.kind == "variant"]
    assert {(one.baseline, one.remedy) for one in effects} == {("v1", "v2"), ("v1", "v3"), ("v1", "v4")}


@pytest.mark.parametrize(
    "job", [name for name in JOBS_BY_NAME if name != "report"]
)  # pages have their own tests
def test_every_step_is_timed_and_its_memory_measured(job, tmp_path):
    """On a folder that has been judged, as in the benchmark."""
    build_folder(tmp_path / "study", Study(variants=2, rows=100))
    JOBS_BY_NAME["judge"](tmp_path / "study")
    seconds, kilobytes = JOBS_BY_NAME[job](tmp_path / "study")
    assert seconds > 0
    assert kilobytes > 10_000
