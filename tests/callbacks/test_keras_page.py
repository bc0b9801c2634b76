"""docs/keras.md: what it shows runs as it stands there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from justright.records.folder import StudyFolder
from justright.records.reader import StoreReader

PAGE = Path(__file__).resolve().parents[2] / "docs" / "keras.md"


@pytest.mark.slow
def test_the_page_on_keras_runs(tmp_path):
    """Its blocks one after the other, in a process of their own and an empty folder."""
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    script = tmp_path / "page.py"
    script.write_text("\n".join(blocks), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    folders = {path.parent.name for path in (tmp_path / "runs").glob("*/report.html")}
    assert folders == {"mine", "arrays", "second", "tiny", "joined", "study"}
    with StoreReader(StudyFolder.open(tmp_path / "runs" / "study")) as store:
        said = [note.text for note in store.notes() if note.kind == "compiled"]
    assert said == [
        "Variant 'Mine' trains as it was compiled: with SGD, the loss binary_crossentropy and the metric auc."
    ]
