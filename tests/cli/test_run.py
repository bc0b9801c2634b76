"""What `justright run` does before anything else."""

from __future__ import annotations

import pytest

from justright.cli.main import main
from justright.workers.ahead import early


@pytest.mark.parametrize(("engine", "expected"), [("local", ["asked"]), ("ray", [])])
def test_devices_are_asked_for_before_the_table_is_read(engine, expected, tmp_path, monkeypatch, capsys):
    """Of this machine, unless a cluster trains; here the table turns out to be missing."""
    started = []
    monkeypatch.setattr(early, "start_early", lambda: started.append("asked"))
    missing = str(tmp_path / "missing.csv")
    with pytest.raises(SystemExit) as caught:
        main(["run", missing, "--engine", engine, "--out", str(tmp_path / "study")])
    assert caught.value.code == 2
    assert missing in capsys.readouterr().err
    assert started == expected
