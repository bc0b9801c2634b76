"""Saved models: they come back, and nothing in a stranger's file runs."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from tests.refusals import refusal

from justright.errors import FolderError, InputError
from justright.records import models
from justright.records.faults import DamagedError
from justright.records.models import (
    NOTES_KEY,
    damage_of,
    load_model,
    read_notes,
    read_weights,
    save_model_atomically,
)


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> Path:
    """A small saved model."""
    import keras

    path = tmp_path_factory.mktemp("models") / "Tiny" / "seed-0.keras"
    save_model_atomically(keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]), path)
    return path


def rewritten(saved: Path, target: Path, config: object) -> Path:
    """Return a copy of a saved model with another configuration."""
    with zipfile.ZipFile(saved) as source, zipfile.ZipFile(target, "w") as copy:
        for item in source.infolist():
            text = json.dumps(config) if item.filename == "config.json" else source.read(item)
            copy.writestr(item.filename, text)
    return target


def test_a_saved_model_comes_back_and_nothing_else_is_left(saved) -> None:
    """The same predictions; the folder holds that one file."""
    model, again = load_model(saved), load_model(str(saved))
    rows = np.ones((2, 3), np.float32)
    np.testing.assert_array_equal(np.asarray(model(rows)), np.asarray(again(rows)))
    assert [path.name for path in saved.parent.iterdir()] == ["seed-0.keras"]


def test_a_model_with_a_lambda_is_refused(tmp_path) -> None:
    """Even one that Keras itself wrote: its code would run when the model is called."""
    import keras

    path = tmp_path / "lambda.keras"
    save_model_atomically(keras.Sequential([keras.Input((3,)), keras.layers.Lambda(lambda x: x * 2)]), path)
    assert refusal(load_model, path) == (
        f"A model must not hold code; {str(path)!r} has a 'Lambda', which would run what its author wrote. "
        "Rebuild it from layers, or load it yourself if you trust it."
    )


@pytest.mark.parametrize("name", ["Lambda", "__lambda__", "TorchModuleWrapper", "keras>TFSMLayer"])
def test_code_is_found_however_deep(tmp_path, saved, name) -> None:
    """In a list in a dictionary in a layer, and under a package's name."""
    hidden = {"layers": [{"config": {"inner": [{"class_name": name}]}}]}
    path = rewritten(saved, tmp_path / "deep.keras", {"class_name": "Sequential", "config": hidden})
    with pytest.raises(InputError, match=r"^A model must not hold code; "):
        load_model(path)


def test_a_module_that_keras_does_not_own_is_not_imported(tmp_path, saved) -> None:
    """A configuration that names a function of the operating system builds nothing (CVE-2025-1550)."""
    marker = tmp_path / "ran"
    config = {
        "module": "os",
        "class_name": "system",
        "config": {"command": f"touch {marker}"},
        "registered_name": None,
    }
    with pytest.raises(InputError, match=r"^A model must be made of classes that Keras knows; "):
        load_model(rewritten(saved, tmp_path / "os.keras", config))
    assert not marker.exists()


def test_other_formats_are_refused(tmp_path) -> None:
    """HDF5 files and folders can hold code that Keras would run."""
    assert refusal(load_model, tmp_path / "model.h5") == (
        f"A model must be a .keras file; got {str(tmp_path / 'model.h5')!r}. Save it with model.save('name.keras')."
    )
    assert refusal(save_model_atomically, None, tmp_path / "model.h5") == (
        f"A model must be a .keras file; got {str(tmp_path / 'model.h5')!r}. Give a path that ends in '.keras'."
    )


def test_a_decompression_bomb_is_refused_unread(tmp_path, saved, monkeypatch) -> None:
    """From the archive's table of contents alone, at a stated limit."""
    monkeypatch.setattr(models, "MAX_UNPACKED_SLACK_BYTES", 0)
    path = tmp_path / "bomb.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", "{}")
        archive.writestr("model.weights.h5", b"\0" * 10_000_000)
    limit = 20 * path.stat().st_size
    assert refusal(load_model, path) == (
        f"A model must not unpack to more than {limit} bytes, its configuration to {64 << 20}; {str(path)!r} would "
        "unpack to 10000002. It was not written by Keras: do not use it."
    )


@pytest.mark.parametrize("share", [0.0, 0.5, 0.95])
def test_a_model_cut_off_is_named(tmp_path, saved, share) -> None:
    """Wherever the cut is."""
    content = saved.read_bytes()
    path = tmp_path / "cut.keras"
    path.write_bytes(content[: int(share * len(content))])
    assert refusal(load_model, path, error=DamagedError) == (
        f"The model {str(path)!r} is damaged (File is not a zip file). Run the study again: the model is made again."
    )


def test_a_configuration_nested_without_end_is_damage(tmp_path, saved) -> None:
    """It neither crashes the interpreter nor shows a traceback."""
    path = tmp_path / "deep.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "[" * 1_000_000)
    with pytest.raises(DamagedError, match=r"^The model .* is damaged \("):
        load_model(path)


def test_a_flipped_byte_in_the_weights_is_named(tmp_path, saved) -> None:
    """The archive's own checksums find it."""
    content = bytearray(saved.read_bytes())
    with zipfile.ZipFile(saved) as archive:
        item = archive.getinfo("model.weights.h5")
    content[item.header_offset + 500] ^= 1
    path = tmp_path / "flipped.keras"
    path.write_bytes(content)
    with pytest.raises(DamagedError, match=r"^The model .* is damaged \("):
        load_model(path)


def test_a_missing_model_is_one_clear_message(tmp_path) -> None:
    """As after somebody cleaned up."""
    path = tmp_path / "gone.keras"
    assert refusal(load_model, path, error=FolderError) == (
        f"Cannot read the model at {str(path)!r}: it is missing. Put it back, or choose another folder."
    )


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_a_model_in_another_compression_is_refused(tmp_path, method) -> None:
    """Keras stores and deflates; others ask for far more memory than the file says."""
    path = tmp_path / "odd.keras"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("config.json", "{}")
    assert refusal(load_model, path) == (
        f"A model must be stored or deflated; 'config.json' in {str(path)!r} is compressed in another way. "
        "It was not written by Keras: do not use it."
    )


def test_deflated_bytes_that_are_none_are_damage(tmp_path) -> None:
    """A zip directory that is whole, around a configuration that is not (found by fuzzing)."""
    path = tmp_path / "m.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", '{"class_name": "Sequential"}')
    content = bytearray(path.read_bytes())
    start = content.index(b"config.json") + len(b"config.json")
    content[start : start + 4] = b"\xff" * 4
    path.write_bytes(content)
    assert refusal(load_model, path, error=DamagedError) == (
        f"The model {str(path)!r} is damaged (Error -3 while decompressing data: invalid block type). "
        "Run the study again: the model is made again."
    )


def test_damage_to_a_saved_model_is_named(saved, tmp_path):
    """Every member's checksum is looked at, and nothing is loaded; a whole file has no damage."""
    path = tmp_path / "model.keras"
    whole = saved.read_bytes()
    assert damage_of(saved) == ""
    path.write_bytes(whole[: len(whole) // 2])
    assert damage_of(path) == "File is not a zip file"
    middle = whole.index(b"vars") + 200  # inside the stored weights
    path.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
    assert damage_of(path) == "the checksum of 'model.weights.h5' is wrong"
    path.unlink()
    assert damage_of(path) == "it is missing"


def test_saving_twice_gives_the_same_bytes_whatever_the_clock_says(saved, tmp_path, monkeypatch) -> None:
    """Also before 1980, where ZIP files have no date and Keras writes none."""
    model = load_model(saved)
    save_model_atomically(model, tmp_path / "now.keras")
    monkeypatch.setattr("time.time", lambda: 0.0)
    save_model_atomically(model, tmp_path / "then.keras")
    assert (tmp_path / "now.keras").read_bytes() == (tmp_path / "then.keras").read_bytes()
    with zipfile.ZipFile(tmp_path / "then.keras") as archive:
        assert {item.date_time for item in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert json.loads(archive.read("metadata.json"))["date_saved"] == models.NO_DATE


def test_layers_that_claim_more_than_the_file_holds_are_refused_before_memory_is_taken(
    saved, tmp_path
) -> None:
    """4 TB of weights, in a file of some kilobytes; and no other model is asked to hold them later."""
    import keras

    with zipfile.ZipFile(saved) as archive:
        config = json.loads(archive.read("config.json"))
        size = archive.getinfo("model.weights.h5").file_size
    config["config"]["layers"][1]["config"]["units"] = 10**12
    path = rewritten(saved, tmp_path / "wide.keras", config)
    with pytest.raises(InputError) as caught:
        load_model(path)
    limit = 20 * size + (64 << 20)
    assert str(caught.value) == (
        f"A model must not claim more than {limit:,} bytes of weights, given how many its file holds; {str(path)!r} "
        f"claims {4 * 4 * 10**12:,}. It was not written by Keras: do not use it."
    )
    with keras.StatelessScope():
        pass  # would give its variables values when it ends


def test_arrays_that_claim_more_than_the_file_holds_are_refused(saved, tmp_path) -> None:
    """HDF5 stores a shape in a few bytes, and nothing for values that were never written."""
    import h5py

    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        file.create_dataset("layers/dense/vars/0", shape=(10**12,), dtype="f4", chunks=(1000,))
    path = tmp_path / "long.keras"
    with zipfile.ZipFile(saved) as source, zipfile.ZipFile(path, "w") as copy:
        for item in source.infolist():
            is_weights = item.filename == "model.weights.h5"
            copy.writestr(item.filename, content.getvalue() if is_weights else source.read(item))
    with pytest.raises(InputError, match=r"claims 4,000,000,000,000\. It was not written by Keras"):
        load_model(path)


ABOUT = {"variant": "Tiny", "seed": 0, "train_rows": 100, "epoch": 7, "are_logits": True}
PLAN = {"schema_version": 1, "columns": [{"name": "größe"}]}


@pytest.fixture(scope="module")
def described(saved, tmp_path_factory) -> Path:
    """The small model, with what it is and its plan."""
    path = tmp_path_factory.mktemp("described") / "seed-0.keras"
    save_model_atomically(load_model(saved), path, ABOUT, plan=PLAN)
    return path


def test_a_model_says_what_it_is_and_keras_still_opens_it(described, saved) -> None:
    """In Keras' own metadata: the archive has no more members than Keras writes."""
    import keras

    assert read_notes(described) == {**ABOUT, "plan": PLAN}
    rows = np.ones((2, 3), np.float32)
    plain = keras.saving.load_model(described)
    np.testing.assert_array_equal(np.asarray(plain(rows)), np.asarray(load_model(saved)(rows)))
    with zipfile.ZipFile(described) as archive:
        assert sorted(archive.namelist()) == ["config.json", "metadata.json", "model.weights.h5"]


def test_notes_are_saved_the_same_each_time_and_stay_in_a_copy(described, tmp_path) -> None:
    """A resumed study writes the same bytes, and what a Ray node sends keeps its notes."""
    again = tmp_path / "again.keras"
    save_model_atomically(load_model(described), again, ABOUT, plan=PLAN)
    assert again.read_bytes() == described.read_bytes()


def test_a_model_without_notes_is_one_sentence(saved) -> None:
    """As Keras saves it, or a study without a plan."""
    assert refusal(read_notes, saved) == (
        f"A model must say how its features are made of a table's columns; {str(saved)!r} does not: Keras alone, or an "
        "earlier justright, has saved it. Name a model in a study folder that this version wrote."
    )


def test_a_network_that_learned_from_arrays_says_who_can_predict(saved, tmp_path) -> None:
    """A recorded `fit` has no table, so that Keras itself predicts."""
    path = tmp_path / "arrays.keras"
    save_model_atomically(load_model(saved), path, ABOUT, plan=None)
    with pytest.raises(InputError) as caught:
        read_notes(path)
    assert str(caught.value) == (
        f"The network in {str(path)!r} learned from arrays or data sets that were given to `fit`, so there is no plan that makes "
        "its inputs of a table's columns. Let Keras predict with it, on inputs as `fit` got them: "
        "result.best.load().predict(inputs)."
    )


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ("[" * 1_000_000, r"^The model .* is damaged \("),
        ("{", r"^The model .* is damaged \("),
        (None, r"^The model .* is damaged \(.*metadata.json"),
        ("[]", r"^A model must say how"),
        (json.dumps({NOTES_KEY: {"plan": None}}), r"^The network in .* learned from arrays"),
        (json.dumps({NOTES_KEY: [1]}), r"^A model must say how"),
    ],
)
def test_notes_that_are_none_are_one_sentence(saved, tmp_path, metadata, message) -> None:
    """Nested without end, cut off, missing, or of another shape."""
    path = tmp_path / "odd.keras"
    with zipfile.ZipFile(saved) as source, zipfile.ZipFile(path, "w") as copy:
        copy.writestr("config.json", source.read("config.json"))
        if metadata is not None:
            copy.writestr("metadata.json", metadata)
    with pytest.raises((InputError, DamagedError), match=message):
        read_notes(path)


def test_notes_have_the_limit_of_a_configuration(described, monkeypatch) -> None:
    """A stranger's could be of any size."""
    monkeypatch.setattr(models, "MAX_CONFIG_BYTES", 3_000)
    assert read_notes(described)["plan"] == PLAN
    monkeypatch.setattr(models, "MAX_CONFIG_BYTES", 30)
    with pytest.raises(InputError, match=r"its configuration to 30; "):
        read_notes(described)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no named pipes")
def test_a_pipe_is_no_model(tmp_path) -> None:
    """Opening it would wait for ever."""
    path = tmp_path / "pipe.keras"
    os.mkfifo(path)
    for read in (load_model, read_notes):
        assert refusal(read, path) == f"A model must be a file; {str(path)!r} is none. Give another path."


def test_jax_computes_as_in_workers_where_it_is_imported_for_a_model() -> None:
    """Its flags are read once, when it starts."""
    program = (
        "import os; from justright.records.models import prepare_keras; prepare_keras();"
        "print(os.environ['XLA_FLAGS'])"
    )
    environment = {name: value for name, value in os.environ.items() if name != "XLA_FLAGS"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env=environment | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert "--xla_cpu_experimental_ynn_fusion_type=individual_dot" in done.stdout.split()


def test_weights_are_read_without_keras_by_the_names_of_their_layers(tmp_path) -> None:
    """Those of every layer, also inside another one, with what they are called; an optimizer's are left out."""
    import keras

    inner = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, name="inside")], name="inner")
    model = keras.Sequential(
        [
            keras.Input((5,)),
            keras.layers.Normalization(name="standardization", mean=0.5, variance=2.0),
            keras.layers.Dense(4, name="mine"),
            keras.layers.BatchNormalization(name="norm"),
            inner,
            keras.layers.PReLU(name="rare"),
            keras.layers.Dense(1, name="out"),
        ]
    )
    model.compile("adam", "mse")
    model.fit(np.ones((4, 5)), np.ones(4), verbose=0)
    save_model_atomically(model, tmp_path / "model.keras")
    found = read_weights(tmp_path / "model.keras")
    variables = {
        "mine": ("kernel", "bias"),
        "norm": ("gamma", "beta", "moving_mean", "moving_variance"),
        "rare": ("0",),
        "out": ("kernel", "bias"),
    }
    expected = {
        f"{layer}/{name}": value
        for layer, names in variables.items()
        for name, value in zip(names, model.get_layer(layer).get_weights(), strict=True)
    }
    kernel, bias = inner.get_weights()
    expected |= {"inner/inside/kernel": kernel, "inner/inside/bias": bias}
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values)


def test_weights_in_another_file_are_not_read(tmp_path, saved) -> None:
    """HDF5 can name any file of the reader's as the place of its numbers."""
    import h5py

    secret = tmp_path / "secret"
    secret.write_bytes(b"x" * 80)
    with h5py.File(tmp_path / "weights.h5", "w") as file:
        file.create_dataset("layers/dense/vars/0", (10,), "f8", external=[(str(secret), 0, 80)])
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(saved) as archive, zipfile.ZipFile(path, "w") as copy:
        copy.writestr("config.json", archive.read("config.json"))
        copy.writestr("model.weights.h5", (tmp_path / "weights.h5").read_bytes())
    assert refusal(read_weights, path, error=DamagedError) == (
        f"The model {str(path)!r} is damaged (its weights are in other files). Run the study again: the model is made again."
    )


def test_weights_of_a_damaged_model_are_not_read(tmp_path, saved) -> None:
    """Cut off in the middle of them."""
    path = tmp_path / "cut.keras"
    path.write_bytes(saved.read_bytes()[: saved.stat().st_size // 2])
    with pytest.raises(DamagedError, match=r"^The model .* is damaged "):
        read_weights(path)


def test_a_class_that_main_defines_is_known_without_being_registered(tmp_path, monkeypatch) -> None:
    """Whoever reads a model back in the notebook that trained it has its classes; elsewhere the message says what is missing."""
    import keras

    gate = type("Gate", (keras.layers.Layer,), {"__module__": "__main__", "call": lambda self, x: 2 * x})
    path = tmp_path / "gate.keras"
    save_model_atomically(keras.Sequential([keras.Input((3,)), gate(), keras.layers.Dense(1)]), path)
    with pytest.raises(InputError, match=r"cannot be rebuilt \(Could not locate class 'Gate'\)"):
        load_model(path)
    monkeypatch.setattr(sys.modules["__main__"], "Gate", gate, raising=False)
    assert isinstance(load_model(path).layers[0], gate)


def test_a_class_that_does_not_take_its_description_is_told_with_what_helps(tmp_path) -> None:
    """Running its cell again would not help."""
    import keras

    class Bare(keras.Model):
        def __init__(self):
            super().__init__()
            self.last = keras.layers.Dense(1)

        def call(self, inputs):
            return self.last(inputs)

    model, path = Bare(), tmp_path / "bare.keras"
    model(np.ones((1, 3), np.float32))
    save_model_atomically(model, path)
    with pytest.raises(InputError) as caught:
        load_model(path, custom_objects={"Bare": Bare})
    assert str(caught.value).startswith(
        f"The classes of a model must take what Keras notes about it; {str(path)!r} cannot be rebuilt: "
    )
    assert str(caught.value).endswith(
        "Bare.__init__() got an unexpected keyword argument 'trainable'. Let the class's `__init__` take **kwargs and pass them "
        "to `super().__init__`, and train it again."
    )
