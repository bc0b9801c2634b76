"""Which logs a folder holds."""

from __future__ import annotations

import json
import os

import pytest
from tests.refusals import refusal

from justright.errors import InputError
from justright.logs.choices import Choices
from justright.logs.formats.registry import read_logs

ROWS = "epoch,loss,val_loss\n0,0.7,0.8\n1,0.6,0.7\n2,0.5,0.75\n"
OTHER_ROWS = "epoch,loss,val_loss\n0,0.8,0.9\n1,0.61,0.71\n2,0.51,0.73\n"


def write(path, text=ROWS):
    """Write a file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def names(path, **choices):
    """Return the names of the runs in a folder, without the folder's own."""
    return [run.name.removeprefix(f"{path}/") for run in read_logs(path, Choices(**choices)).curves]


def test_a_folder_with_one_log_is_that_log(tmp_path):
    """Whatever it is called, and whatever else is there."""
    write(tmp_path / "training.log")
    write(tmp_path / "config.json", '{"lr": 0.1}')
    write(tmp_path / "requirements.txt", "numpy\n")
    write(tmp_path / "README.md", "# hello")
    (tmp_path / "model.safetensors").write_bytes(b"\x00\x01")
    runs = read_logs(tmp_path)
    assert [run.name for run in runs.curves] == [str(tmp_path / "training.log")]
    assert runs.refused == ()


def test_every_log_of_a_folder_is_a_run_in_the_order_of_counting(tmp_path):
    """version_2 before version_10."""
    for version in (10, 2):
        write(tmp_path / "lightning_logs" / f"version_{version}" / "metrics.csv")
    assert names(tmp_path) == [
        "lightning_logs/version_2/metrics.csv",
        "lightning_logs/version_10/metrics.csv",
    ]


def test_a_bad_file_costs_only_itself_and_is_said(tmp_path):
    """Files whose names say that they are logs; others are passed over."""
    write(tmp_path / "training.log")
    (tmp_path / "history.json").write_text("[1, 2")
    (tmp_path / "empty.log").write_text("")
    (tmp_path / "notes.txt").write_text("to do: nothing\n")
    runs = read_logs(tmp_path)
    assert [run.name for run in runs.curves] == [str(tmp_path / "training.log")]
    assert len(runs.refused) == 2
    assert runs.refused[0] == f"A training log must hold something; {str(tmp_path / 'empty.log')!r} is empty."
    assert str(tmp_path / "history.json") in runs.refused[1]


def test_a_table_of_something_else_is_no_run(tmp_path):
    """Predictions beside a log have no measure of success."""
    write(tmp_path / "history.csv")
    write(tmp_path / "predictions.csv", "id,target,width\n0,1,0.5\n1,0,0.6\n2,1,0.3\n")
    assert names(tmp_path) == ["history.csv"]


def test_a_folder_whose_only_log_is_bad_says_what_is_wrong_with_it(tmp_path):
    """And one with several bad ones names them."""
    (tmp_path / "a.log").write_text("")
    assert (
        refusal(read_logs, tmp_path)
        == f"A training log must hold something; {str(tmp_path / 'a.log')!r} is empty."
    )
    (tmp_path / "b.log").write_text("")
    assert refusal(read_logs, tmp_path) == (
        f"A log folder must hold curves; {str(tmp_path)!r} holds none. A training log must hold something; "
        f"{str(tmp_path / 'a.log')!r} is empty. A training log must hold something; {str(tmp_path / 'b.log')!r} is empty."
    )


def test_only_the_last_checkpoint_of_a_run_is_read(tmp_path):
    """Each holds the log so far."""
    history = [{"epoch": float(epoch), "step": 10 * epoch, "eval_loss": 1 / epoch} for epoch in range(1, 9)]
    for count in (2, 4, 8):
        path = tmp_path / "out" / f"checkpoint-{10 * count}" / "trainer_state.json"
        write(path, json.dumps({"log_history": history[:count]}))
    (run,) = read_logs(tmp_path).curves
    assert run.curves[0].values.tolist() == [entry["eval_loss"] for entry in history]


def test_the_same_curves_in_two_formats_are_one_run(tmp_path, event_writer):
    """The event file beside the text is passed over; one with other curves is not."""
    write(tmp_path / "metrics.csv")
    event_writer(tmp_path / "board", "val_loss", {0: 0.8, 1: 0.7, 2: 0.75}, old_style=True)
    assert names(tmp_path) == ["metrics.csv"]
    event_writer(tmp_path / "other", "val_loss", {0: 0.8, 1: 0.7, 2: 0.65}, old_style=True)
    assert names(tmp_path) == ["other", "metrics.csv"]


def test_copies_of_one_format_are_runs_of_their_own(tmp_path):
    """Two versions may well agree."""
    for version in (0, 1):
        write(tmp_path / f"version_{version}" / "metrics.csv")
    assert len(names(tmp_path)) == 2


@pytest.mark.parametrize("pattern", ["seed-{}/history.csv", "fold_{}.csv", "log_seed{}.csv"])
def test_seeds_and_folds_are_members_of_one_group(tmp_path, pattern):
    """By the names of their folders or files; a lone one is a run of its own."""
    write(tmp_path / pattern.format(0))
    assert [run.member for run in read_logs(tmp_path).curves] == [""]
    write(tmp_path / pattern.format(1), OTHER_ROWS)
    runs = read_logs(tmp_path).curves
    word = "fold" if "fold" in pattern else "seed"
    assert [run.member for run in runs] == [f"{word} 0", f"{word} 1"]
    assert len({run.group for run in runs}) == 1
    assert runs[0].group


def test_a_run_is_chosen_by_name(tmp_path):
    """By its whole name, its end, or a folder in it."""
    for name in ("small", "large"):
        write(tmp_path / name / "history.csv")
    assert names(tmp_path, run="large") == ["large/history.csv"]
    assert names(tmp_path, run=str(tmp_path / "small" / "history.csv")) == ["small/history.csv"]
    with pytest.raises(InputError) as caught:
        names(tmp_path, run="smal/history.csv")
    message = str(caught.value)
    assert message.startswith("`run` must be one of the log's 2 runs; got 'smal/history.csv'.")
    assert message.endswith(
        f" Runs: {str(tmp_path / 'large/history.csv')!r}, {str(tmp_path / 'small/history.csv')!r}."
    )


def test_earlier_attempts_come_last(tmp_path):
    """The runs that count are at the front."""
    write(tmp_path / "a.log", ROWS + "0,0.71,0.81\n1,0.62,0.72\n")
    write(tmp_path / "b.log", OTHER_ROWS)
    runs = read_logs(tmp_path).curves
    assert [run.is_earlier for run in runs] == [False, False, True]
    assert runs[-1].name == f"{tmp_path / 'a.log'}, first attempt (3 epochs)"


def test_links_are_followed_inside_the_folder_only(tmp_path):
    """Nothing outside is read, no circle is walked, and no file counts twice."""
    secret = write(tmp_path / "outside" / "secret.log")
    folder = tmp_path / "run"
    write(folder / "one" / "training.log")
    (folder / "latest.log").symlink_to(folder / "one" / "training.log")
    (folder / "circle").symlink_to(folder)
    (folder / "away.log").symlink_to(secret)
    (folder / "elsewhere").symlink_to(secret.parent)
    (folder / "broken.log").symlink_to(folder / "nothing")
    (folder / "a.log").symlink_to(folder / "b.log")
    (folder / "b.log").symlink_to(folder / "a.log")
    assert names(folder) == ["one/training.log"]


def test_pipes_and_hidden_folders_are_passed_over(tmp_path):
    """A pipe in a folder would wait for a writer for ever."""
    write(tmp_path / "training.log")
    os.mkfifo(tmp_path / "pipe.log")
    write(tmp_path / ".ipynb_checkpoints" / "training-checkpoint.log")
    assert names(tmp_path) == ["training.log"]


def test_limits_end_in_a_sentence(tmp_path, monkeypatch):
    """A data set is no log folder."""
    for number in range(3):
        write(tmp_path / f"{number}.log")
    monkeypatch.setattr("justright.logs.discovery.folders.MAX_LOGS", 2)
    assert refusal(read_logs, tmp_path) == (
        f"A log folder must hold at most 2 text files with 256 MiB; {str(tmp_path)!r} holds more. Name one of the folders or "
        "files in it."
    )
    monkeypatch.setattr("justright.logs.discovery.folders.MAX_FILES", 2)
    assert (
        refusal(read_logs, tmp_path) == f"A log folder must hold at most 2 files; {str(tmp_path)!r} has more."
    )


def test_a_folder_that_may_not_be_listed_costs_only_itself(tmp_path, monkeypatch):
    """The logs beside it are read."""
    write(tmp_path / "locked" / "training.log")
    write(tmp_path / "open" / "training.log")
    scan = os.scandir

    def refuse(path):
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied")
        return scan(path)

    monkeypatch.setattr("justright.logs.discovery.folders.os.scandir", refuse)
    assert names(tmp_path) == ["open/training.log"]


def test_a_table_with_one_value_for_each_run_is_no_log(tmp_path):
    """As experiments are summed up."""
    path = write(tmp_path / "table.csv", "run,epoch,val_loss\na,10,0.5\nb,10,0.6\nc,10,0.7\n")
    with pytest.raises(InputError, match="Give the history of "):
        read_logs(path)


def test_a_copy_of_a_log_in_its_own_folder_is_left_out(tmp_path):
    """MMEngine writes scalars.json twice; the logs of two folders may be equal, and are two."""
    write(tmp_path / "a" / "20260131.log")
    write(tmp_path / "a" / "training.log")
    write(tmp_path / "b" / "training.log")
    assert names(tmp_path) == ["a/20260131.log", "b/training.log"]
