"""Tables that are printed for people: boxes after each evaluation, rows behind bars, and boxes that are no log."""

from __future__ import annotations

import pytest

from justright.errors import InputError
from justright.logs.formats.registry import read_logs

TRAIN = [0.7, 0.6, 0.5, 0.45]
VALIDATION = [0.72, 0.65, 0.66, 0.7]
PAIRS = list(enumerate(zip(TRAIN, VALIDATION, strict=True)))
MODEL = """\
┏━━━┳━━━━━━┳━━━━━━━━━━━━┳━━━━━━━━┳━━━━━━━┳━━━━━━━┓
┃   ┃ Name ┃ Type       ┃ Params ┃ Mode  ┃ FLOPs ┃
┡━━━╇━━━━━━╇━━━━━━━━━━━━╇━━━━━━━━╇━━━━━━━╇━━━━━━━┩
│ 0 │ net  │ Sequential │  2.9 K │ train │     0 │
└───┴──────┴────────────┴────────┴───────┴───────┘
"""


def read(tmp_path, text):
    """Return the only run in a text."""
    path = tmp_path / "out.log"
    path.write_text(text)
    (curves,) = read_logs(path).curves
    return curves


def test_each_box_is_an_evaluation(tmp_path):
    """Stable-Baselines3 puts the evaluation into a box of its own, and names in groups."""
    text = "Using cpu device\n"
    for number, (train, validation) in PAIRS:
        steps = 128 * (number + 1)
        text += f"-----------------\n| eval/ | |\n|    mean_reward     | {validation} |\n| time/ | |\n|    total_timesteps | {steps} |\n-----------------\n"
        text += f"-----------------\n| time/ | |\n|    total_timesteps | {steps} |\n| train/ | |\n|    loss | {train} |\n-----------------\n"
    curves = read(tmp_path, text)
    assert curves.unit == "step"
    assert {one.written: (one.at.tolist(), one.values.tolist()) for one in curves.curves} == {
        "eval/mean_reward": ([128, 256, 384, 512], VALIDATION),
        "train/loss": ([128, 256, 384, 512], TRAIN),
    }


def test_a_row_that_was_written_over_a_bar_is_read(tmp_path):
    """As fastai prints its table outside a notebook."""
    text = "█\repoch     train_loss  valid_loss  time    \n" + "".join(
        f"█\r\rEpoch {number + 1}/4 : |██----| 33.33% [2/6 00:00<00:00]\r          \r"
        f"{number}         {train:.6f}    {validation:.6f}    00:00     \n"
        for number, (train, validation) in PAIRS
    )
    curves = read(tmp_path, text)
    assert curves.format == "fastai-csv"
    found = {one.written: one.values.tolist() for one in curves.curves if one.direction}
    assert found == {"train_loss": TRAIN, "valid_loss": VALIDATION}


def test_the_box_of_a_model_s_layers_is_no_table_of_training(tmp_path):
    """Lightning prints it before everything else; what follows is read."""
    lines = "".join(
        f"Epoch {number}: train_loss={train} val_loss={validation}\n" for number, (train, validation) in PAIRS
    )
    curves = read(tmp_path, f"{MODEL}Total params: 2.9 K\n{lines}")
    assert {one.written: one.values.tolist() for one in curves.curves} == {
        "train_loss": TRAIN,
        "val_loss": VALIDATION,
    }
    with pytest.raises(InputError, match="A text log must hold numbers by name"):
        read(tmp_path, MODEL)


def test_a_sentence_above_a_header_is_not_the_header(tmp_path):
    """It has as many words as there are columns: spaCy says so where it saves its results."""
    rows = "".join(
        f"{number}  {20 * number}  {train}  {100 * validation}  {validation}\n"
        for number, (train, validation) in PAIRS
    )
    text = "ℹ Saving results to log.jsonl\nE    #       LOSS TEXTCAT  CATS_SCORE  SCORE \n"
    text += f"---  ------  ------------  ----------  ------\n{rows}"
    curves = read(tmp_path, text)
    assert (curves.format, curves.unit) == ("spacy", "step")
