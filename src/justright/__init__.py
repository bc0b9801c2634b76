"""justright: is this network underfit, overfit, or just right for this table - since when, and what would help?

Names are imported on first use, so that `import justright` stays quick and touches neither Keras nor JAX. It says to Keras,
if that is imported after it, which backend to use where Keras' own choice is not installed.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from justright import callbacks
    from justright.data import tables
    from justright.data.read import read_table
    from justright.data.table import Split, Table
    from justright.errors import FolderError, InputError, JustrightError
    from justright.estimators import diagnose_estimator
    from justright.estimators.classifier import JustRightClassifier
    from justright.estimators.regressor import JustRightRegressor
    from justright.session.comparison import Comparison, compare
    from justright.session.folders.joined_folders import join
    from justright.session.predictor import Predictor, load_predictor
    from justright.session.reading import Reading, diagnose
    from justright.session.result import Result, open_result
    from justright.session.runnable import Study
    from justright.session.session import run_study
    from justright.study.catalogue import remedies
    from justright.study.families import Mlp, mlp
    from justright.study.recipe import Recipe
    from justright.study.study import learning_sizes
    from justright.study.sweep import grid
    from justright.study.variant import KerasConfig, Variant

__version__ = "0.1.0"

# Public name -> the module that defines it, or that it names.
EXPORTS = {
    "Comparison": "justright.session.comparison",
    "FolderError": "justright.errors",
    "InputError": "justright.errors",
    "JustRightClassifier": "justright.estimators.classifier",
    "JustRightRegressor": "justright.estimators.regressor",
    "JustrightError": "justright.errors",
    "KerasConfig": "justright.study.variant",
    "Mlp": "justright.study.families",
    "Predictor": "justright.session.predictor",
    "Reading": "justright.session.reading",
    "Recipe": "justright.study.recipe",
    "Result": "justright.session.result",
    "Split": "justright.data.table",
    "Study": "justright.session.runnable",
    "Table": "justright.data.table",
    "Variant": "justright.study.variant",
    "callbacks": "justright.callbacks",
    "compare": "justright.session.comparison",
    "diagnose": "justright.session.reading",
    "diagnose_estimator": "justright.estimators",
    "grid": "justright.study.sweep",
    "join": "justright.session.folders.joined_folders",
    "learning_sizes": "justright.study.study",
    "load_predictor": "justright.session.predictor",
    "mlp": "justright.study.families",
    "open_result": "justright.session.result",
    "read_table": "justright.data.read",
    "remedies": "justright.study.catalogue",
    "run_study": "justright.session.session",
    "tables": "justright.data.tables",
}

__all__ = [
    "Comparison",
    "FolderError",
    "InputError",
    "JustRightClassifier",
    "JustRightRegressor",
    "JustrightError",
    "KerasConfig",
    "Mlp",
    "Predictor",
    "Reading",
    "Recipe",
    "Result",
    "Split",
    "Study",
    "Table",
    "Variant",
    "__version__",
    "callbacks",
    "compare",
    "diagnose",
    "diagnose_estimator",
    "grid",
    "join",
    "learning_sizes",
    "load_predictor",
    "mlp",
    "open_result",
    "read_table",
    "remedies",
    "run_study",
    "tables",
]


def _choose_backend() -> None:
    """Have Keras use JAX, which is always here, where the backend that it would choose is not installed.

    Keras' own default is TensorFlow, and it writes that into the user's keras.json, too.
    """
    if "KERAS_BACKEND" in os.environ or "keras" in sys.modules:
        return
    try:
        home = Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser()
        backend = str(json.loads((home / "keras.json").read_bytes())["backend"])
    except (OSError, ValueError, LookupError, TypeError, RuntimeError):
        backend = ""
    if importlib.util.find_spec(backend if backend.isidentifier() else "tensorflow") is None:
        os.environ["KERAS_BACKEND"] = "jax"


def __getattr__(name: str) -> Any:  # noqa: ANN401  # any public name
    """Import a public name when it is first used (PEP 562)."""
    if name not in EXPORTS:
        raise AttributeError(f"module 'justright' has no attribute {name!r}")
    module = importlib.import_module(EXPORTS[name])
    value = getattr(module, name, module)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


_choose_backend()
