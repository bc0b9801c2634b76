"""DVCLive's folder, as it writes it."""

from __future__ import annotations

from justright.logs.formats.registry import read_logs

LOSSES = [0.7, 0.6, 0.5, 0.45]


def write(folder, name, values, *, header="step", place="metrics"):
    """Write the table of one metric."""
    path = folder / "plots" / place / f"{name}.tsv"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"{step}\t{value}" for step, value in enumerate(values)]
    path.write_text("\n".join([f"{header}\t{name.rpartition('/')[2]}", *lines]) + "\n")


def test_the_tables_of_a_folder_are_one_run(tmp_path):
    """Named by their places; what sums the run up is passed over."""
    folder = tmp_path / "dvclive"
    for name in ("train/loss", "eval/loss", "learning_rate"):
        write(folder, name, LOSSES)
    (folder / "metrics.json").write_text('{"train": {"loss": 0.45}}')
    for path in (folder, tmp_path):
        runs = read_logs(path)
        (run,) = runs.curves
        assert (run.name, run.format, run.unit) == (str(folder), "dvclive", "epoch")
        assert {curve.written: curve.values.tolist() for curve in run.curves} == dict.fromkeys(
            ("eval/loss", "learning_rate", "train/loss"), LOSSES
        )
        assert runs.refused == ()


def test_a_bad_table_costs_only_itself(tmp_path):
    """And it is said."""
    write(tmp_path, "val_loss", LOSSES)
    write(tmp_path, "odd", LOSSES, header="time")
    runs = read_logs(tmp_path)
    assert [curve.written for curve in runs.curves[0].curves] == ["val_loss"]
    path = tmp_path / "plots" / "metrics" / "odd.tsv"
    assert runs.refused == (
        f"A metric of DVCLive must be a table with a column 'step'; {str(path)!r} is none.",
    )


def test_tables_with_a_clock_are_read(tmp_path):
    """Early versions wrote the time before the step, in another folder."""
    write(tmp_path, "val/loss", LOSSES, place="scalars")
    path = tmp_path / "plots" / "scalars" / "val" / "loss.tsv"
    path.write_text(
        "timestamp\tstep\tloss\n" + "".join(f"17{at}\t{at}\t{loss}\n" for at, loss in enumerate(LOSSES))
    )
    (run,) = read_logs(tmp_path).curves
    assert [(curve.written, curve.values.tolist()) for curve in run.curves] == [("val/loss", LOSSES)]
