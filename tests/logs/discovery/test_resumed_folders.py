"""Runs that were resumed into folders of their own."""

from __future__ import annotations

import pytest

from justright.logs.formats.registry import read_logs

TRAIN = [0.7, 0.6, 0.5, 0.45, 0.4, 0.35]
VALIDATION = [0.72, 0.65, 0.66, 0.7, 0.74, 0.8]


def write(folder, epochs, shift=0.0):
    """Write Lightning's log of some epochs."""
    folder.mkdir(parents=True)
    rows = "".join(
        f"{epoch},{10 * epoch + 9},{TRAIN[epoch] + shift},{VALIDATION[epoch] + shift}\n" for epoch in epochs
    )
    (folder / "metrics.csv").write_text(f"epoch,step,train_loss,val_loss\n{rows}")


@pytest.mark.parametrize("start", [4, 3], ids=["at the end", "from a checkpoint before the end"])
def test_a_run_that_begins_where_the_one_before_ended_goes_on_with_it(tmp_path, start):
    """Of epochs that were trained twice the second time counts, and what was joined is said."""
    write(tmp_path / "version_0", range(4))
    write(tmp_path / "version_1", range(start, 6))
    (run,) = read_logs(tmp_path).curves
    assert {one.written: (one.at.tolist(), one.values.tolist()) for one in run.curves if one.direction} == {
        "train_loss": ([0, 1, 2, 3, 4, 5], TRAIN),
        "val_loss": ([0, 1, 2, 3, 4, 5], VALIDATION),
    }
    assert (
        f"It begins at epoch {start}, where 'version_0' ended or was left: both were read as one run that was resumed."
        in run.notes
    )


def test_runs_from_the_beginning_and_runs_of_other_names_stay_apart(tmp_path):
    """So do those that leave a hole between them."""
    write(tmp_path / "a" / "version_0", range(4))
    write(tmp_path / "a" / "version_1", range(4), shift=0.01)
    write(tmp_path / "b" / "version_2", range(4), shift=0.02)
    write(tmp_path / "c" / "version_0", range(2), shift=0.03)
    write(tmp_path / "c" / "version_1", range(4, 6), shift=0.04)
    assert len(read_logs(tmp_path).curves) == 5
