"""JSON Lines as detection tools, Ray Tune and people's own loops write them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from justright.logs.formats.json_shapes.json_lines import JSON_LINES
from justright.logs.logged_run import LoggedRun
from justright.logs.metric_names import parse_name
from justright.logs.source import Source


def read(records, tmp_path: Path) -> list[LoggedRun]:
    """Return the runs of records saved one per line."""
    path = tmp_path / "log.json"
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    source = Source.of_file(path)
    assert JSON_LINES.matches(source)
    return list(JSON_LINES.read(source))


def points(run: LoggedRun, name: str) -> list[tuple[float, float]]:
    """Return (time, value) of one series."""
    (one,) = (one for one in run.series if one.written == name)
    return list(zip(one.at, one.values, strict=True))


def test_detr_logs_a_line_per_epoch_with_cocos_twelve_numbers(tmp_path):
    """Average precision is the first of the twelve; the run was resumed, and its lines are kept in their order."""
    coco = [0.25, 0.46, 0.24, *[0.1] * 9]
    (run,) = read(
        [
            {
                "train_loss": 9.0,
                "test_loss": 8.0,
                "test_coco_eval_bbox": coco,
                "epoch": epoch,
                "n_parameters": 5,
            }
            for epoch in (0, 1, 1, 2)
        ],
        tmp_path,
    )
    assert run.unit == "epoch"
    assert points(run, "test_loss") == [(0, 8), (1, 8), (1, 8), (2, 8)]
    assert points(run, "test_coco_eval_bbox/AP")[0] == (0, 0.25)
    assert points(run, "test_coco_eval_bbox/AP50")[0] == (0, 0.46)
    assert run.series[0].lines == [0, 1, 2, 3]


def mm_detection(epochs: int):
    """Yield lines as MMDetection 2 writes them: iterations count within an epoch, those of an evaluation its own batches."""
    yield {"env_info": "GPU 0: V100", "seed": 0, "exp_name": "x.py"}
    for epoch in range(1, epochs + 1):
        for step in (50, 100):
            yield {"mode": "train", "epoch": epoch, "iter": step, "lr": 0.1, "loss": 1 / epoch}
        yield {"mode": "val", "epoch": epoch, "iter": 9, "lr": 0.1, "bbox_mAP": 0.1 * epoch}


def test_mm_detection_is_told_by_epochs(tmp_path):
    """Training lines lie inside their epoch, evaluations at its end; the header is none of them."""
    (run,) = read(mm_detection(3), tmp_path)
    assert run.unit == "epoch"
    assert [at for at, _ in points(run, "train/loss")] == [0.5, 1, 1.5, 2, 2.5, 3]
    assert [at for at, _ in points(run, "val/bbox_mAP")] == [1, 2, 3]
    assert "seed" not in {one.written for one in run.series}


def test_mm_segmentation_is_told_by_iterations(tmp_path):
    """Several evaluations in an epoch: each lies where training was, whatever batches it counted itself."""
    records = []
    for step in (100, 200, 300, 400):
        records.append({"mode": "train", "epoch": 1 + step // 300, "iter": step, "loss": 1.0})
        records.append({"mode": "val", "epoch": 1 + step // 300, "iter": 25, "mIoU": 0.5})
    (run,) = read(records, tmp_path)
    assert run.unit == "iteration"
    assert [at for at, _ in points(run, "val/mIoU")] == [100, 200, 300, 400]
    assert run.epochs == {100: 1, 200: 1, 300: 2, 400: 2}


def test_mm_engine_says_neither_mode_nor_that_steps_of_evaluations_are_epochs(tmp_path):
    """Lines of scalars.json without `iter` are evaluations, and their step is the epoch that had just ended."""
    records = []
    for epoch in (1, 2):
        for step in (1, 2):
            now = 2 * (epoch - 1) + step
            common = {"data_time": 0.1, "time": 0.2, "epoch": epoch, "iter": now, "step": now}
            records.append({"lr": 0.1, "loss": 1 / now, **common})
        records.append({"accuracy/top1": 50.0, "data_time": 0.1, "time": 0.2, "step": epoch})
    (run,) = read(records, tmp_path)
    assert run.unit == "epoch"
    assert [at for at, _ in points(run, "train/loss")] == [0.5, 1, 1.5, 2]
    assert points(run, "val/accuracy/top1") == [(1, 50), (2, 50)]


def test_detectron_evaluates_on_rows_that_its_names_do_not_tell(tmp_path):
    """'bbox/AP' is measured on validation rows, 'total_loss' on training rows."""
    records = [
        {"iteration": 19, "lr": 0.1, "total_loss": 2.0},
        {"iteration": 39, "total_loss": 1.5, "bbox/AP": 30.0},
    ]
    (run,) = read(records, tmp_path)
    assert run.unit == "iteration"
    roles = {one.written: one.role or parse_name(one.written).role for one in run.series}
    assert roles == {"lr": None, "total_loss": None, "bbox/AP": "validation"}
    assert points(run, "bbox/AP") == [(39, 30)]


def test_ray_tunes_settings_are_no_metrics(tmp_path):
    """`config` is nested in every line of result.json."""
    records = [
        {
            "training_iteration": step,
            "val": {"loss": 1 / step},
            "config": {"lr": 0.1},
            "trial_id": "ab_0",
            "done": False,
        }
        for step in (1, 2, 3)
    ]
    (run,) = read(records, tmp_path)
    assert run.unit == "iteration"
    assert [one.written for one in run.series] == ["val/loss"]
    assert points(run, "val/loss") == [(1, 1), (2, 1 / 2), (3, 1 / 3)]


def test_trials_are_told_apart(tmp_path):
    """Told apart by their id, not by the order of lines."""
    records = [
        {"trial_id": trial, "epoch": epoch, "val_loss": ord(trial)}
        for epoch in range(3)
        for trial in ("a", "b")
    ]
    runs = read(records, tmp_path)
    assert [run.member for run in runs] == ["trial_id a", "trial_id b"]
    assert {run.group for run in runs} == {str(tmp_path / "log.json")}
    assert [points(run, "val_loss") for run in runs] == [
        [(0, value), (1, value), (2, value)] for value in (ord("a"), ord("b"))
    ]


def test_wandbs_history_counts_by_its_own_step(tmp_path):
    """Names that begin with '_' are W&B's own."""
    records = [{"_step": step, "_runtime": 9.5, "_timestamp": 1.6e9, "train/loss": 0.5} for step in (0, 10)]
    (run,) = read(records, tmp_path)
    assert (run.unit, [one.written for one in run.series]) == ("step", ["train/loss"])
    assert points(run, "train/loss") == [(0, 0.5), (10, 0.5)]


def test_python_dicts_on_lines_are_read(tmp_path):
    """As Hugging Face's Trainer prints them."""
    path = tmp_path / "out.txt"
    path.write_text(
        "{'loss': 0.5, 'epoch': 0.5}\n{'eval_loss': 0.6, 'epoch': 1.0}\n{'eval_loss': nan, 'epoch': 2.0}\n"
    )
    (run,) = JSON_LINES.read(Source.of_file(path))
    assert points(run, "loss") == [(0.5, 0.5)]
    assert [at for at, _ in points(run, "eval_loss")] == [1, 2]


@pytest.mark.parametrize("last", ['{"epoch": 2, "val_lo', '{"epoch": 2, "val_loss": 0.1'])
def test_a_half_written_last_line_is_left_out(last, tmp_path):
    """And the source says so."""
    path = tmp_path / "log.jsonl"
    path.write_text('{"epoch": 0, "val_loss": 0.5}\n{"epoch": 1, "val_loss": 0.4}\n' + last)
    source = Source.of_file(path)
    (run,) = JSON_LINES.read(source)
    assert points(run, "val_loss") == [(0, 0.5), (1, 0.4)]
    assert source.notes == ["The last line is half-written, and was left out."]
