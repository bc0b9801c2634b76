"""Early stopping is written as the tool that trained writes it, and not at all where nobody knows which tool that was."""

from __future__ import annotations

import numpy as np
import pytest

from justright.logs.judge_run import judge_run
from justright.logs.log_curves import LogCurves
from justright.logs.logged_run import LoggedRun, Series

RISING = [float(value) for value in np.r_[np.linspace(0.7, 0.5, 8), np.linspace(0.51, 0.9, 32)]]
FALLING = [float(value) for value in np.linspace(0.7, 0.1, 40)]
LIGHTNING = 'lightning.pytorch.callbacks.EarlyStopping(monitor="val_loss", patience=5)'
KERAS = 'keras.callbacks.EarlyStopping(monitor="val_loss", patience=5, restore_best_weights=True)'


@pytest.mark.parametrize(
    ("format_name", "train", "validation", "code"),
    [
        ("keras-csv", "loss", "val_loss", KERAS),
        ("json", "loss", "val_loss", KERAS),
        ("tensorboard", "train/epoch_loss", "validation/epoch_loss", KERAS),
        ("lightning-csv", "train_loss", "val_loss", LIGHTNING),
        (
            "huggingface-trainer",
            "loss",
            "eval_loss",
            "transformers.EarlyStoppingCallback(early_stopping_patience=5)",
        ),
        (
            "fastai-csv",
            "train_loss",
            "valid_loss",
            'EarlyStoppingCallback(monitor="valid_loss", patience=5)',
        ),
        ("json", "train_loss", "val_loss", ""),
        ("text", "loss", "val_loss", ""),
        ("tensorboard", "Loss/train", "Loss/val", ""),
    ],
)
def test_early_stopping_is_in_the_words_of_the_log_s_tool(format_name, train, validation, code):
    """Keras' names tell Keras in formats that many tools write."""
    at = [float(epoch) for epoch in range(40)]
    run = LoggedRun("log", [Series(train, list(at), FALLING), Series(validation, list(at), RISING)])
    reading = judge_run(LogCurves.of_run(run, format_name))
    (advice,) = [one for one in reading.advice if one.words.startswith("Early stopping")]
    assert advice.command == code
    assert advice.words.startswith(
        "Early stopping with a patience of 5 evaluations would have ended this run"
    )
