"""Saved Keras models: written as a whole, and read without running anything a stranger put into the file."""

from __future__ import annotations

import io
import json
import math
import os
import re
import stat
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from justright.errors import InputError
from justright.records.faults import DamagedError, disk_faults
from justright.records.files import replacing
from justright.study.registered import revival_fault, unregistered_classes

if TYPE_CHECKING:
    import keras
    import numpy.typing as npt

SUFFIX = ".keras"
METADATA_NAME = "metadata.json"
WEIGHTS_NAME = "model.weights.h5"
# The variables of Keras' layers in the order in which they are stored, by the name that a layer's class gives to its folder there.
VARIABLES = {
    "dense": ("kernel", "bias"),
    "batch_normalization": ("gamma", "beta", "moving_mean", "moving_variance"),
    "normalization": ("mean", "variance", "count"),
}
OPTIMIZER_FOLDER = "optimizer/"  # beside those of layers; it holds no weights
COUNTER = re.compile(r"_\d+$")  # of the second folder of a class, and so on
# Under this key of Keras' metadata stands what justright knows about a model. Keras reads a file with a member more than its
# own three in another way: it unpacks all of it onto the disk.
NOTES_KEY = "justright"
NO_DATE = "1980-01-01@00:00:00"  # in Keras' format; the study folder knows when a model was trained
# Where Keras keeps variables that have no value yet, and what a value takes in float32.
UNINITIALIZED = "uninitialized_variables"
BYTES_PER_VALUE = 4
# Keras stores weights uncompressed and a configuration of kilobytes; a file that unpacks to far more is a bomb.
MAX_CONFIG_BYTES = 64 << 20
MAX_UNPACKED_RATIO = 20
MAX_UNPACKED_SLACK_BYTES = 64 << 20
COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# What zipfile, zlib and json raise on damaged archives; RuntimeError: a member is encrypted.
DAMAGES = (zipfile.BadZipFile, zlib.error, RuntimeError, KeyError, ValueError, EOFError)
# Classes whose configuration holds Python code or a pickle.
CODE_CLASSES = frozenset({"__lambda__", "Lambda", "TorchModuleWrapper", "TFSMLayer"})


def load_model(path: Path | str, custom_objects: Mapping[str, Any] | None = None) -> keras.Model:
    """Return the Keras model saved at `path`; nothing in the file is run as code or unpickled.

    Args:
        path: a `.keras` file. HDF5 files and SavedModel folders, which can hold code, are not read.
        custom_objects: the caller's own classes and functions in it, by registered name, or by their own name where they were
            not registered with Keras; as for `keras.saving.load_model`. Classes that `__main__` defines need not be given.

    Raises:
        InputError: the file is of another format, holds code, unpacks to too much, or needs classes that are not here.
        DamagedError: it is not a whole `.keras` file.
        FolderError: it is missing or may not be read.
    """
    place = Path(path)
    _check_harmless(place)
    prepare_keras()
    import keras

    with keras.saving.custom_object_scope({**unregistered_classes(), **(custom_objects or {})}):
        _check_claims(place)
        try:
            model: keras.Model = keras.saving.load_model(place, compile=False, safe_mode=True)
        # Keras: an unknown class, or a configuration that cannot be used.
        except (TypeError, ValueError, AttributeError, KeyError) as error:
            # Among Keras' advice, and the whole configuration of every layer around it.
            if fault := revival_fault(error):
                raise InputError(
                    f"The classes of a model must take what Keras notes about it; {str(place)!r} cannot be rebuilt: {fault}. "
                    "Let the class's `__init__` take **kwargs and pass them to `super().__init__`, and train it again."
                ) from error
            unknown = re.search(r"Could not locate \w+ '[^']*'", str(error))
            reason = unknown[0] if unknown else _reason(error)
            raise InputError(
                f"A model must be made of classes that Keras knows; {str(place)!r} cannot be rebuilt ({reason}). "
                "Import the package, or run the cell, that defines its layers first, or pass them as "
                "custom_objects={'NAME': CLASS}."
            ) from error
        except (OSError, zipfile.BadZipFile) as error:  # h5py and zipfile, on a file cut in the middle
            raise _damaged(place, error) from error
    return model


def read_notes(path: Path | str) -> dict[str, Any]:
    """Return what `save_model_atomically` was told about the model at `path`, its plan included; values may be anything.

    Raises:
        InputError: nothing was written into it, as by Keras alone; or as `load_model`, whose other errors it raises, too.
    """
    notes = read_about(path)
    if "plan" in notes and notes["plan"] is None:
        raise InputError(
            f"The network in {str(path)!r} learned from arrays or data sets that were given to `fit`, so there is no plan that "
            "makes its inputs of a table's columns. Let Keras predict with it, on inputs as `fit` got them: "
            "result.best.load().predict(inputs)."
        )
    if notes.get("plan") is None:
        raise InputError(
            f"A model must say how its features are made of a table's columns; {str(path)!r} does not: Keras alone, or an "
            "earlier justright, has saved it. Name a model in a study folder that this version wrote."
        )
    return notes


def read_about(path: Path | str) -> dict[str, Any]:
    """Return the same, whether or not there is a plan; empty if nothing was written into it.

    Raises:
        InputError, DamagedError, FolderError: as `load_model`.
    """
    place = Path(path)
    _check_harmless(place)
    with disk_faults(place, "read the model"):
        try:
            with zipfile.ZipFile(place) as archive:
                metadata = json.loads(archive.read(METADATA_NAME))
        except DAMAGES as error:
            raise _damaged(place, error) from error
    notes = metadata.get(NOTES_KEY) if isinstance(metadata, dict) else None
    return notes if isinstance(notes, dict) else {}


def read_weights(path: Path | str) -> dict[str, npt.NDArray[Any]]:
    """Return the weights of the model at `path` by the names of their layers, without Keras.

    Variables of a dense layer are called kernel and bias, those of a `BatchNormalization` gamma, beta and so on, others by
    their numbers.

    Raises:
        InputError, DamagedError, FolderError: as `load_model`.
    """
    import h5py

    place = Path(path)
    _check_harmless(place)
    weights: dict[str, npt.NDArray[Any]] = {}

    def add(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset) and not name.startswith(OPTIMIZER_FOLDER):
            if item.external or item.is_virtual:
                raise ValueError("its weights are in other files")
            weights[_weight_name(file, name)] = item[...]

    try:
        with zipfile.ZipFile(place) as archive:
            content = archive.read(WEIGHTS_NAME)
        with h5py.File(io.BytesIO(content)) as file:
            _check_claim(place, _stored_bytes(file), len(content))
            file.visititems(add)
    except (*DAMAGES, OSError) as error:
        raise _damaged(place, error) from error
    return weights


def damage_of(path: Path) -> str:
    """Return what is wrong with a saved model in a few words; '' if every byte is as written."""
    try:
        with zipfile.ZipFile(path) as archive:
            wrong = archive.testzip()
    except FileNotFoundError:
        return "it is missing"
    except (*DAMAGES, OSError) as error:
        return _reason(error)
    return f"the checksum of {wrong!r} is wrong" if wrong else ""


def save_model_atomically(
    model: keras.Model,
    path: Path,
    about: Mapping[str, Any] | None = None,
    *,
    plan: Mapping[str, Any] | None = None,
) -> None:
    """Save a Keras model to `path`, so that a crash leaves the old file or the whole new one.

    Args:
        model: the model.
        path: where to.
        about: what it is, as plain values: its variant, seed, epoch and so on. None leaves them as they are.
        plan: how its features are made of a table's columns, as plain values; it becomes a part of `about`.

    Raises:
        InputError: `path` does not end in `.keras`.
        FolderError: the disk is full, read-only or gone; a file that was there is untouched.
    """
    if path.suffix != SUFFIX:
        raise InputError(
            f"A model must be a .keras file; got {str(path)!r}. Give a path that ends in '.keras'."
        )
    with tempfile.TemporaryDirectory(prefix="justright-") as name, replacing(path) as aside:
        model.save(name, zipped=False)
        own = {} if about is None else {NOTES_KEY: {**about, "plan": plan}}
        _pack(Path(name), aside, {"date_saved": NO_DATE} | own)


def _pack(folder: Path, path: Path, metadata: Mapping[str, Any]) -> None:
    """Write what Keras saved in a folder as a `.keras` file with more metadata, the same bytes for the same model.

    Keras' own archives hold the time, twice; and where a clock stands before 1980, it cannot write one.
    """
    with zipfile.ZipFile(path, "w") as archive:
        for part in sorted(one for one in folder.rglob("*") if one.is_file()):
            content = part.read_bytes()
            if part.name == METADATA_NAME:
                content = json.dumps(json.loads(content) | metadata).encode()
            # A name alone gives an entry of 1980, the first year of ZIP files.
            archive.writestr(zipfile.ZipInfo(part.relative_to(folder).as_posix()), content)


def prepare_keras() -> None:
    """Set up what JAX reads when it is first imported, by Keras, so that it computes as it does in workers; unless it is.

    Which backend Keras uses was said when this package was imported.
    """
    from justright.workers.processes import worker_variables

    if "keras" not in sys.modules and "jax" not in sys.modules:
        os.environ["XLA_FLAGS"] = worker_variables(threads=0)["XLA_FLAGS"]


def _check_harmless(path: Path) -> None:
    """Refuse files that must not be opened, by their name, kind, table of contents and configuration."""
    if path.suffix != SUFFIX:
        raise InputError(
            f"A model must be a .keras file; got {str(path)!r}. Save it with model.save('name.keras')."
        )
    with disk_faults(path, "read the model"):
        if not stat.S_ISREG(path.stat().st_mode):  # opening a pipe would wait for its other end
            raise InputError(f"A model must be a file; {str(path)!r} is none. Give another path.")
        try:
            with zipfile.ZipFile(path) as archive:
                _check_sizes(path, archive)
                _check_compression(path, archive)
                config = json.loads(archive.read("config.json"))
        except InputError:
            raise
        except DAMAGES as error:
            raise _damaged(path, error) from error
    for name in _class_names(config):
        if name in CODE_CLASSES:
            raise InputError(
                f"A model must not hold code; {str(path)!r} has a {name!r}, which would run what its author wrote. "
                "Rebuild it from layers, or load it yourself if you trust it."
            )


def _check_claims(path: Path) -> None:
    """Refuse a file whose layers or weights would take far more memory than it holds bytes, before any is allocated."""
    import h5py

    try:
        with zipfile.ZipFile(path) as archive:
            config = json.loads(archive.read("config.json"))
            contents = [archive.read(item) for item in archive.infolist() if item.filename.endswith(".h5")]
        claims = []
        for content in contents:
            with h5py.File(io.BytesIO(content)) as file:
                claims.append(_stored_bytes(file))
    except (*DAMAGES, OSError) as error:
        raise _damaged(path, error) from error
    claims.append(_layer_bytes(config))
    _check_claim(path, max(claims), sum(map(len, contents)))


def _check_claim(path: Path, claimed: int, held: int) -> None:
    """Refuse a file that claims far more bytes of weights than it holds."""
    limit = MAX_UNPACKED_RATIO * held + MAX_UNPACKED_SLACK_BYTES
    if claimed > limit:
        raise InputError(
            f"A model must not claim more than {limit:,} bytes of weights, given how many its file holds; {str(path)!r} "
            f"claims {claimed:,}. It was not written by Keras: do not use it."
        )


def _layer_bytes(config: Any) -> int:  # noqa: ANN401  # parsed JSON is anything
    """Return how many bytes the weights of a configuration's layers would take; 0 if only loading it can tell.

    In a stateless scope, Keras gives variables their shape and no value.
    """
    import keras
    from keras.src.backend.common import global_state

    waiting = list(global_state.get_global_attribute(UNINITIALIZED) or ())
    try:
        with keras.StatelessScope(initialize_variables=False):
            model = keras.saving.deserialize_keras_object(config, safe_mode=True)
            return sum(
                math.prod(variable.shape) * BYTES_PER_VALUE for variable in getattr(model, "variables", ())
            )
    except (TypeError, ValueError, AttributeError, KeyError, RuntimeError):
        return 0  # loading says why, or its layers need values at once
    finally:
        # The next scope to end, of whatever model, would give these variables values.
        global_state.set_global_attribute(UNINITIALIZED, waiting)


def _stored_bytes(file: Any) -> int:  # noqa: ANN401  # h5py has no types
    """Return how many bytes the arrays in an HDF5 file would take; a few bytes of it can claim any number."""
    import h5py

    sizes: list[int] = []

    def add(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            sizes.append(math.prod(item.shape or ()) * item.dtype.itemsize)

    file.visititems(add)
    return sum(sizes)


def _weight_name(file: Any, place: str) -> str:  # noqa: ANN401  # h5py has no types
    """Return LAYER/VARIABLE of a weight that Keras stored at `place`, for instance layers/dense_1/vars/0; layers may be nested.

    A layer's folder is named after its class, and says the layer's own name beside its variables.
    """
    import h5py

    folder, _, number = place.rpartition("/")
    steps = folder.split("/")[:-1]
    names = []
    for end, step in enumerate(steps, 1):
        if step != "layers":
            beside = "/".join((*steps[:end], "vars"))
            is_here = isinstance(file.get(beside, getlink=True), h5py.HardLink)  # others lead to other files
            names.append(str(file[beside].attrs.get("name", step)) if is_here else step)
    variables = VARIABLES.get(COUNTER.sub("", steps[-1]), ()) if steps else ()
    is_known = number.isdecimal() and int(number) < len(variables)
    return "/".join((*(names or ["model"]), variables[int(number)] if is_known else number))


def _check_sizes(path: Path, archive: zipfile.ZipFile) -> None:
    """Refuse an archive that unpacks to far more than Keras writes."""
    unpacked = sum(item.file_size for item in archive.infolist())
    limit = MAX_UNPACKED_RATIO * path.stat().st_size + MAX_UNPACKED_SLACK_BYTES
    texts = [item for item in archive.infolist() if item.filename == METADATA_NAME]
    texts.append(archive.getinfo("config.json"))
    if unpacked > limit or max(item.file_size for item in texts) > MAX_CONFIG_BYTES:
        raise InputError(
            f"A model must not unpack to more than {limit} bytes, its configuration to {MAX_CONFIG_BYTES}; "
            f"{str(path)!r} would unpack to {unpacked}. It was not written by Keras: do not use it."
        )


def _check_compression(path: Path, archive: zipfile.ZipFile) -> None:
    """Refuse compressions that Keras does not use: LZMA and bzip2 ask for far more memory than they are given."""
    for item in archive.infolist():
        if item.compress_type not in COMPRESSIONS:
            raise InputError(
                f"A model must be stored or deflated; {item.filename!r} in {str(path)!r} is compressed in another way. "
                "It was not written by Keras: do not use it."
            )


def _class_names(config: object) -> Iterator[str]:
    """Yield every class a configuration names, however deep; without recursion, which a hostile file could exhaust."""
    pending: list[object] = [config]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            if isinstance(value.get("class_name"), str):
                yield value["class_name"].rpartition(">")[2]
            pending.extend(value.values())
        elif isinstance(value, list):
            pending.extend(value)


def _damaged(path: Path, error: Exception) -> DamagedError:
    return DamagedError(
        f"The model {str(path)!r} is damaged ({_reason(error)}). Run the study again: the model is made again."
    )


def _reason(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
