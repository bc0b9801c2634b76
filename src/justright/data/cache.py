"""Where justright keeps rows and programs, so that it need not read or compile them again."""

from __future__ import annotations

import os
from pathlib import Path


def default_cache_dir() -> Path:
    """Return $JUSTRIGHT_CACHE, or `justright` in the user's cache folder as the system has it ($XDG_CACHE_HOME on Linux)."""
    import platformdirs

    own = os.environ.get("JUSTRIGHT_CACHE")
    return Path(own) if own else platformdirs.user_cache_path("justright", appauthor=False)
