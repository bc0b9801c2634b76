"""The fault harness: it finds what is lost when something is, and a few kills and signals at random moments lose nothing."""

from __future__ import annotations

import random
import shutil
import signal
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import keras
import numpy as np
import pytest
from tests.refusals import refusal

from benchmarks.accelerated import H100
from benchmarks.bitwise import Measured
from benchmarks.faults import __main__ as faults
from benchmarks.faults import inputs, moments
from benchmarks.faults.commands import Place, contents, differences, model_digest
from benchmarks.faults.driver import ACCELERATORS, run_command
from benchmarks.faults.inputs import READ, REFUSED, change
from benchmarks.faults.kinds import Seen
from benchmarks.faults.lanes import Apart, cells_of, far_apart
from benchmarks.faults.moments import Interruption, describe, hear_interrupts, run_interruptions, run_kills
from justright.errors import InputError
from justright.records.boards.curve_files import append_run, write_run
from justright.records.boards.run_summaries import START_FILE, start_content
from justright.records.boards.shared_files import write_shared
from justright.records.boards.study_summaries import VERDICT_FILE, keep_verdicts
from justright.records.models import save_model_atomically
from justright.runs.events import RunKey
from justright.study.spec import read_spec
from justright.workers import accelerators, engines
from justright.workers.accelerators import Accelerators, find_accelerators

FIXTURE = Path(__file__).parents[1] / "fixtures" / "study-version-1"
EPOCHS = 300


@pytest.fixture
def folder(tmp_path) -> Path:
    """The study of the first version's fixture, without its models."""
    path = tmp_path / "study"
    path.mkdir()
    shutil.copy(FIXTURE / "study.toml", path)
    with closing(sqlite3.connect(path / "study.db")) as database:
        database.executescript((FIXTURE / "study.sql").read_text())
        database.execute("UPDATE runs SET model_path = NULL")
        database.commit()
    return path


# What is done to the database -> the words that the names of what differs begin with.
CHANGES = {
    "UPDATE epochs SET loss = loss * (1 + 1e-7) WHERE run = 1 AND epoch = 1": {"curves of"},
    "DELETE FROM epochs WHERE run = 1 AND epoch = 1": {"curves of"},
    "UPDATE runs SET best_epoch = best_epoch + 1 WHERE id = 1": {"end of"},
    "UPDATE runs SET best = replace(best, '0.', '1.') WHERE id = 1": {"end of"},
    "UPDATE row_losses SET losses = CAST(x'00000000' || substr(losses, 5) AS BLOB) WHERE run = 1 AND kind = 'test'": {
        "test rows"
    },
    "DELETE FROM meta WHERE key = 'judgement'": {"judgement"},
    "DELETE FROM runs WHERE id = 1": {"curves of", "end of", "test rows", "validation rows"},
}


@pytest.mark.parametrize("statement", CHANGES)
def test_every_change_of_a_study_is_found(folder, statement) -> None:
    """One number, one row or one run: a comparison that cannot fail would show nothing."""
    before = contents(folder)
    assert differences(contents(folder), before) == []
    with closing(sqlite3.connect(folder / "study.db")) as database, database:
        assert database.execute(statement).rowcount > 0
    found = differences(contents(folder), before)
    assert {" ".join(name.split()[:2]) for name in found} >= CHANGES[statement]


def test_an_epoch_that_stands_twice_in_an_event_file_is_found(folder) -> None:
    """Event files are compared point by point, as TensorBoard reads them."""
    path = folder / "tensorboard" / "Tiny" / "seed-1"
    losses = {"loss": np.array([0.7, 0.6]), "val_loss": np.array([0.7, 0.65])}
    write_run(path, losses, steps_per_epoch=20, walls=np.array([1.0, 2.0]))
    before = contents(folder)
    append_run(
        path,
        {name: values[1:] for name, values in losses.items()},
        steps_per_epoch=20,
        first=1,
        walls=np.array([3.0]),
    )
    found = differences(contents(folder), before)
    assert [name.split("/")[-2] for name in found] == ["train", "validation"]


def test_another_text_or_hyperparameter_in_an_event_file_is_found_another_time_is_not(folder) -> None:
    """They are compared as well, without when a run began and ended."""
    run = RunKey("Tiny", 1, 100)
    place = folder / "tensorboard" / "Tiny"
    texts, starts = place / VERDICT_FILE, place / "seed-1" / START_FILE
    begun = start_content(run, {"seed": 1}, "seed-1")
    found = []
    for wall in (1.0, 2.0):
        texts.unlink(missing_ok=True)
        keep_verdicts(texts, {"verdict": "underfits"}, wall)
        write_shared([starts], begun(wall))
        found.append(contents(folder))
    before = found[0]
    assert differences(found[1], before) == []
    keep_verdicts(texts, {"verdict": "overfits"}, 3.0)
    write_shared([starts], start_content(run, {"seed": 2}, "seed-1")(2.0))
    assert differences(contents(folder), before) == [
        f"event file {path.relative_to(folder)}" for path in (texts, starts)
    ]


def test_another_models_weights_are_found(tmp_path) -> None:
    """Models are compared by their weights, to the last bit; their files differ in the time they were written."""
    digests = []
    for number, added in enumerate((0.0, 0.0, 1e-6)):
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, kernel_initializer="ones")])
        model.set_weights([values * np.float32(1 + added) for values in model.get_weights()])
        path = tmp_path / f"{number}.keras"
        save_model_atomically(model, path)
        digests.append(model_digest(path))
    assert digests[0] == digests[1] != digests[2]


def place_of(tmp_path, found) -> Place:
    """A place whose undisturbed study found this."""
    place = Place(tmp_path, EPOCHS)
    place.found = found
    return place


@pytest.mark.parametrize(("found", "lost"), [({"a": "1"}, 0), ({"a": "2"}, 1), ({"a": "1", "b": "1"}, 1)])
def test_a_killed_study_that_differs_is_counted_as_lost(tmp_path, monkeypatch, capsys, found, lost) -> None:
    """Something else, or something missing: the study is not among the identical ones."""

    def kill(place, out, phases, dice, tried, seen, engine):
        tried["of a worker"] += len(phases)

    monkeypatch.setattr(moments, "kill_one_study", kill)
    monkeypatch.setattr(moments, "contents", lambda folder: {"a": "1"})
    assert run_kills(place_of(tmp_path, found), 3, random.Random(0)) == lost
    said = capsys.readouterr().out
    assert "kills tried: 3 (3 of a worker; )" in said
    assert f"resumes identical: {1 - lost} of 1 studies" in said


@pytest.mark.parametrize(
    ("seen", "wrong"),
    [
        (Seen(2, "said", is_right=True, lost=[]), 0),
        (Seen(2, "said", is_right=True), 0),
        (Seen(0, "said", is_right=False, lost=[]), 1),
        (Seen(0, "said", is_right=True, lost=["curves of Tiny"]), 1),
    ],
)
def test_a_fault_that_goes_wrong_is_counted(tmp_path, monkeypatch, capsys, seen, wrong) -> None:
    """By what the command did, and by what was lost."""
    monkeypatch.setitem(faults.KINDS, "a fault", lambda place, out: seen)
    assert faults.run_kinds(place_of(tmp_path, {}), ["a fault"]) == wrong
    said = capsys.readouterr().out
    assert f"faults injected: 1 kinds; as they should, and nothing lost: {1 - wrong}" in said
    assert ("lost: curves of Tiny" in said) == bool(seen.lost)


@pytest.mark.parametrize(("lost", "code", "said"), [(0, 0, "nothing lost"), (2, 1, "LOST OR WRONG: 2")])
def test_the_program_fails_when_anything_is_lost(monkeypatch, capsys, lost, code, said) -> None:
    """Its exit code and its last line."""
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")  # put back afterwards
    monkeypatch.setattr(sys, "argv", ["faults", "--kills", "0", "--kinds", "", "--interruptions", "0"])
    monkeypatch.setattr(faults, "try_bad_inputs", lambda inputs, seed: lost)
    assert faults.main() == code
    assert capsys.readouterr().out.splitlines()[-1] == said


@pytest.mark.parametrize(
    ("seconds", "code", "is_kept"), [(0.4, 130, True), (5.1, 130, False), (0.4, 0, False), (0.4, -15, False)]
)
def test_an_interruption_that_breaks_the_promise_is_named(seconds, code, is_kept) -> None:
    """Too slow, or another exit code."""
    one = Interruption("train", signal.SIGTERM, seconds, code)
    assert one.is_kept == is_kept
    broken = f"BROKEN: SIGTERM during train, code {code} after {seconds} s"
    assert (broken in describe([one])) == (not is_kept)


class Reader:
    """A target of the bad inputs that meets one of each end."""

    ends = iter(())

    def load(self) -> None:
        """Nothing to import."""

    def seeds(self) -> list[bytes]:
        """One good file."""
        return [b"good"]

    def run(self, data, folder) -> None:
        """Read, refuse, or fail otherwise."""
        error = next(self.ends)
        if error:
            raise error


def test_an_input_that_ends_in_another_error_is_told_by_its_place(monkeypatch, capsys) -> None:
    """Anything but read or refused is a finding."""
    reader = Reader()
    reader.ends = iter([None, InputError("x"), KeyError("x")])
    monkeypatch.setitem(inputs.TARGETS, "reader", reader)
    monkeypatch.setattr(inputs, "lower_limits", lambda: None)
    inputs.feed("reader", 0, 0, 3)
    read, refused, other = capsys.readouterr().out.splitlines()
    assert (read, refused) == (READ, REFUSED)
    assert "KeyError" in other


def test_bad_inputs_can_be_made_again() -> None:
    """The same seed gives the same bytes, and almost always others than the good ones."""
    good = bytes(range(256))
    first, again = ([change(good, random.Random(seed)) for seed in range(50)] for _ in range(2))
    assert first == again
    assert sum(one != good for one in first) > 45


def options_of(monkeypatch, words: str):
    """The options of a command line."""
    monkeypatch.setattr(sys, "argv", ["faults", *words.split()])
    return faults.read_options()


def test_an_accelerator_meets_kills_alone_unless_more_is_asked_for(monkeypatch) -> None:
    """Its time is short; a CPU meets everything, as ever."""
    tried = ("kills", "ray_kills", "interruptions", "kinds", "inputs", "epochs")

    def given(words: str) -> list[object]:
        options = options_of(monkeypatch, words)
        return [getattr(options, name) for name in tried]

    assert given("--device gpu") == [20, 0, 0, [], 0, 1_000]
    assert given("--rehearse --kills 3 --interruptions 2") == [3, 0, 2, [], 0, faults.REHEARSED_EPOCHS]
    assert given("")[0] == given("--device cpu")[0] == 200
    assert given("")[3:] == [list(faults.KINDS), 2_000, 600]


def test_without_an_accelerator_there_is_one_sentence(monkeypatch) -> None:
    """It names what JAX lacks, and the rehearsal."""
    monkeypatch.setattr(accelerators, "may_have_accelerators", lambda: False)
    monkeypatch.setattr(sys, "argv", ["faults", "--device", "gpu"])
    assert refusal(faults.main, error=SystemExit) == (
        "This needs an accelerator, and JAX finds none here (no plugin of JAX for one is installed); "
        "see `justright doctor`, or rehearse on the CPU with --rehearse."
    )


def test_a_rehearsal_plays_one_gpu_in_the_commands_alone(tmp_path, monkeypatch) -> None:
    """The engine finds it wherever it looks, and asks no process; the study file has four lanes in three precisions."""
    for name in ("may_have_accelerators", "_answer", "_asked"):
        monkeypatch.setattr(accelerators, name, getattr(accelerators, name))  # put back afterwards
    for name in (ACCELERATORS, "JAX_COMPILATION_CACHE_DIR", "OMP_NUM_THREADS", "PYTHONPATH"):
        monkeypatch.setenv(name, "")
    place = Place(tmp_path, EPOCHS, accelerators=H100)
    place.make()
    described = read_spec(tmp_path / "study.toml")
    recipes = [described["recipe"], *(one.get("recipe", {}) for one in described["variants"].values())]
    assert described["seeds"] == [1, 2, 3, 4]
    assert [one.get("precision", "auto") for one in recipes if one] == ["auto", "float32", "bfloat16"]
    seen = []
    monkeypatch.setattr("justright.cli.main.main", lambda words: seen.append(find_accelerators()))
    monkeypatch.setattr("justright.session.session.run_study", None)  # replaced by the driver
    run_command([])
    accelerators.ask_ahead()
    assert seen == [Accelerators("cuda", 1, None, "NVIDIA H100 80GB HBM3", "9.0")]
    assert engines.device_kind("local").default_precision == "tensorfloat32"


def measured(**losses: list[float | None]) -> Measured:
    """A study with one variant's runs, by seed; None where a metric was not measured."""
    return Measured(
        {},
        {
            f"Wide, seed {name[1:]}, 480 rows: epoch {epoch}": {"val_loss": loss, "fixed": None}
            for name, values in losses.items()
            for epoch, loss in enumerate(values)
        },
        {},
    )


def test_how_far_other_lanes_are_apart_is_said_for_the_epochs_that_both_have() -> None:
    """The first epoch that differs, in any run, and by how much there and at the end."""
    first = measured(s1=[0.5, 0.4, 0.4], s2=[0.5, 0.4, 0.4], s3=[0.9])
    assert far_apart(first, measured(s1=[0.5, 0.4])) == {"Wide": Apart(2, 2)}
    found = far_apart(first, measured(s1=[0.5, 0.4, 0.5], s2=[0.5, 0.41, 0.4], s9=[0.1]))
    assert found == {"Wide": Apart(6, 4, 1, pytest.approx(0.025), pytest.approx(0.25))}
    assert list(cells_of(first, measured(s1=[0.5, 0.8]))) == [("Wide", "2", "1", "1", "1.0e+00", "1.0e+00")]


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows cannot fork")
def test_a_few_kills_and_signals_at_random_moments_lose_nothing(tmp_path, monkeypatch, capsys) -> None:
    """The short version of `python -m benchmarks.faults`, with a damaged database and a second command."""
    for name in ("JAX_COMPILATION_CACHE_DIR", "OMP_NUM_THREADS", "PYTHONPATH"):
        monkeypatch.setenv(name, "")  # put back afterwards: the harness sets them for its commands
    monkeypatch.setattr(moments, "REPORT_KILLS", 1)  # so that two of three kills are in the training
    before = signal.getsignal(signal.SIGINT)
    hear_interrupts()
    place, dice = Place(tmp_path, EPOCHS), random.Random(0)
    try:
        place.make()
        faults.run_undisturbed(place)
        wrong = run_kills(place, 3, dice)
        wrong += run_interruptions(place, 1, dice)
        wrong += faults.run_kinds(place, ["database damaged", "two commands on one folder"])
    finally:
        signal.signal(signal.SIGINT, before)
    said = capsys.readouterr().out
    assert wrong == 0, said
    assert "kills tried: 3" in said
    assert "interruptions tried: 1" in said
    assert "nothing lost: 2" in said
