"""Networks are built and programs traced by one thread at a time.

Both change attributes of Keras and JAX for a moment (`masks.replaced`), which another thread would see; and building begins
with `keras.utils.clear_session`, which would end a scope of Keras' that another thread is in.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class BuildingLock:
    """A lock that a thread may take again while it holds it; whoever works ahead waits for those who do not."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._holder: int | None = None
        self._depth = 0
        self._waiting = 0  # threads that do not work ahead

    @contextmanager
    def held(self, *, ahead: bool = False) -> Iterator[None]:
        """Hold the lock; `ahead` lets others go first."""
        own = threading.get_ident()
        with self._changed:
            if self._holder != own:
                self._waiting += not ahead
                self._changed.wait_for(lambda: self._holder is None and not (ahead and self._waiting))
                self._waiting -= not ahead
                self._holder = own
            self._depth += 1
        try:
            yield
        finally:
            with self._changed:
                self._depth -= 1
                if not self._depth:
                    self._holder = None
                    self._changed.notify_all()


BUILDING = BuildingLock()
