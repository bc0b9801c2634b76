"""A lent GPU's steps: each has its limit, and what one of them costs is not another's result. Nothing is trained here."""

from __future__ import annotations

import json
import time

import pytest

from benchmarks.gpu import everything
from benchmarks.gpu.__main__ import parse_options
from benchmarks.gpu.everything import LEAST_SECONDS, STEPS, Lent, StepError, last_json, measure_everything


def run_steps(monkeypatch, tmp_path, steps, *words):
    """Return how many steps gave no result, and the lines that were saved."""
    monkeypatch.setattr(everything, "STEPS", steps)
    file = tmp_path / "all.json"
    missing = measure_everything(parse_options(["--all", "--json", str(file), *words]))
    return missing, [json.loads(line) for line in file.read_text().splitlines()]


def test_each_result_is_saved_and_a_step_that_fails_leaves_the_others(monkeypatch, tmp_path):
    """Also one of a step with several results, before it failed."""
    seen = {}

    def quick(lent):
        seen["left"] = lent.deadline - time.monotonic()
        return {"trained": 20.0, "described": 5.0}

    def kills(lent):
        seen["times"] = lent.quick_times
        yield {"compared": "identical"}
        raise StepError("no time")

    steps = {"quick": (quick, 30.0), "kills": (kills, 200.0), "memory": (lambda lent: {"used": 1}, 9.0)}
    missing, lines = run_steps(monkeypatch, tmp_path, steps, "--budget", "840")
    assert missing == 1
    assert [{name: value for name, value in line.items() if name != "spent"} for line in lines] == [
        {"step": "quick", "trained": 20.0, "described": 5.0},
        {"step": "kills", "compared": "identical"},
        {"step": "kills", "error": "no time"},
        {"step": "memory", "used": 1},
    ]
    assert 29.0 < seen["left"] <= 30.0
    assert seen["times"] == {"trained": 20.0, "described": 5.0}


def test_without_time_no_step_begins(monkeypatch, tmp_path):
    """What is left out is said."""
    steps = {"quick": (lambda lent: pytest.fail("begun"), 30.0)}
    assert run_steps(monkeypatch, tmp_path, steps, "--budget", "5") == (
        1,
        [{"step": "quick", "error": "no time is left"}],
    )


def test_the_steps_fit_into_a_quarter_of_an_hour_but_for_a_few_that_end_early():
    """In order of worth: the first five, at their limits, leave the next one time to begin."""
    limits = [limit for _, limit in STEPS.values()]
    assert list(STEPS)[:3] == ["quick", "kills", "grid"]
    assert sum(limits[:5]) <= 840 - LEAST_SECONDS


def test_a_program_that_fails_says_why_and_one_that_is_killed_on_purpose_does_not(tmp_path):
    """A limit is kept, too."""
    lent = Lent(tmp_path, is_rehearsal=True, deadline=time.monotonic() + 60)
    with pytest.raises(StepError, match=r"^benchmarks.bitwise ended with 1: A study folder holds study.db; "):
        lent.run("benchmarks.bitwise", [str(tmp_path), str(tmp_path)])
    assert lent.run("http.server", ["0"], kill_after=0.0) == ""
    lent.deadline = time.monotonic()
    with pytest.raises(StepError, match=r"^http.server not done after 0 s: $"):
        lent.run("http.server", ["0"])


def test_the_last_object_is_the_result():
    """Whatever was printed around it."""
    assert last_json('warning\n{"a": 1}\n{"b": 2}\n{no\ndone') == {"b": 2}
    assert last_json("nothing") == {}
