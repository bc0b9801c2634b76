"""The generator end to end; needs Pythia."""

from __future__ import annotations

import importlib.util
import re

import numpy as np
import polars as pl
import pytest
from tools.higgs_sim.__main__ import Options, main, parse_options
from tools.higgs_sim.events import generate_rows
from tools.higgs_sim.table import FEATURES, LABEL

HAS_PYTHIA = importlib.util.find_spec("pythia8mc") is not None
needs_pythia = pytest.mark.skipif(
    not HAS_PYTHIA, reason="pythia8mc is not installed: it comes with the dependency group `generator`."
)


@needs_pythia
@pytest.mark.parametrize("sample", ["signal", "background"])
def test_pythia_gives_selected_collisions_that_a_seed_fixes(sample) -> None:
    """Rows obey the selection in GeV, and the same seed gives the same rows."""
    rows = generate_rows(sample, 12, seed=11)
    column = {name: rows[:, i] for i, name in enumerate(FEATURES)}
    assert rows.shape == (12, 28)
    assert np.isfinite(rows).all()
    for name in ("lepton_pT", *(f"jet_{j}_pt" for j in range(1, 5))):
        assert (column[name] > 20.0).all()
    assert (column["m_lv"] > 80.4 - 1e-6).all(), "the neutrino gives the W at least its mass"
    np.testing.assert_array_equal(generate_rows(sample, 6, seed=11), rows[:6])


@needs_pythia
def test_the_command_writes_a_table(tmp_path, capsys) -> None:
    """A small run gives the columns, the rows and the share of signal that were asked for."""
    out = tmp_path / "table.parquet"
    main(["--events", "20", "--seeds", "11", "12", "--out", str(out)])
    table = pl.read_parquet(out)
    assert table.columns == [LABEL, *FEATURES]
    assert (table.height, table[LABEL].sum()) == (20, 11)
    assert capsys.readouterr().out == f"20 rows (11 signal) in {out}\n"


def test_the_default_options_are_those_of_the_packaged_file(tmp_path) -> None:
    """24,000 rows of the four seeds the README names."""
    out = tmp_path / "table.parquet"
    assert parse_options(["--out", str(out)]) == Options(out, 24_000, (11, 12, 13, 14), 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--seeds", "3", "3"], "`--seeds` must be different numbers; got (3, 3). Name each seed once."),
        (["--events", "7"], "`--events` must be at least 16 for 4 seeds; got 7. Ask for more."),
        (["--workers", "0"], "`--workers` must be at least 1; got 0. Pass the number of processes."),
    ],
)
def test_options_that_cannot_be_met_are_refused(arguments, message, capsys) -> None:
    """The command ends with code 2 and the whole sentence."""
    with pytest.raises(SystemExit) as exit_info:
        parse_options([*arguments, "--out", "table.parquet"])
    assert exit_info.value.code == 2
    assert capsys.readouterr().err.endswith(f"error: {message}\n")


@pytest.mark.parametrize(
    ("sample", "events", "seed", "message"),
    [
        ("top", 1, 1, "`sample` must be one of 'signal', 'background'; got 'top'. Choose one of them."),
        ("signal", 0, 1, "`events` must be at least 1; got 0. Ask for one or more collisions."),
        ("signal", 1, 0, "`seed` must be in 1..900000000; got 0. Choose a seed in this range."),
    ],
)
def test_bad_arguments_are_refused_before_pythia_starts(sample, events, seed, message) -> None:
    """Whole messages; no Pythia needed."""
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        generate_rows(sample, events, seed=seed)
