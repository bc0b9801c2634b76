"""Columns, scaling, shuffling and the file."""

from __future__ import annotations

import re

import numpy as np
import polars as pl
import pytest
from tools.higgs_sim.table import FEATURES, SIGNED, build_table, count_signal, scale_features, write_table

SIGNED_COLUMNS = np.array([name in SIGNED for name in FEATURES])


def raw_rows(rows: int, *, seed: int = 0) -> np.ndarray:
    """Return rows in physical units: signed columns around 0.3, positive ones around 80."""
    rng = np.random.default_rng(seed)
    return np.where(SIGNED_COLUMNS, rng.normal(0.3, 1.7, (rows, 28)), rng.gamma(2.0, 40.0, (rows, 28)))


def test_signed_features_are_z_scores_and_positive_ones_have_mean_one() -> None:
    """Angles get mean 0 and deviation 1; the rest mean 1, keeping sign and ratios, hence deviation / mean."""
    raw = raw_rows(500)
    scaled = scale_features(raw)
    np.testing.assert_allclose(scaled.mean(axis=0), np.where(SIGNED_COLUMNS, 0.0, 1.0), atol=1e-12)
    np.testing.assert_allclose(scaled[:, SIGNED_COLUMNS].std(axis=0), 1.0)
    np.testing.assert_allclose((scaled / scaled[0])[:, ~SIGNED_COLUMNS], (raw / raw[0])[:, ~SIGNED_COLUMNS])


def test_scaling_does_not_depend_on_the_unit() -> None:
    """MeV instead of GeV, degrees instead of radians: the same table."""
    raw = raw_rows(100)
    np.testing.assert_allclose(scale_features(raw * 1000.0), scale_features(raw), atol=1e-12)


def test_exactly_the_eleven_angles_are_signed() -> None:
    """Every eta and phi, nothing else."""
    assert {name for name in FEATURES if name.endswith(("_eta", "_phi"))} == SIGNED
    assert (len(FEATURES), len(set(FEATURES)), len(SIGNED)) == (28, 28, 11)


def test_rows_of_both_classes_survive_the_shuffle_with_their_label() -> None:
    """Sorted by a column, the table is the scaled input with its labels, rounded to four decimals."""
    signal, background = raw_rows(53, seed=1), raw_rows(47, seed=2)
    table = build_table(signal, background, seed=3)
    expected = np.column_stack(
        [np.repeat([1.0, 0.0], [53, 47]), scale_features(np.vstack([signal, background]))]
    )
    rows = table.to_numpy()
    np.testing.assert_allclose(
        rows[rows[:, 3].argsort()], expected[expected[:, 3].argsort()], atol=0.5e-4 + 1e-6
    )
    assert set(table.schema.values()) == {pl.Float32}
    assert 0 < table["label"].head(20).sum() < 20, "the classes must be mixed"
    assert table.equals(build_table(signal, background, seed=3))
    assert not table.equals(build_table(signal, background, seed=4))


def test_the_file_holds_the_table(tmp_path) -> None:
    """Written and read back, nothing changes; a missing folder is made."""
    table = build_table(raw_rows(8), raw_rows(8, seed=1), seed=0)
    write_table(table, tmp_path / "new" / "table.parquet")
    assert pl.read_parquet(tmp_path / "new" / "table.parquet").equals(table)


def test_the_signal_share_is_rounded_to_whole_rows() -> None:
    """53 % of the rows."""
    assert [count_signal(rows) for rows in (24_000, 100, 10)] == [12_720, 53, 5]


def test_rows_of_a_wrong_width_are_refused() -> None:
    """The message gives both shapes."""
    message = "`background` must be (rows, 28); got (5, 27). Pass one row a collision."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        build_table(raw_rows(5), raw_rows(5)[:, 1:], seed=0)


def test_values_that_are_not_finite_are_refused() -> None:
    """The message counts them."""
    raw = raw_rows(5)
    raw[2, 3] = np.nan
    with pytest.raises(
        ValueError,
        match=f"^{re.escape('`rows` must be finite; got 1 other values. Find their collisions.')}$",
    ):
        scale_features(raw)


def test_a_constant_feature_is_refused() -> None:
    """It has no scale."""
    raw = raw_rows(5)
    raw[:, FEATURES.index("lepton_eta")] = 0.25
    message = "`rows` must vary in every feature; ['lepton_eta'] do not. Generate more collisions."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        scale_features(raw)
