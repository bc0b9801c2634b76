"""Empty cells of tables whose columns a rule of dashes draws."""

from __future__ import annotations

from justright.logs.formats.registry import read_logs

# skorch's PrintLog: 'cp' holds a plus where a checkpoint was saved.
SKORCH = """\
  epoch    train_loss    valid_acc    valid_loss    cp     dur
-------  ------------  -----------  ------------  ----  ------
      1        0.7000       0.5837        0.7200     +  0.0110
      2        0.6000       0.6200        0.6500     +  0.0104
      3        0.5000       0.6250        0.6600        0.0107
      4        0.4500       0.6325        0.7000        0.0113
"""


def test_a_row_with_an_empty_cell_keeps_its_numbers_in_their_columns(tmp_path):
    """Skorch leaves the mark of a saved checkpoint out."""
    path = tmp_path / "skorch.txt"
    path.write_text(SKORCH)
    (curves,) = read_logs(path).curves
    assert {one.written: one.values.tolist() for one in curves.curves} == {
        "train_loss": [0.7, 0.6, 0.5, 0.45],
        "valid_acc": [0.5837, 0.62, 0.625, 0.6325],
        "valid_loss": [0.72, 0.65, 0.66, 0.7],
        "dur": [0.011, 0.0104, 0.0107, 0.0113],
    }
