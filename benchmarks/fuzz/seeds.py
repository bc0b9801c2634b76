"""Inputs that `benchmarks.fuzz` starts from, made by code: one of each kind that a reader knows."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import struct
import zipfile
from pathlib import Path

SEALED = 4  # the first byte of a log that is records to be given their checksums
SIZE = struct.Struct("<H")


def table_seeds() -> list[bytes]:
    import numpy as np
    import polars as pl

    texts = [
        b"x,z,label\n1,0.5,0\n2,1e3,1\n3,-4,0\n",
        b"1.5\t2\t1\n2.5\t3\t0\n",
        b'"a;b";x;y\n"red ""1""";1;0\nblue;2;1\n',
        "﻿größe|x|class\n1|nan|a\n2||b\n".encode(),
        b"x,y\r\n1,inf\r\n\r\n2,0\r\n",
        b'"x" "g" "label"\n"1" 1.5 "a b" 0\n"2" NA "c" 1\n',
        b"# Run 7\n# t label\n 0.0  1\n0.1\t0\n\n// later\n0.2 1\n",
        b"Sales of 2019\n\nregion;n;label\nNorth;1,5;0\nSouth;2,5;1\n\nSource: the office, 2020\n",
        b"x\tn\tlabel\n[s]\t[V]\t\n0.1\t1.5\t0\n0.2\t1.6\t1\nx\tn\tlabel\n0.3\t2\t1\n",
        b"| x | label |\n|---|---|\n| 1 | 0 |\n| 2 | 1 |\n(2 rows)\n",
        b"Name  label\nJohn Smith  0\nMary Jones  1\n",
        b"sep=;\nx;y;;\n'a';\"say \\\"hi\\\"\";;\n'b';1;;\n",
        "stadt::label\rKöln::0\rBonn::1\r".encode("latin-1"),
        "x,label\n1,0\n2,1\n".encode("utf-16-le"),
        b'[{"x": 1, "z": {"a": 0.5}, "label": 0}, {"x": 2, "label": 1}]',
        b'{"x": 1, "label": 0}\n{"x": null, "label": 1}\n',
        b'{"columns": ["x", "label"], "index": [0, 1], "data": [[1, 0], [2, 1]]}',
        b"% a\n@relation r\n@attribute 'x x' real\n@attribute label {no,'y s'}\n@data\n1,no\n{0 ?,1 'y s'}\n",
        b"+1 1:0.5 3:1 # a\n-1 2:1e3\n+1 1:-4\n",
    ]
    frame = pl.DataFrame(
        {"x": ["a", "b", "a"], "z": [1.0, 2.5, None], "d": [True, False, True], "label": [0, 1, 0]}
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
    files += [io.BytesIO(database) for database in small_databases()]
    arrays = [
        (np.arange(6.0).reshape(3, 2), np.array([0, 1, 2])),
        (np.ones((3, 1), ">f2"), np.array(["a", "b", "a"])),
        (np.ones((2, 2), bool), np.ones((2, 1), "<u8")),
    ]
    plain = [kind + b"\x2c" + text for kind in (b"\0", b"\1", b"\2", b"\4", b"\5", b"\6") for text in texts]
    return (
        [*plain, *(b"\0\x1e" + file.getvalue() for file in files)]
        + [b"\0\x1c" + texts[0], b"\0\x2f" + texts[1], b"\0\x0c" + gzip.compress(texts[0])]
        + [b"\3\x0c" + array_pair(*pair) for pair in arrays]
    )


def small_databases() -> list[bytes]:
    """Return SQLite files of two to five pages: values of every type, a view, a virtual table, and two tables."""
    import sqlite3

    schemas = (
        [
            "CREATE TABLE t (x, z REAL, label)",
            "INSERT INTO t VALUES (1, 0.5, 0), ('a', NULL, 1), (x'00ff', 1e3, 0)",
        ],
        [
            "CREATE TABLE t (x, label)",
            "CREATE VIEW v AS SELECT * FROM t, t AS u",
            "INSERT INTO t VALUES (1, 0)",
        ],
        ["CREATE VIRTUAL TABLE t USING fts5(x)", "INSERT INTO t VALUES ('a b')"],
        [
            "CREATE TABLE t (x PRIMARY KEY, label AS (x + 1)) WITHOUT ROWID",
            "INSERT INTO t (x) VALUES (1), (2)",
        ],
    )
    files = []
    for statements in schemas:
        with contextlib.closing(sqlite3.connect(":memory:")) as connection:
            for statement in ("PRAGMA page_size = 512", *statements):
                connection.execute(statement)
            connection.commit()
            files.append(connection.serialize())
    return files


def array_pair(*arrays: object) -> bytes:
    import numpy as np

    packed = []
    for array in arrays:
        packed.append(io.BytesIO())
        np.save(packed[-1], array, allow_pickle=False)
    first, second = (item.getvalue() for item in packed)
    return SIZE.pack(len(first) + 2) + first + second


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


def seal_records(data: bytes) -> bytes:
    """Return length-prefixed pieces as records of an event file, with their checksums."""
    import numpy as np

    from justright.records.event_files import frame

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
