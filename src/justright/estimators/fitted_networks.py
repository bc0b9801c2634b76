"""The networks that a study chose, without its folder: they can be copied and pickled."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from justright.data.readers.raw import RawTable
from justright.runs.limits import PIECE_ROWS
from justright.session.predictor import Predictor, load_predictor, probabilities

if TYPE_CHECKING:
    import keras

# Rows are evaluated in blocks of a power of two from here on, the last filled up with zeros: Keras compiles every operation
# again for each number of rows, and the last digits of a row's outputs would depend on how many others are beside it.
LEAST_BLOCK = 64


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
        plan = predictor.plan
        features = plan.prepare(rows.frame, label=rows.label, has_header=rows.has_header).features
        means = []
        for network in predictor.networks:
            outputs = _outputs(network.model, features)
            is_number = plan.task == "regression"
            means.append(outputs if is_number else probabilities(outputs, network.are_logits))
        return np.asarray(np.mean(means, axis=0), np.float64)

    def _load(self) -> Predictor:
        if self._predictor is None:
            with tempfile.TemporaryDirectory(prefix="justright-") as folder:
                paths = [Path(folder, f"{number}.keras") for number in range(len(self._files))]
                for path, content in zip(paths, self._files, strict=True):
                    path.write_bytes(content)
                self._predictor = load_predictor(*paths)
        return self._predictor


def _outputs(model: keras.Model, features: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Return (rows, outputs) of a model in inference mode."""
    import keras

    parts = []
    for start in range(0, len(features), PIECE_ROWS):
        piece = features[start : start + PIECE_ROWS]
        block = np.zeros((_block_rows(len(piece)), features.shape[1]), np.float32)
        block[: len(piece)] = piece
        parts.append(keras.ops.convert_to_numpy(model(block, training=False))[: len(piece)])
    return np.concatenate(parts).astype(np.float64)


def _block_rows(rows: int) -> int:
    """Return the power of two, from the least on, that holds so many rows.

    Example:
        >>> _block_rows(3), _block_rows(64), _block_rows(65)
        (64, 64, 128)
    """
    return max(LEAST_BLOCK, 1 << (rows - 1).bit_length())
