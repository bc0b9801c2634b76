"""Which columns of a table are a collision's azimuths and pseudorapidities, by their names."""

from __future__ import annotations

from collections.abc import Sequence

from justright.errors import InputError

PHI_ENDING, ETA_ENDING = "phi", "eta"
MIN_ANGLES = 2  # one azimuth alone has nothing to turn with


def collision_columns(feature_names: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Return which columns are azimuths (`phi`) and pseudorapidities (`eta`), by their names.

    Args:
        feature_names: of the table, in its order.

    Raises:
        InputError: the names show no collision.

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


def has_collisions(feature_names: Sequence[str]) -> bool:
    """Return whether `collision_columns` would find a collision.

    Example:
        >>> has_collisions(["age", "income"])
        False
    """
    try:
        collision_columns(feature_names)
    except InputError:
        return False
    return True
