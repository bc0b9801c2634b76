"""What `benchmarks.fuzz` tries: each reader of files from outside, with inputs to start from.

Checksums and compression would hide a reader from random bytes: no random change of a gzip file passes its CRC. So the
first byte of an input says how the rest is wrapped (`table`: compressed, or as arrays of an NPZ archive; `log`:
with the checksums of an event file), and the mutations happen inside.
"""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import lzma
import struct
import sys
import traceback
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path

from benchmarks.fuzz.seeds import (
    SEALED,
    SIZE,
    checkpoint_seeds,
    log_seeds,
    model_seeds,
    seal_records,
    spec_seeds,
    table_seeds,
    toml_seeds,
)

TABLE_KINDS = ("as it is", "gzip", "zstd", "arrays", "bzip2", "xz", "zip")
# Options of reading that two bits of an input choose.
TEXT_OPTIONS: tuple[dict[str, object], ...] = (
    {},
    {"header": True, "encoding": "latin-1"},
    {"header": False, "sep": ";"},
    {"sep": "whitespace"},
)
# Instead of the readers' own gigabytes, so that a bomb that is not stopped in time is seen against the fuzzer's memory limit.
TABLE_BYTES = 64 << 20
# Memory instead of a disk where there is one: an input is a file written and removed.
SCRATCH = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108
LOG_NAMES = ("log", "events.out.tfevents.1", "metrics.csv", "trainer_state.json")


@dataclass(frozen=True)
class Target:
    """One reader, or several behind one function.

    Args:
        load: imports what is needed, so that it is instrumented.
        run: feeds an input to the reader; a folder to write it into is given.
        seeds: inputs to start from.
        instrumented: modules of the standard library and NumPy that the reader goes through.
    """

    load: Callable[[], None]
    run: Callable[[bytes, Path], None]
    seeds: Callable[[], list[bytes]]
    instrumented: tuple[str, ...] = ()


def lower_limits() -> None:
    """Make every reader stop at TABLE_BYTES."""
    for module in [module for title, module in sys.modules.items() if title.startswith("justright.")]:
        if hasattr(module, "MAX_TABLE_BYTES"):
            module.MAX_TABLE_BYTES = TABLE_BYTES


def place_of(error: BaseException) -> str:
    """Return a short name for where an exception came from: its class and the innermost line of ours."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "/justright/" in frame.filename] or frames
    return f"{type(error).__name__}-{Path(ours[-1].filename).stem}-{ours[-1].lineno}"


def load_table() -> None:
    import justright.data.read  # noqa: F401


def run_table(data: bytes, folder: Path) -> None:
    """First byte: wrapping; second: options of `read_table`; the rest: the file."""
    from justright.data.read import read_table
    from justright.data.read_options import ReadOptions
    from justright.data.readers.zipped import read_zip

    if len(data) < 2:
        return
    kind, bits = TABLE_KINDS[data[0] % len(TABLE_KINDS)], data[1]
    path = folder / "t"
    path.write_bytes(wrap_table(kind, data[2:]))
    options = {"rows": 2, "head": True} if bits & 1 else {}
    options |= {"missing": ["", "nan", "NA"]} if bits & 2 else {}
    options |= {"task": ("binary", "multiclass", "regression")[bits >> 2 & 3]} if bits >> 2 & 3 < 3 else {}
    options |= {"categorical": ["x"]} if bits & 16 else {}
    options |= {"target": -1} if bits & 32 else {}
    options |= TEXT_OPTIONS[bits >> 6 & 3]
    if kind == "zip":
        read_zip(path, "'t'", ReadOptions(header=options.get("header"), sep=options.get("sep")))
        return
    table = read_table(path, **options)
    table.fingerprint  # noqa: B018  # reads every value and name


def wrap_table(kind: str, data: bytes) -> bytes:
    if kind == "gzip":
        return gzip.compress(data, 1)
    if kind == "zstd":
        import zstandard

        return zstandard.ZstdCompressor(level=1).compress(data)
    if kind in ("bzip2", "xz"):
        return bz2.compress(data, 1) if kind == "bzip2" else lzma.compress(data, preset=0)
    if kind == "zip":
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("t", data)
        return packed.getvalue()
    if kind == "arrays":
        cut = min(SIZE.unpack(data[:2])[0], len(data)) if len(data) >= 2 else 0
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("X.npy", data[2:cut])
            archive.writestr("y.npy", data[cut:])
        return packed.getvalue()
    return data


def load_toml() -> None:
    import justright.study.spec  # noqa: F401


def run_toml(data: bytes, folder: Path) -> None:
    """A study file from text to study and back, with a small table whatever it names."""
    import tomllib

    import tomli_w

    from justright.study.spec import read_spec, study_from_dict, study_to_dict

    path = folder / "study.toml"
    path.write_bytes(data)
    values = read_spec(path)
    study = study_from_dict(values, read=small_table)
    list(study.runs())
    # What is written down must say the same: a name or number that TOML cannot hold would show here.
    again = study_from_dict(
        tomllib.loads(tomli_w.dumps(study_to_dict(study))) | {"table": {"source": "t"}}, read=small_table
    )
    if (again.variants, again.recipe, again.seeds) != (study.variants, study.recipe, study.seeds):
        raise AssertionError("a study differs from what was read from its own study.toml")


def run_spec(data: bytes, folder: Path) -> None:
    """A good study file with values replaced, keys renamed and sections removed as the input says."""
    import tomli_w

    source = iter(data)
    values = tomllib_loads(toml_seeds()[0])
    for _ in range(1 + next(source, 0) % 4):
        section = values
        while section:
            key = sorted(section)[next(source, 0) % len(section)]
            action = next(source, 0)
            if isinstance(section[key], dict) and action % 4:
                section = section[key]
                continue
            kept = section.pop(key)
            if action % 16 == 1:
                section[text_from(source)] = kept
            elif action % 16 != 2:
                section[key] = value_from(source)
            break
    run_toml(tomli_w.dumps(values).encode(), folder)


def tomllib_loads(text: bytes) -> dict[str, object]:
    import tomllib

    return tomllib.loads(text.decode())


def value_from(source: Iterator[int]) -> object:
    """Return a TOML value of any kind, chosen by the input."""
    kind = next(source, 0)
    if kind % 8 == 0:
        return [value_from(source) for _ in range(next(source, 0) % 4)]
    if kind % 8 == 1:
        return {text_from(source): value_from(source) for _ in range(next(source, 0) % 4)}
    if kind % 8 == 2:
        return text_from(source)
    return ODD_VALUES[next(source, 0) % len(ODD_VALUES)]


def text_from(source: Iterator[int]) -> str:
    length = next(source, 0) % 8
    odd = ODD_TEXTS[next(source, 0) % len(ODD_TEXTS)]
    return odd + bytes(next(source, 0) for _ in range(length)).decode("latin-1")


def small_table(source: object, **options: object) -> object:
    import numpy as np

    from justright.data.read import read_table

    return read_table((np.arange(40.0).reshape(20, 2), np.arange(20) % 2))


def load_log() -> None:
    import justright.logs.formats.registry
    import justright.records.event_files
    import justright.session.reading  # noqa: F401


def run_log(data: bytes, folder: Path) -> None:
    """First byte: the file's name, or records to seal; the rest: the file. Every run in it is also diagnosed."""
    from justright.errors import JustrightError
    from justright.session.reading import read_path

    if not data:
        return
    kind, content = data[0] % (len(LOG_NAMES) + 1), data[1:]
    name = LOG_NAMES[1] if kind == SEALED else LOG_NAMES[kind]
    path = folder / name if kind < 2 else folder
    (folder / name).write_bytes(seal_records(content) if kind == SEALED else content)
    with contextlib.suppress(JustrightError):
        str(read_path(path))


def load_model() -> None:
    import justright.records.models  # noqa: F401


def run_model(data: bytes, folder: Path) -> None:
    """The check that every model file passes before Keras sees it; even first byte: the rest is its configuration."""
    from justright.records.models import _check_harmless

    path = folder / "m.keras"
    if data[:1] and data[0] % 2 == 0:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("config.json", data[1:])
    else:
        path.write_bytes(data[1:])
    _check_harmless(path)


def load_checkpoint() -> None:
    import justright.records.checkpoints  # noqa: F401


def run_checkpoint(data: bytes, folder: Path) -> None:
    """Even first byte: the rest is a header in JSON, its length is put in front, and 64 bytes of data behind."""
    from justright.records.checkpoints import read_tensors

    if not data:
        return
    path = folder / "c.safetensors"
    header = struct.pack("<Q", len(data) - 1) + data[1:] + bytes(64)
    path.write_bytes(header if data[0] % 2 == 0 else data[1:])
    read_tensors(path)


ODD_VALUES: tuple[object, ...] = (
    *(0, 1, -1, 2, 3, 2**31, 2**63 - 1, 10**400, 65_537, True, False, 0.5, -0.0, 1e308, 1e-320),
    *(float("inf"), float("-inf"), float("nan")),
    *(date(2026, 1, 1), time(1), datetime(2026, 1, 1, tzinfo=UTC)),
)
ODD_TEXTS = (
    "",
    "Tiny",
    "mlp",
    "val_loss",
    "..",
    "a/b",
    "\x1b[2J",
    "<script>",
    "é" * 90,
    "x" * 300,
    "\u202e",
    "NUL",
    "train",
)

TARGETS: dict[str, Target] = {
    "table": Target(
        load_table, run_table, table_seeds, ("numpy.lib.format", "numpy.lib._format_impl", "zipfile")
    ),
    "toml": Target(load_toml, run_toml, toml_seeds, ("tomllib",)),
    "spec": Target(load_toml, run_spec, spec_seeds),
    "log": Target(load_log, run_log, log_seeds, ("json",)),
    "model": Target(load_model, run_model, model_seeds, ("zipfile", "json")),
    "checkpoint": Target(load_checkpoint, run_checkpoint, checkpoint_seeds),
}
