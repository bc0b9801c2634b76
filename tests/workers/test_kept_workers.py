"""Workers that stay after a study: the next one starts at once and gives the same numbers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile

import numpy as np
import pytest

import justright as jr
from justright.study.study import has_functions
from justright.workers import kept_workers
from justright.workers.kept_workers import end_kept_workers
from justright.workers.processes import WorkerProcess

RECIPE = jr.Recipe(batch_size=16, max_epochs=3, patience=None)


@pytest.fixture(autouse=True)
def _ended():
    """No worker of another test waits, and none stays."""
    end_kept_workers()
    yield
    end_kept_workers()


def study(seed, build):
    """A regression of 40 rows, whose target has units of its own."""
    x = np.random.default_rng(seed).normal(size=(40, 2))
    table = jr.read_table((x, 10 * seed * x[:, 0]), task="regression")
    split = table.split(0.25, test=0)
    return jr.Study(split, {"Net": build}, RECIPE, reference=False, neighbours=False)


def curves(one, folder, **options):
    """The curves of a study that is trained now."""
    return one.run(folder, workers=1, report=False, **options).curves


def waiting():
    """The processes that wait for another study."""
    return [worker.process.pid for _, worker in kept_workers._kept]


@pytest.mark.slow
def test_a_kept_worker_trains_the_next_study_as_a_new_one_would(tmp_path):
    """Its programs are those of the study before, whose rows and units were others; every number is the same."""
    network = jr.mlp(3, standardize=True)
    curves(study(1, network), tmp_path / "first", keep_workers=True)
    [first] = waiting()
    kept = curves(study(2, network), tmp_path / "second", keep_workers=True)
    assert waiting() == [first]
    new = curves(study(2, network), tmp_path / "third")
    assert waiting() == [first]
    assert kept.equals(new)
    # One that has ended meanwhile is replaced.
    kept_workers._kept[0][1].process.kill()
    kept_workers._kept[0][1].process.wait()
    assert curves(study(2, network), tmp_path / "fourth", keep_workers=True).equals(new)
    [fourth] = waiting()
    assert fourth != first


def test_workers_that_have_ended_are_put_away_at_the_next_study():
    """Of whatever kind: else they would stay children of this process, and count as waiting."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and nobody knows how
    log = tempfile.TemporaryFile()  # noqa: SIM115  # put away with the worker
    kept_workers._kept.append(((os.getpid(), (99,), frozenset()), WorkerProcess(0, process, log)))
    assert kept_workers._take((os.getpid(), (0,), frozenset())) is None
    assert (waiting(), process.returncode, log.closed) == ([], 0, True)


@pytest.mark.parametrize("build", [jr.mlp(3), jr.KerasConfig("{}")])
def test_a_study_of_described_networks_has_no_functions(build):
    """So its workers may be kept."""
    assert not has_functions(study(1, build))


def test_a_study_with_a_function_of_the_user_is_not_for_kept_workers():
    """Its module may change before the next study."""
    assert has_functions(study(1, lambda: None))
    own = jr.Recipe(loss=lambda true, predicted: (true - predicted) ** 2)
    assert has_functions(study(1, jr.Variant("Net", jr.mlp(3), recipe=own)))


def test_a_study_with_a_class_of_the_user_is_not_for_kept_workers():
    """A cell may define a layer again under the same name: compiled programs of the study before would still have the old one."""
    described = {"module": None, "class_name": "Gate", "config": {}, "registered_name": "nb>Gate"}
    assert has_functions(study(1, jr.KerasConfig(json.dumps({"layers": [described]}))))
    own = jr.Recipe(loss=described)
    assert has_functions(study(1, jr.Variant("Net", jr.mlp(3), recipe=own)))
