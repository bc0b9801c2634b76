"""Text that holds whole curves by their names."""

from __future__ import annotations

import pytest

from justright.errors import InputError
from justright.logs.formats.registry import read_logs

TRAIN = [0.7, 0.6, 0.5, 0.45]
VALIDATION = [0.72, 0.65, 0.66, 0.7]
ITEMS = "".join(f"- {v}\n" for v in VALIDATION)
ROUNDS = "".join(f"INFO :      \t\tround {number}: {v}\n" for number, v in enumerate(VALIDATION, 1))

TEXTS = {
    "Python": f"train_losses = {TRAIN}\nval_losses = {VALIDATION}\n",
    "headings": f"Train losses:\n{TRAIN}\nValidation losses:\n{VALIDATION}\n",
    "NumPy": "train loss: [0.7  0.6\n 0.5  0.45]\nval loss: [0.72 0.65\n 0.66 0.7 ]\n",
    "YAML": f"loss:\n- 0.7\n- 0.6\n- 0.5\n- 0.45\nval_loss:\n{ITEMS}",
    "a line per metric": "metric,0,1,2,3\nloss,0.7,0.6,0.5,0.45\nval_loss,0.72,0.65,0.66,0.7\n",
    "Flower": f"INFO :      \tHistory (loss, distributed):\n{ROUNDS}",
    "Flower of old": f"INFO flwr 2026-01-31 12:00:00,123 | app.py:225 | losses_distributed {list(enumerate(VALIDATION, 1))}\n",
}


@pytest.mark.parametrize("kind", TEXTS)
def test_lists_are_curves(tmp_path, kind):
    """A value per epoch, whatever stands around them; Flower evaluates."""
    path = tmp_path / "curves.txt"
    path.write_text(TEXTS[kind])
    (run,) = read_logs(path).curves
    assert run.format == "lists"
    (loss,) = run.judged_first("validation")
    train = run.train_curve(loss.metric)
    assert loss.values.tolist() == VALIDATION
    assert kind.startswith("Flower") or train.values.tolist() == TRAIN


def test_rounds_count_as_they_are_numbered(tmp_path):
    """Flower's first round is 1."""
    path = tmp_path / "server.log"
    path.write_text(TEXTS["Flower"])
    (run,) = read_logs(path).curves
    assert (run.unit, [one.at.tolist() for one in run.curves]) == ("iteration", [[1, 2, 3, 4]])


def test_lists_of_which_none_is_a_measure_are_no_log(tmp_path):
    """Nor are lists of two, and those of a name that comes back, as sizes in a text of another kind."""
    path = tmp_path / "notes.txt"
    path.write_text("layers = [64 32 16]\nloss = [0.7 0.6]\nerror at [1 2 3]\nerror at [4 5 6]\n")
    with pytest.raises(InputError, match=r"^A text log must hold numbers by name, "):
        read_logs(path)
