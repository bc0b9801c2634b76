"""This package's two named tables: the packaged simulation, and HIGGS as UCI serves it."""

from __future__ import annotations

from dataclasses import replace
from importlib.resources import as_file, files
from typing import TYPE_CHECKING

from justright.data.readers.parquet import read_parquet
from justright.data.sources import HeadSplit, Request, Source
from justright.errors import InputError
from justright.higgs.columns import HIGGS_TARGET, higgs_names

if TYPE_CHECKING:
    from justright.data.table import Table

PACKAGED_FILE = "higgs_sim.parquet"
# As in the tutorial, which has no test rows.
TUTORIAL_SPLIT = HeadSplit(validation=1_000, train=10_000)


def read_higgs_sim(request: Request) -> Table:
    """Return the packaged table.

    Raises:
        InputError: it does not have the rows or columns asked for.
    """
    from justright.data.build import build_table  # NumPy in it is slow to import

    with as_file(files("justright.higgs").joinpath(PACKAGED_FILE)) as path:
        raw = read_parquet(path, repr(HIGGS_SIM.name), replace(request, head=True))
    return build_table(replace(raw, target=HIGGS_TARGET), request, source=HIGGS_SIM.name)


def read_uci(request: Request) -> Table:
    """Return the first rows of HIGGS.

    Raises:
        InputError: HIGGS cannot be read, or an option describes its columns, which are known.
    """
    from justright.higgs.uci import read_higgs  # the web client in it is slow to import

    fixed = {"task": request.task in (None, "binary"), "target": request.target in (None, HIGGS_TARGET)}
    fixed |= {"missing": not request.missing, "categorical": not request.categorical}
    for name, is_default in fixed.items():
        if not is_default:
            raise InputError(
                f"`{name}` must be left out for 'higgs', whose columns are known; read a copy by its path."
            )
    return read_higgs(
        rows=request.rows, location=request.location, progress=request.progress, cache_dir=request.cache_dir
    )


HIGGS_SIM = Source("higgs-sim", "packaged", read_higgs_sim, TUTORIAL_SPLIT, is_default=True)
SOURCES = (
    HIGGS_SIM,
    Source("higgs", "UCI", read_uci, TUTORIAL_SPLIT, is_remote=True, recognise=higgs_names),
)
