"""What a study says about accelerators that it cannot use."""

from __future__ import annotations

import numpy as np
from tests.refusals import refusal

import justright as jr
from justright.session import session
from justright.session.options import RunOptions


def study():
    """A study of one network."""
    x = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    table = jr.read_table((x, (np.arange(40) % 2).astype(np.float32)))
    split = table.split(validation=10, train=20, test=10)
    return jr.Study(split, {"a": jr.mlp(4)}, jr.Recipe(batch_size=10, max_epochs=2), neighbours=False)


def test_a_study_says_once_why_it_trains_on_the_processor(tmp_path, monkeypatch):
    """A plugin is installed, and its device cannot be used."""
    fault = "JAX cannot use its devices: NotImplementedError: no sort on METAL"

    def interrupted(started, how):
        started.adopt({})
        return True

    monkeypatch.setattr(session, "accelerator_fault", lambda: fault)
    monkeypatch.setattr(session._Session, "train", interrupted)
    repairs = [jr.run_study(study(), tmp_path / "study").repairs for _ in range(2)]
    assert repairs == [(f"Networks train on the processor: {fault}.",), ()]


def test_a_study_is_refused_devices_that_are_not_there(tmp_path):
    """Nothing has started then."""
    assert refusal(jr.run_study, study(), tmp_path / "study", devices_per_run=2) == (
        "`devices_per_run` must be 1: JAX uses no accelerator here; got 2. Take one of these, or leave it out."
    )


def test_devices_of_a_cluster_are_its_own_to_share_out():
    """Ray gives each actor one."""
    assert refusal(RunOptions, engine="ray", devices_per_run=2) == (
        "`--devices-per-run` needs --engine local; got --engine ray. Leave one of them out."
    )
