"""`justright diagnose`: what the curves in other tools' logs say."""

from __future__ import annotations

from pathlib import Path

import typer


def diagnose(
    logs: list[Path] = typer.Argument(help="Files or folders with training logs.", metavar="LOG..."),
    as_json: bool = typer.Option(False, "--json", help="Print the readings as JSON, and nothing else."),
) -> None:
    """Read training logs of other tools, and say what their curves can tell.

    Takes TensorBoard folders, Keras' CSVLogger and History (as JSON), Lightning's metrics.csv, Hugging Face's
    trainer_state.json, XGBoost's and LightGBM's evals_result (as JSON), and any CSV with an epoch a row.

    \b
    Examples:
      justright diagnose lightning_logs/version_0/metrics.csv
      justright diagnose logs/ --json
    """  # noqa: D301  # a real backspace: click then keeps the lines that follow
    from justright.logs import diagnose_curves, read_logs
    from justright.report.terminal.log_report import print_readings
    from justright.report.terminal.terminal import results, write_json

    readings = [diagnose_curves(curves) for path in logs for curves in read_logs(path)]
    if as_json:
        write_json([reading.to_dict() for reading in readings])
    else:
        print_readings(results(), readings)
