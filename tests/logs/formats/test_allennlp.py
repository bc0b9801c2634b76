"""AllenNLP's serialization folder, and one of its files."""

from __future__ import annotations

import json
from pathlib import Path

from tests.refusals import refusal

from justright.logs.formats.allennlp import ALLENNLP
from justright.logs.source import Source


def save(folder: Path, epochs=3) -> Path:
    """Write a file for each epoch, as AllenNLP does, and return the folder."""
    for epoch in range(epochs):
        metrics = {
            "best_epoch": 1,
            "peak_cpu_memory_MB": 6128.3,
            "training_duration": "0:43:28.443649",
            "training_start_epoch": 0,
            "training_epochs": epoch,
            "epoch": epoch,
            "training_loss": 0.5 - 0.1 * epoch,
            "training_cpu_memory_MB": 6128.3,
            "validation_accuracy": 0.75,
            "validation_loss": 0.6,
            "best_validation_loss": 0.6,
        }
        (folder / f"metrics_epoch_{epoch}.json").write_text(json.dumps(metrics))
    return folder


def test_a_folder_is_one_run(tmp_path):
    """Epoch 10 comes after epoch 9; memory and what was best so far are no metrics of an epoch."""
    save(tmp_path, epochs=12)
    files = ALLENNLP.folder_files(tmp_path)
    assert [path.name for path in files] == [f"metrics_epoch_{epoch}.json" for epoch in range(12)]
    (run,) = ALLENNLP.read(Source(tmp_path, files=files))
    assert [one.written for one in run.series] == ["training_loss", "validation_accuracy", "validation_loss"]
    assert run.series[2].at == list(range(12))
    assert run.series[0].values == [0.5 - 0.1 * epoch for epoch in range(12)]
    assert (run.name, run.unit, run.tool, run.notes) == (str(tmp_path), "epoch", "network", ())


def test_one_file_is_one_epoch_and_says_so(tmp_path):
    """What can be said of it, and where there is more."""
    source = Source.of_file(save(tmp_path) / "metrics_epoch_2.json")
    assert ALLENNLP.matches(source)
    (run,) = ALLENNLP.read(source)
    assert [(one.at, len(one.values)) for one in run.series] == [([2], 1)] * 3
    assert run.notes == (
        "The file holds a single epoch; its folder, with a file for each epoch, shows the course of the run.",
    )


def test_a_bad_file_costs_its_epoch(tmp_path):
    """And is named."""
    bad = save(tmp_path) / "metrics_epoch_1.json"
    bad.write_text("[1, 2]")
    (run,) = ALLENNLP.read(Source(tmp_path, files=ALLENNLP.folder_files(tmp_path)))
    assert run.series[0].at == [0, 2]
    assert run.notes == (
        f"metrics_epoch_1.json was left out. A metrics_epoch_N.json must hold an object; {str(bad)!r} does not.",
    )


def test_a_folder_of_bad_files_is_refused(tmp_path):
    """With what is wrong with the first."""
    bad = save(tmp_path, epochs=1) / "metrics_epoch_0.json"
    bad.write_text("[1, 2]")
    assert refusal(ALLENNLP.read, Source(tmp_path, files=(bad,))) == (
        f"At least one metrics_epoch_N.json must be readable; none of {str(tmp_path)!r} is. metrics_epoch_0.json was left out. "
        f"A metrics_epoch_N.json must hold an object; {str(bad)!r} does not."
    )
