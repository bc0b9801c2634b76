"""The networks that a study chose, without its folder: they can be copied and pickled."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from justright.data.readers.raw import RawTable
from justright.session.predictor import Predictor, load_predictor


class FittedNetworks:
    """Networks whose mean predicts.

    What is copied or pickled are the bytes of their `.keras` files: configuration, weights, and the plan that makes their
    features of columns. They are read as any other file that may come from a stranger.

    Args:
        paths: the files.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        self._files = tuple(path.read_bytes() for path in paths)
        self._predictor: Predictor | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {"_files": self._files, "_predictor": None}

    def predict(self, rows: RawTable) -> npt.NDArray[np.float64]:
        """Return what the networks say of each row, on average.

        Args:
            rows: columns as they were when the study read them.
        Returns:
            (rows, classes) probabilities, or (rows, 1) numbers in the target's units.
        Raises:
            InputError: none of the columns is there.
        """
        predictor = self._load()
        features = predictor.plan.prepare(rows.frame, label=rows.label, has_header=rows.has_header).features
        return predictor.mean_outputs(features)

    def _load(self) -> Predictor:
        if self._predictor is None:
            with tempfile.TemporaryDirectory(prefix="justright-") as folder:
                paths = [Path(folder, f"{number}.keras") for number in range(len(self._files))]
                for path, content in zip(paths, self._files, strict=True):
                    path.write_bytes(content)
                self._predictor = load_predictor(*paths)
        return self._predictor
