"""Callbacks of Keras on any backend, and of Lightning: verdicts during training, and a training recorded as a study.

Each is a subclass of its library's callback, and is made when it is first asked for: importing this package imports neither.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from justright.callbacks.fit_hooks import FitHooks as JustRight
    from justright.callbacks.keras_hooks import KerasHooks as Diagnose
    from justright.callbacks.lightning_hooks import LightningHooks as LightningDiagnose

# Public name -> the module and its function that makes the class.
CLASSES = {
    "Diagnose": ("justright.callbacks.keras_hooks", "keras_callback"),
    "JustRight": ("justright.callbacks.fit_hooks", "fit_callback"),
    "LightningDiagnose": ("justright.callbacks.lightning_hooks", "lightning_callback"),
}

__all__ = ["Diagnose", "JustRight", "LightningDiagnose"]


def __getattr__(name: str) -> Any:  # noqa: ANN401  # a class of a library that is not imported here
    """Make a callback's class when it is first used (PEP 562)."""
    if name not in CLASSES:
        raise AttributeError(f"module 'justright.callbacks' has no attribute {name!r}")
    module, function = CLASSES[name]
    made = getattr(importlib.import_module(module), function)()
    globals()[name] = made
    return made


def __dir__() -> list[str]:
    return sorted(__all__)
