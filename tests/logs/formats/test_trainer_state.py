"""Hugging Face's trainer_state.json: one evaluation set or several, epochs or steps, checkpoints."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.refusals import refusal

from justright.logs.formats.trainer_state import TRAINER_STATE
from justright.logs.logged_run import LoggedRun
from justright.logs.source import Source


def save(folder: Path, history, **state) -> Path:
    """Write a trainer_state.json below a folder, and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "trainer_state.json"
    path.write_text(json.dumps({"log_history": history, **state}))
    return path


def read(path: Path) -> LoggedRun:
    """Return the run of a file."""
    source = Source.of_file(path)
    assert TRAINER_STATE.matches(source)
    (run,) = TRAINER_STATE.read(source)
    assert run.tool == "network"
    return run


def series(run: LoggedRun) -> dict[str, tuple[list[float], list[float]]]:
    """Return name -> (times, values)."""
    return {one.written: (one.at, one.values) for one in run.series}


def test_one_evaluation_per_epoch_is_told_by_epochs(tmp_path):
    """Training lies between them; runtimes and the entry that ends the run are no metrics of an epoch."""
    history = []
    for epoch in (1, 2, 3):
        history.append({"epoch": epoch - 0.5, "step": 10 * epoch - 5, "loss": 0.5, "learning_rate": 0.1})
        history.append({"epoch": float(epoch), "step": 10 * epoch, "eval_loss": 0.6, "eval_runtime": 2.0})
    history.append({"epoch": 3.0, "step": 30, "train_loss": 0.5, "train_runtime": 9.0, "total_flos": 1e9})
    run = read(save(tmp_path, history))
    assert (run.unit, run.epochs) == ("epoch", {})
    assert series(run) == {
        "loss": ([0.5, 1.5, 2.5], [0.5] * 3),
        "learning_rate": ([0.5, 1.5, 2.5], [0.1] * 3),
        "eval_loss": ([1, 2, 3], [0.6] * 3),
    }
    assert [one.role for one in run.series] == ["train", None, "validation"]


def test_evaluations_within_epochs_are_told_by_steps(tmp_path):
    """And each step's epoch is known."""
    history = [{"epoch": round(step / 230, 2), "step": step, "eval_loss": 0.5} for step in (100, 200, 300)]
    run = read(save(tmp_path, history))
    assert (run.unit, run.epochs) == ("step", {100: 0.43, 200: 0.87, 300: 1.3})
    assert series(run) == {"eval_loss": ([100, 200, 300], [0.5] * 3)}


def test_several_evaluation_sets_keep_their_names(tmp_path):
    """Trainer times each set, which tells sets from metrics: 'sts_dev' is a set, 'dev_accuracy' no metric."""
    history = [
        {
            "epoch": epoch,
            "step": epoch,
            f"eval_{name}_loss": 0.5,
            f"eval_{name}_accuracy": 0.6,
            f"eval_{name}_runtime": 1.0,
        }
        for epoch in (1, 2)
        for name in ("sts", "sts_dev")
    ]
    run = read(save(tmp_path, history))
    assert [(one.written, one.role, one.set, one.metric, one.at) for one in run.series] == [
        ("eval_sts_loss", "validation", "sts", "loss", [1, 2]),
        ("eval_sts_accuracy", "validation", "sts", "accuracy", [1, 2]),
        ("eval_sts_dev_loss", "validation", "sts_dev", "loss", [1, 2]),
        ("eval_sts_dev_accuracy", "validation", "sts_dev", "accuracy", [1, 2]),
    ]


def test_a_part_of_the_loss_is_no_evaluation_set(tmp_path):
    """Beside 'eval_loss', 'eval_mlm_loss' is a metric."""
    history = [{"epoch": epoch, "step": epoch, "eval_loss": 0.5, "eval_mlm_loss": 0.4} for epoch in (1, 2)]
    run = read(save(tmp_path, history))
    assert [(one.set, one.metric) for one in run.series] == [("", "loss"), ("", "mlm_loss")]


def test_checkpoints_beside_the_log_and_the_best_one_are_named(tmp_path):
    """The best may be gone from the disk, and was saved on another machine."""
    history = [{"epoch": step / 230, "step": step, "eval_loss": 0.5} for step in (100, 200, 300)]
    (tmp_path / "checkpoint-300").mkdir()
    path = save(tmp_path, history, best_model_checkpoint="C:\\out\\checkpoint-200")
    assert read(path).checkpoints == {200: "checkpoint-200", 300: "checkpoint-300"}
    inner = save(tmp_path / "checkpoint-300", history)
    assert read(inner).checkpoints == {300: "checkpoint-300"}


def test_checkpoints_of_a_log_of_epochs_lie_at_epochs(tmp_path):
    """The log itself tells which step ended which epoch."""
    history = [{"epoch": float(epoch), "step": 230 * epoch, "eval_loss": 0.5} for epoch in (1, 2)]
    run = read(save(tmp_path, history, best_model_checkpoint="out/checkpoint-230"))
    assert run.checkpoints == {1: "checkpoint-230"}


@pytest.mark.parametrize("own", [False, True])
def test_an_output_folder_is_read_through_its_own_or_its_newest_state(own, tmp_path):
    """Checkpoint 1000 is newer than 900, though its name sorts before it."""
    for step in (900, 1000):
        history = [{"epoch": now / 900, "step": now, "eval_loss": 0.5} for now in range(100, step + 1, 100)]
        save(tmp_path / f"checkpoint-{step}", history)
    if own:
        save(tmp_path, [{"epoch": 1.0, "step": 1, "eval_loss": 0.5}])
    wanted = tmp_path if own else tmp_path / "checkpoint-1000"
    files = TRAINER_STATE.folder_files(tmp_path)
    assert files == (wanted / "trainer_state.json",)
    (run,) = TRAINER_STATE.read(Source(tmp_path, files=files))
    assert run.name == str(tmp_path)
    assert own or run.checkpoints == {900: "checkpoint-900", 1000: "checkpoint-1000"}


def test_other_folders_are_not_claimed(tmp_path):
    """Nor a checkpoint without a state."""
    (tmp_path / "checkpoint-5").mkdir()
    assert TRAINER_STATE.folder_files(tmp_path) == ()


def test_a_run_that_logged_nothing_says_how_to_log(tmp_path):
    """Two settings are missing."""
    path = save(tmp_path, [{"epoch": 1.0, "step": 5, "train_runtime": 3.0, "train_loss": 0.5}])
    assert refusal(read, path) == (
        f"`log_history` must hold metrics; that of {str(path)!r} has none, only the summary that ends a run. "
        "Set `logging_steps` and `eval_strategy` in TrainingArguments, and train again."
    )


def test_an_evaluation_of_the_best_weights_after_training_is_not_the_end_of_the_curve(tmp_path):
    """`load_best_model_at_end`: the loss had risen to 0.7 when the best weights, 0.5, were loaded and measured again."""
    history = [{"epoch": float(epoch), "step": epoch, "eval_loss": 0.4 + 0.1 * epoch} for epoch in (1, 2, 3)]
    history.append({"epoch": 3.0, "step": 3, "eval_loss": 0.5})
    run = read(save(tmp_path, history))
    assert series(run) == {"eval_loss": ([1, 2, 3], [0.4 + 0.1 * epoch for epoch in (1, 2, 3)])}
    assert run.notes == (
        "An evaluation was repeated at epoch 3; the first was taken, since the second may be of the best weights.",
    )


def test_nan_was_measured(tmp_path):
    """A validation loss that is NaN throughout is kept as it is."""
    path = tmp_path / "trainer_state.json"
    path.write_text(
        '{"log_history": [{"epoch": 1.0, "step": 1, "eval_loss": NaN}, {"epoch": 2.0, "step": 2, "eval_loss": NaN}]}'
    )
    (one,) = read(path).series
    assert one.at == [1, 2]
    assert all(value != value for value in one.values)  # NaN alone differs from itself
