"""Every model family by its name in a study file; a new one is one entry here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from justright.errors import one_of
from justright.higgs.physics import HiggsMlp
from justright.study.families import Mlp, family_of


def family_from_dict(values: Mapping[str, Any]) -> Mlp:
    """Return the family member that its `to_dict` described.

    Raises:
        InputError: the family or an option is unknown.

    Example:
        >>> family_from_dict({"family": "mlp", "units": [16]}).units
        (16,)
    """
    options = dict(values)
    name = options.pop("family", None)
    if not isinstance(name, str) or name not in FAMILIES:
        raise one_of("family", name, FAMILIES)
    return family_of(FAMILIES[name], options)


FAMILIES: dict[str, type[Mlp]] = {"mlp": Mlp, "higgs_mlp": HiggsMlp}
