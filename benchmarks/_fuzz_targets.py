"""What `benchmarks.fuzz` feeds: each reader of files from outside, with inputs to start from.

Checksums and compression would hide a reader from random bytes: no random change of a gzip file passes its CRC. So the
first byte of an input says how the rest is wrapped (`table`: compressed, or as arrays of an NPZ archive; `log`:
with the checksums of an event file), and the mutations happen inside.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import struct
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path

TABLE_KINDS = ("as it is", "gzip", "zstd", "arrays")
LOG_NAMES = ("log", "events.out.tfevents.1", "metrics.csv", "trainer_state.json")
SEALED = 4  # the first byte of a log that is records to be given their checksums
SIZE = struct.Struct("<H")


@dataclass(frozen=True)
class Target:
    """One reader, or several that share a door.

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


def load_table() -> None:
    import justright.data.read  # noqa: F401


def run_table(data: bytes, folder: Path) -> None:
    """First byte: wrapping; second: options of `read_table`; the rest: the file."""
    from justright.data import read_table

    if len(data) < 2:
        return
    kind, bits = TABLE_KINDS[data[0] % len(TABLE_KINDS)], data[1]
    path = folder / "t"
    path.write_bytes(wrap_table(kind, data[2:]))
    options = {"rows": 2} if bits & 1 else {}
    options |= {"missing": ["", "nan", "NA", "1"]} if bits & 2 else {}
    options |= {"task": ("binary", "multiclass", "regression")[bits >> 2 & 3]} if bits >> 2 & 3 < 3 else {}
    options |= {"categorical": ["x"]} if bits & 16 else {}
    options |= {"target": -1} if bits & 32 else {}
    table = read_table(path, **options)
    table.fingerprint  # noqa: B018  # it goes over every value and name


def wrap_table(kind: str, data: bytes) -> bytes:
    if kind == "gzip":
        return gzip.compress(data, 1)
    if kind == "zstd":
        import zstandard

        return zstandard.ZstdCompressor(level=1).compress(data)
    if kind == "arrays":
        cut = min(SIZE.unpack(data[:2])[0], len(data)) if len(data) >= 2 else 0
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("X.npy", data[2:cut])
            archive.writestr("y.npy", data[cut:])
        return packed.getvalue()
    return data


def table_seeds() -> list[bytes]:
    import numpy as np
    import polars as pl

    texts = [
        b"x,z,label\n1,0.5,0\n2,1e3,1\n3,-4,0\n",
        b"1.5\t2\t1\n2.5\t3\t0\n",
        b'"a;b";x;y\n"red ""1""";1;0\nblue;2;1\n',
        "﻿größe|x|class\n1|nan|a\n2||b\n".encode(),
        b"x,y\r\n1,inf\r\n\r\n2,0\r\n",
    ]
    frame = pl.DataFrame(
        {"x": ["a", "b", "a"], "z": [1.0, None, 2.5], "d": [True, False, True], "label": [0, 1, 0]}
    )
    files = []
    for compression in ("uncompressed", "snappy", "zstd", "gzip", "lz4", "brotli"):
        files.append(io.BytesIO())
        frame.write_parquet(files[-1], compression=compression)
    for compression in ("uncompressed", "lz4", "zstd"):
        files.append(io.BytesIO())
        frame.write_ipc(files[-1], compression=compression)
    files.append(io.BytesIO())
    np.savez_compressed(files[-1], X=np.ones((3, 2)), y=np.array([0, 1, 0]))
    arrays = [
        (np.arange(6.0).reshape(3, 2), np.array([0, 1, 2])),
        (np.ones((3, 1), ">f2"), np.array(["a", "b", "a"])),
        (np.ones((2, 2), bool), np.ones((2, 1), "<u8")),
    ]
    plain = [kind + b"\x0c" + text for kind in (b"\0", b"\1", b"\2") for text in texts]
    return (
        [*plain, *(b"\0\x0e" + file.getvalue() for file in files)]
        + [b"\0\x1c" + texts[0], b"\0\x2f" + texts[1], b"\0\x0c" + gzip.compress(texts[0])]
        + [b"\3\x0c" + array_pair(*pair) for pair in arrays]
    )


def array_pair(*arrays: object) -> bytes:
    import numpy as np

    packed = []
    for array in arrays:
        packed.append(io.BytesIO())
        np.save(packed[-1], array, allow_pickle=False)
    first, second = (item.getvalue() for item in packed)
    return SIZE.pack(len(first) + 2) + first + second


def load_toml() -> None:
    import justright.study.spec  # noqa: F401


def run_toml(data: bytes, folder: Path) -> None:
    """A study file from text to study and back, with a small table whatever it names."""
    import tomllib

    from justright.study.spec import read_spec, study_from_dict, study_to_toml

    path = folder / "study.toml"
    path.write_bytes(data)
    values = read_spec(path)
    study = study_from_dict(values, read=small_table)
    list(study.runs())
    # What is written down must say the same: a name or number that TOML cannot hold would show here.
    again = study_from_dict(
        tomllib.loads(study_to_toml(study)) | {"table": {"source": "t"}}, read=small_table
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

    from justright.data import read_table

    return read_table((np.arange(40.0).reshape(20, 2), np.arange(20) % 2))


def toml_seeds() -> list[bytes]:
    return [
        b"""schema_version = 1
name = "custom"
seeds = [0, 1]
train_sizes = [8, 10]
margin = 0.01
reference = true
[table]
source = "t.csv"
target = "y"
rows = 20
missing = ["NA"]
categorical = ["x"]
[split]
validation = 5
train = 10
test = 0.1
order = "random"
seed = 3
[recipe]
batch_size = 5
max_epochs = 10
patience = 3
monitor = "val_loss"
precision = "float32"
measure_rows = 10
[recipe.optimizer]
class_name = "Adam"
config = { learning_rate = 0.001 }
[variants.Tiny]
family = "mlp"
units = [4]
[variants."L2 + dropout"]
family = "mlp"
units = [4, 4]
activation = "relu"
l2 = 1e-3
dropout = 0.5
batch_normalization = true
baseline = "Tiny"
group = "remedies"
[variants."L2 + dropout".recipe]
batch_size = 2
""",
        b'[table]\nsource = "t"\ntest = { source = "u" }\n[variants.a]\nkeras_config = "{}"\nbuilder = "m:f"\n',
        b'seeds = 3\n[variants]\n"\xc3\x9cber (1)" = { family = "mlp", units = [] }\n',
    ]


def spec_seeds() -> list[bytes]:
    import random

    generator = random.Random(0)  # noqa: S311  # any bytes will do, the same ones every time
    return [generator.randbytes(32) for _ in range(256)]


def load_log() -> None:
    import justright.logs.formats
    import justright.logs.reading  # noqa: F401


def run_log(data: bytes, folder: Path) -> None:
    """First byte: the file's name, or records to seal; the rest: the file. Every run in it is also diagnosed."""
    from justright.errors import JustrightError
    from justright.logs import diagnose_curves, read_logs

    if not data:
        return
    kind, content = data[0] % (len(LOG_NAMES) + 1), data[1:]
    name = LOG_NAMES[1] if kind == SEALED else LOG_NAMES[kind]
    path = folder / name if kind < 2 else folder
    (folder / name).write_bytes(seal_records(content) if kind == SEALED else content)
    for curves in read_logs(path):
        with contextlib.suppress(JustrightError):
            str(diagnose_curves(curves))


def seal_records(data: bytes) -> bytes:
    """Return length-prefixed pieces as records of an event file, with their checksums."""
    import numpy as np

    from justright.records.tfrecord import frame

    sealed, place = [], 0
    while place + 2 <= len(data):
        (length,) = SIZE.unpack_from(data, place)
        piece = np.frombuffer(data[place + 2 : place + 2 + length], np.uint8)
        sealed.append(frame(piece[None]).tobytes())
        place += 2 + length
    return b"".join(sealed)


def log_seeds() -> list[bytes]:
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.compat.proto.tensor_pb2 import TensorProto

    falling = [1 / (1 + epoch) for epoch in range(12)]
    texts = [
        "epoch,loss,val_loss\n" + "".join(f"{e},{v},{v + 0.1}\n" for e, v in enumerate(falling)),
        "epoch,step,train_loss_epoch,val_loss\n0,4,,0.7\n0,9,0.6,\n1,14,nan,NA\n",
        "Epoch;train loss;valid loss;device\n0;1;2;gpu\n1;0.5;inf;gpu\n",
        json.dumps({"loss": falling, "val_loss": [*falling[:-1], None]}),
        json.dumps({"train": {"loss": falling}, "eval": {"loss": falling}}),
        json.dumps({"history": {"val_loss": [1, 2, 3]}, "epoch": [0]}),
        json.dumps(
            {"log_history": [{"epoch": 0.5, "loss": 1.0}, {"epoch": 1, "eval_loss": 1e-3, "step": 2}]}
        ),
    ]
    old = [
        Event(step=e, summary=Summary(value=[Summary.Value(tag="val_loss", simple_value=v)]))
        for e, v in enumerate(falling)
    ]
    tensor = TensorProto(dtype=1, tensor_content=struct.pack("<f", 0.5))
    wide = TensorProto(dtype=2, double_val=[0.25])
    new = [
        Event(file_version="brain.Event:2"),
        *(
            Event(step=3, summary=Summary(value=[Summary.Value(tag="epoch_val_loss", tensor=t)]))
            for t in (tensor, wide)
        ),
    ]
    records = [
        b"".join(SIZE.pack(event.ByteSize()) + event.SerializeToString() for event in events)
        for events in (old, new)
    ]
    named = [bytes([kind]) + text.encode() for text in texts for kind in (0, 2 if text[0] != "{" else 3)]
    return [*named, *(bytes([SEALED]) + each for each in records), b"\1" + seal_records(records[0])]


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


def model_seeds() -> list[bytes]:
    layers = [{"class_name": "Dense", "config": {"units": 4}}, {"class_name": "Lambda", "config": {}}]
    config = json.dumps({"class_name": "Sequential", "config": {"layers": layers}}).encode()
    packed = []
    for compression in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2):
        packed.append(io.BytesIO())
        with zipfile.ZipFile(packed[-1], "w", compression) as archive:
            archive.writestr("metadata.json", "{}")
            archive.writestr("config.json", config.replace(b"Lambda", b"Dense"))
            archive.writestr("model.weights.h5", b"\x89HDF\r\n")
    return [b"\0" + config, *(b"\1" + each.getvalue() for each in packed)]


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


def checkpoint_seeds() -> list[bytes]:
    import tempfile

    import numpy as np

    from justright.records.checkpoints import write_tensors

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "c"
        write_tensors(path, {"w": np.ones((2, 3), np.float32), "n": np.bool_(1)}, {"epoch": "3"})
        whole = path.read_bytes()
    (length,) = struct.unpack("<Q", whole[:8])
    dtypes = ("F8_E4M3", "BF16", "I64", "BOOL", "F16", "U8")
    odd = {name: {"dtype": name, "shape": [1], "data_offsets": [0, 1]} for name in dtypes}
    return [
        b"\1" + whole,
        b"\0" + whole[8 : 8 + length],
        *(b"\0" + json.dumps({k: v}).encode() for k, v in odd.items()),
    ]


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
