"""Files of numbers without a header that are named as what they hold need no names of columns."""

from __future__ import annotations

import pytest

from justright.errors import InputError
from justright.logs.formats.registry import read_logs

NOTE = "The file names no columns: its values were taken for {!r}, as the file is called."


def test_two_files_named_as_metrics_are_one_run(tmp_path):
    """`np.savetxt("val_loss.txt", losses)` is how many keep their losses."""
    (tmp_path / "train_loss.txt").write_text("7.0e-01\n6.0e-01\n5.0e-01\n4.5e-01\n")
    (tmp_path / "val_loss.txt").write_text("7.2e-01\n6.5e-01\n6.6e-01\n7.0e-01\n")
    (run,) = read_logs(tmp_path).curves
    assert [(one.written, one.role, one.values.tolist()) for one in run.curves] == [
        ("train_loss", "train", [0.7, 0.6, 0.5, 0.45]),
        ("val_loss", "validation", [0.72, 0.65, 0.66, 0.7]),
    ]
    assert run.notes == (NOTE.format("train_loss"), NOTE.format("val_loss"))


def test_what_counts_stands_before_the_value(tmp_path):
    """d3rlpy writes epoch, step and value, a file for each metric."""
    path = tmp_path / "loss.csv"
    path.write_text("1,50,0.7\n2,100,0.6\n3,150,0.5\n4,200,0.45\n")
    (run,) = read_logs(path).curves
    assert [(one.written, one.at.tolist()) for one in run.curves] == [("loss", [1, 2, 3, 4])]


@pytest.mark.parametrize("text", ["0.7,0.9\n0.6,0.9\n0.5,0.9\n", "3,0.7\n2,0.6\n1,0.5\n"])
def test_columns_that_do_not_count_need_names(tmp_path, text):
    """Which of two columns is the loss, nothing says."""
    path = tmp_path / "val_loss.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=r"^A table must begin with a line that names its columns; "):
        read_logs(path)
