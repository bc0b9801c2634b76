"""Keras imported for training: without the two libraries that it imports where it finds them, and never trains with."""

from __future__ import annotations

import sys
import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from types import ModuleType

# For its scikit-learn wrappers and its galleries of images; without them it imports in 1.0 instead of 2.3 s of processor time
# (Keras 3.15). Not pandas (0.2 s): a builder may adapt a layer to a DataFrame.
UNUSED = frozenset({"matplotlib", "sklearn"})


def import_keras() -> None:
    """Import Keras for a worker, which does without `keras.wrappers` and `keras.visualization`.

    Both libraries can be imported afterwards, and in other threads meanwhile. Keras imported before stays as it is.
    """
    with without_packages(UNUSED):
        import keras  # noqa: F401  # imported again by those who use it


@contextmanager
def without_packages(names: Collection[str]) -> Iterator[None]:
    """Let this thread meet an ImportError where it imports one of these packages that nobody has imported before.

    `sys.modules[name] = None` would hide it from all threads: a builder that is unpickled meanwhile may need it.
    """
    refusal = _Refusal(names)
    sys.meta_path.insert(0, refusal)
    try:
        yield
    finally:
        sys.meta_path.remove(refusal)


class _Refusal(MetaPathFinder):
    """Refuses to look for packages, to the thread that made it."""

    def __init__(self, names: Collection[str]) -> None:
        self._names = names
        self._thread = threading.get_ident()

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        """Raise ModuleNotFoundError for a package to refuse; leave others to those who know."""
        if fullname in self._names and threading.get_ident() == self._thread:
            raise ModuleNotFoundError(f"{fullname} is not imported here.", name=fullname)
