"""The columns of HIGGS, in the order and with the names that UCI documents, and those of any collision."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from justright.errors import InputError

if TYPE_CHECKING:
    import polars as pl

HIGGS_COLUMNS: tuple[str, ...] = (
    "label",
    *("lepton_pT", "lepton_eta", "lepton_phi", "missing_energy_magnitude", "missing_energy_phi"),
    *("jet_1_pt", "jet_1_eta", "jet_1_phi", "jet_1_b_tag"),
    *("jet_2_pt", "jet_2_eta", "jet_2_phi", "jet_2_b_tag"),
    *("jet_3_pt", "jet_3_eta", "jet_3_phi", "jet_3_b_tag"),
    *("jet_4_pt", "jet_4_eta", "jet_4_phi", "jet_4_b_tag"),
    *("m_jj", "m_jjj", "m_lv", "m_jlv", "m_bb", "m_wbb", "m_wwbb"),
)
HIGGS_TARGET = HIGGS_COLUMNS[0]
HIGGS_FEATURES = HIGGS_COLUMNS[1:]
# A b-tag is absent, loose or tight, divided by its mean: three values in HIGGS, by which its rows are recognised.
B_TAG_LEVELS = 3
PHI_ENDING, ETA_ENDING = "phi", "eta"
MIN_ANGLES = 2  # a turn needs two: one azimuth alone has no angle to another


def higgs_names(frame: pl.DataFrame) -> tuple[str, ...] | None:
    """Return the names of HIGGS for columns without a header if they match: 29 numbers, 0/1 first, four three-valued b-tags.

    Args:
        frame: columns in the order of the file.
    """
    if frame.width != len(HIGGS_COLUMNS) or not all(dtype.is_numeric() for dtype in frame.dtypes):
        return None
    if not set(frame.to_series(0).unique().to_list()) <= {0, 1}:
        return None
    tags = [index for index, name in enumerate(HIGGS_COLUMNS) if name.endswith("b_tag")]
    # Rounded: in some copies of HIGGS, some rows have three decimals.
    is_higgs = all(frame.to_series(index).round(2).n_unique() <= B_TAG_LEVELS for index in tags)
    return HIGGS_COLUMNS if is_higgs else None


def collision_columns(feature_names: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Return which columns are azimuths (`phi`) and pseudorapidities (`eta`), by their names.

    Args:
        feature_names: of the table, in its order.

    Raises:
        InputError: the names are not those of a collision.

    Example:
        >>> collision_columns(["lepton_pT", "lepton_eta", "lepton_phi", "jet_1_eta", "jet_1_phi"])
        {'phi': (2, 4), 'eta': (1, 3)}
    """
    found = {
        ending: tuple(
            column for column, name in enumerate(feature_names) if name.lower().split("_")[-1] == ending
        )
        for ending in (PHI_ENDING, ETA_ENDING)
    }
    if len(found[PHI_ENDING]) < MIN_ANGLES or not found[ETA_ENDING]:
        raise InputError(
            f"The symmetries of a collision need at least {MIN_ANGLES} columns whose names end in '_phi' and one in "
            f"'_eta', as in HIGGS; got {list(feature_names)[:8]!r}. Leave them out, or name the columns."
        )
    return found
