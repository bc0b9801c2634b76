"""The table: columns of HIGGS, its scaling, shuffling, and the Parquet file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from .kinematics import Floats

JETS = (1, 2, 3, 4)
SIGNED = frozenset(
    (
        "lepton_eta",
        "lepton_phi",
        "missing_energy_phi",
        *(f"jet_{j}_{a}" for j in JETS for a in ("eta", "phi")),
    )
)
FEATURES = (
    *("lepton_pT", "lepton_eta", "lepton_phi", "missing_energy_magnitude", "missing_energy_phi"),
    *(f"jet_{j}_{quantity}" for j in JETS for quantity in ("pt", "eta", "phi", "b_tag")),
    *("m_jj", "m_jjj", "m_lv", "m_jlv", "m_bb", "m_wbb", "m_wwbb"),
)
LABEL = "label"  # 1.0 signal, 0.0 background
SIGNAL_SHARE = 0.53  # of the rows, as in HIGGS
DECIMALS = 4  # far below the detector's resolution, and a third of the file's size.


def count_signal(events: int) -> int:
    """Return how many of `events` rows are signal: SIGNAL_SHARE of them, rounded.

    Example:
        >>> count_signal(24_000)
        12720
    """
    return round(events * SIGNAL_SHARE)


def build_table(signal: Floats, background: Floats, *, seed: int) -> pl.DataFrame:
    """Return the scaled, rounded and shuffled table of both classes.

    Args:
        signal: (rows, 28), GeV and radians, in the order of FEATURES.
        background: (rows, 28), the same.
        seed: of the shuffle.

    Returns:
        `label` and the 28 features, float32.

    Raises:
        ValueError: a class has not 28 columns, or a value is not finite, or a feature cannot be scaled.
    """
    for name, rows in (("signal", signal), ("background", background)):
        if rows.ndim != 2 or rows.shape[1] != len(FEATURES):
            raise ValueError(
                f"`{name}` must be (rows, {len(FEATURES)}); got {rows.shape}. Pass one row a collision."
            )
    scaled = scale_features(np.concatenate([signal, background])).round(DECIMALS)
    labels = np.repeat([1.0, 0.0], [len(signal), len(background)])
    order = np.random.default_rng(seed).permutation(len(labels))
    columns: dict[str, npt.NDArray[np.float32]] = {LABEL: labels[order].astype(np.float32)}
    columns |= {name: scaled[order, i].astype(np.float32) for i, name in enumerate(FEATURES)}
    return pl.DataFrame(columns)


def scale_features(rows: Floats) -> Floats:
    """Return features as HIGGS has them: signed ones with mean 0 and deviation 1, positive ones with mean 1.

    Args:
        rows: (rows, 28) of both classes together, in the order of FEATURES.

    Returns:
        (rows, 28), without unit.

    Raises:
        ValueError: a value is not finite, a signed feature is constant or a positive one is 0 everywhere.
    """
    if not np.isfinite(rows).all():
        raise ValueError(
            f"`rows` must be finite; got {(~np.isfinite(rows)).sum()} other values. Find their collisions."
        )
    shift, scale = feature_scales(rows)
    if not (scale > 0).all():
        bad = [name for name, s in zip(FEATURES, scale, strict=True) if not s > 0]
        raise ValueError(f"`rows` must vary in every feature; {bad!r} do not. Generate more collisions.")
    return np.asarray((rows - shift) / scale)


def feature_scales(rows: Floats) -> tuple[Floats, Floats]:
    """Return (shift, scale), each (28,): scaled = (raw - shift) / scale, in the feature's own unit."""
    signed = np.array([name in SIGNED for name in FEATURES])
    mean = rows.mean(axis=0)
    return np.where(signed, mean, 0.0), np.where(signed, rows.std(axis=0), mean)


def write_table(table: pl.DataFrame, path: Path) -> None:
    """Write the table as Parquet, compressed with Zstandard; an existing file is replaced."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table.write_parquet(path, compression="zstd")
