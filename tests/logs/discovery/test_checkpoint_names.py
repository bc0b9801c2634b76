"""The checkpoints beside a log, placed on its time."""

from __future__ import annotations

import math

import pytest

from justright.logs.discovery.checkpoint_names import with_checkpoints
from justright.logs.logged_run import LoggedRun, Series


def logged(path, *, points=6, first=0, unit="epoch", spacing=1, **others):
    """Return the run of a file with a falling validation loss, and write the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("a log")
    at = [float(spacing * (first + place)) for place in range(points)]
    values = [0.9 - 0.1 * place for place in range(points)]
    return LoggedRun(str(path), [Series("val_loss", at, values)], unit, **others)


def add(folder, *names):
    """Write empty checkpoints."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()


@pytest.mark.parametrize(
    ("place", "names", "first", "expected"),
    [
        ("checkpoints", ("epoch=3-step=400.ckpt", "last.ckpt"), 0, {3: "checkpoints/epoch=3-step=400.ckpt"}),
        # Keras' ModelCheckpoint counts from 1, its logs from 0.
        ("", ("model.05.keras", "best.keras"), 0, {4: "model.05.keras"}),
        # ... unless the value in the name says otherwise: 0.9 - 0.1 * 3.
        ("", ("weights.03-0.60.h5",), 0, {3: "weights.03-0.60.h5"}),
        ("", ("weights.04-0.60.h5",), 0, {3: "weights.04-0.60.h5"}),
        # The last one lies beyond a log that counts from 0: the names count from 1.
        (
            "models",
            ("net_epoch_2.pth", "net_epoch_6.pth"),
            0,
            {1: "models/net_epoch_2.pth", 5: "models/net_epoch_6.pth"},
        ),
        ("weights", ("best.pt", "last.pt", "epoch3.pt"), 1, {3: "weights/epoch3.pt"}),
    ],
)
def test_names_with_an_epoch_are_placed(tmp_path, place, names, first, expected):
    """As Lightning, Keras, PyTorch programs and Ultralytics name them."""
    run = logged(tmp_path / "run" / "log.csv", first=first)
    add(tmp_path / "run" / place, *names)
    assert with_checkpoints(run, tmp_path / "run" / "log.csv").checkpoints == expected


def test_names_with_a_step_are_placed_in_a_log_of_steps(tmp_path):
    """Folders too, beside a log or around it."""
    run = logged(tmp_path / "out" / "log.csv", unit="step", spacing=100, first=1)
    for step in (200, 400):
        (tmp_path / "out" / f"checkpoint-{step}").mkdir()
    expected = {200: "checkpoint-200", 400: "checkpoint-400"}
    assert with_checkpoints(run, tmp_path / "out" / "log.csv").checkpoints == expected
    inside = logged(tmp_path / "out" / "checkpoint-400" / "log.csv", unit="step", spacing=100, first=1)
    assert with_checkpoints(inside, tmp_path / "out" / "checkpoint-400" / "log.csv").checkpoints == expected


def test_an_epoch_is_found_by_its_last_step(tmp_path):
    """In a log of steps that knows their epochs."""
    epochs = {100.0: 0.0, 200.0: 0.0, 300.0: 1.0, 400.0: 1.0}
    run = logged(tmp_path / "log.csv", unit="step", spacing=100, first=1, epochs=epochs)
    add(tmp_path, "model_epoch_0.pt", "model_epoch_1.pt")
    assert with_checkpoints(run, tmp_path / "log.csv").checkpoints == {
        200: "model_epoch_0.pt",
        400: "model_epoch_1.pt",
    }


def test_checkpoints_of_a_longer_run_are_another_runs(tmp_path):
    """One of epoch 90 beside a log of six epochs."""
    run = logged(tmp_path / "log.csv")
    add(tmp_path, "model_epoch_3.pth", "model_epoch_90.pth")
    assert with_checkpoints(run, tmp_path / "log.csv").checkpoints == {}


def test_what_the_log_itself_names_stays(tmp_path):
    """And a pipe has no folder of its own."""
    run = logged(tmp_path / "log.csv", checkpoints={1.0: "mine"})
    add(tmp_path, "model_epoch_3.pth")
    assert with_checkpoints(run, tmp_path / "log.csv").checkpoints == {1: "mine"}
    piped = LoggedRun("-", run.series)
    assert with_checkpoints(piped, tmp_path.__class__("-")) is piped


def test_the_one_that_is_called_the_best_has_no_time(tmp_path):
    """It stands in where no other tells its epoch; of two, nobody knows which."""
    run = logged(tmp_path / "log.csv")
    add(tmp_path / "weights", "best.pt", "last.pt")
    ((at, name),) = with_checkpoints(run, tmp_path / "log.csv").checkpoints.items()
    assert math.isnan(at)
    assert name == "weights/best.pt"
    add(tmp_path, "model_epoch_3.pth")
    assert with_checkpoints(run, tmp_path / "log.csv").checkpoints == {3: "model_epoch_3.pth"}
    (tmp_path / "model_epoch_3.pth").unlink()
    add(tmp_path, "best_acc.pth")
    assert with_checkpoints(run, tmp_path / "log.csv").checkpoints == {}
