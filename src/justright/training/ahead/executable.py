"""A function compiled for an accelerator, for each kind of arguments once: at its first call, or before it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any

import jax

from justright.training.ahead.building import BUILDING

Compile = Callable[[], Any]
Submit = Callable[[Compile], "Future[Any]"]


class Executable:
    """Calls what was compiled for arguments of these shapes, and compiles it first where nothing was.

    Args:
        function: of `jax.jit`, with its first arguments.
    """

    def __init__(self, function: partial[Any]) -> None:
        self._jitted: Any = function.func
        self._values = function.args
        self._compiled: dict[Any, Future[Any]] = {}

    def __call__(self, *arguments: Any) -> Any:
        """Return what the function returns."""
        kind = _kind_of(arguments)
        self._prepare(kind, _at_once, arguments)
        try:
            compiled = self._compiled[kind].result()
        except BaseException:
            del self._compiled[kind]  # another attempt compiles again
            raise
        return compiled(*self._values, *arguments)

    def prepare(self, submit: Submit, *shapes: Any) -> None:
        """Trace the function for arguments of these shapes, unless that was done, and let `submit` compile it."""
        self._prepare(_kind_of(shapes), submit, shapes)

    def _prepare(self, kind: Any, submit: Submit, arguments: tuple[Any, ...]) -> None:
        if kind not in self._compiled:
            with BUILDING.held():
                traced = self._jitted.lower(*self._values, *arguments)
            self._compiled[kind] = submit(traced.compile)


def _kind_of(arguments: Any) -> Any:
    """Return what a compiled program depends on: the structure of its arguments, their shapes and types."""
    leaves, structure = jax.tree.flatten(arguments)
    return structure, tuple((leaf.shape, jax.dtypes.canonicalize_dtype(leaf.dtype)) for leaf in leaves)


def _at_once(compile_: Compile) -> Future[Any]:
    done: Future[Any] = Future()
    done.set_result(compile_())
    return done
