"""justright: is this network underfit, overfit, or just right for this table - since when, and what would help?

Names are imported on first use, so that `import justright` stays quick and touches neither Keras nor JAX.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from justright.data import Split, Table, read_table, tables
    from justright.errors import FolderError, InputError, JustrightError
    from justright.logs.reading import diagnose
    from justright.session.run import Result, open_result, run_study
    from justright.study import KerasConfig, Mlp, Recipe, Study, Variant, learning_sizes, mlp, remedies

__version__ = "0.1.0"

# Public name -> the module that defines it.
EXPORTS = {
    "FolderError": "justright.errors",
    "InputError": "justright.errors",
    "JustrightError": "justright.errors",
    "KerasConfig": "justright.study",
    "Mlp": "justright.study",
    "Recipe": "justright.study",
    "Result": "justright.session.run",
    "Split": "justright.data",
    "Study": "justright.study",
    "Table": "justright.data",
    "Variant": "justright.study",
    "diagnose": "justright.logs.reading",
    "learning_sizes": "justright.study",
    "mlp": "justright.study",
    "open_result": "justright.session.run",
    "read_table": "justright.data",
    "remedies": "justright.study",
    "run_study": "justright.session.run",
    "tables": "justright.data",
}

__all__ = [
    "FolderError",
    "InputError",
    "JustrightError",
    "KerasConfig",
    "Mlp",
    "Recipe",
    "Result",
    "Split",
    "Study",
    "Table",
    "Variant",
    "__version__",
    "diagnose",
    "learning_sizes",
    "mlp",
    "open_result",
    "read_table",
    "remedies",
    "run_study",
    "tables",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401  # any public name
    """Import a public name when it is first used (PEP 562)."""
    if name not in EXPORTS:
        raise AttributeError(f"module 'justright' has no attribute {name!r}")
    value = getattr(importlib.import_module(EXPORTS[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
