"""The one log in a zip archive, as pandas writes it for 'history.csv.zip' and Comet for an experiment without a network."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path, PurePosixPath

from justright.data.checks import listed
from justright.data.readers.npz import DAMAGES
from justright.errors import InputError

ZIP = b"PK\x03\x04"
ENDINGS = (".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".log", ".txt", ".out")
LOGS = re.compile(r"logs?(?![a-z])|histor|metric|result|curve|loss|messages\.json", re.IGNORECASE)
MAX_LISTED = 5


def zipped_log(path: Path, content: bytes, most: int) -> bytes | None:
    """Return the log in an archive, up to `most` bytes; None if it holds no text, as a saved model does.

    Raises:
        InputError: it is damaged, encrypted, or holds several texts that may be the log.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            texts = [name for name in archive.namelist() if _is_text(name)]
            named = [name for name in texts if LOGS.search(PurePosixPath(name).name)]
            chosen = texts if len(texts) == 1 else named
            if not chosen:
                return None
            if len(chosen) > 1:
                raise InputError(
                    f"A zip archive must hold one log; {str(path)!r} holds {listed(chosen, most=MAX_LISTED)}. "
                    "Unpack it, and give the folder."
                )
            with archive.open(chosen[0]) as file:
                return file.read(most)
    except DAMAGES as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"A log in a zip archive must be readable; {str(path)!r} is not: {str(error).rstrip('.')}. Unpack it first."
        ) from None


def _is_text(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return name.lower().endswith(ENDINGS) and not any(part.startswith((".", "__MACOSX")) for part in parts)
