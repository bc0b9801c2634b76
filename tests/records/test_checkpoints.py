"""Checkpoint files: the same arrays come back, or an error that names the file."""

from __future__ import annotations

import pickle
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from tests.refusals import refusal

from justright.errors import FolderError
from justright.records.checkpoints import read_tensors, write_tensors
from justright.records.faults import DamagedError

DTYPES = [np.dtype(name) for name in ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?")]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    tensors=st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=10).filter(
            lambda name: name != "__metadata__"
        ),
        st.sampled_from(DTYPES).flatmap(
            lambda dtype: arrays.arrays(
                dtype, arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)
            )
        ),
        max_size=4,
    ),
    metadata=st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters(exclude_categories=["Cs"]))
    ),
)
def test_any_arrays_and_words_come_back_bit_by_bit(tmp_path, tensors, metadata) -> None:
    """All types and shapes a training state has, scalars and empty arrays among them, NaN payloads included."""
    write_tensors(tmp_path / "a.safetensors", tensors, metadata)
    read, words = read_tensors(tmp_path / "a.safetensors")
    assert words == metadata
    assert {name: (value.dtype, value.shape, value.tobytes()) for name, value in read.items()} == {
        name: (value.dtype, value.shape, value.tobytes()) for name, value in tensors.items()
    }


def test_strided_arrays_are_written_as_what_they_show(tmp_path) -> None:
    """Transposed and sliced arrays, and those of the other byte order."""
    grid = np.arange(12.0).reshape(3, 4)
    write_tensors(tmp_path / "a", {"t": grid.T, "s": grid[:, ::2], "big": grid.astype(">f8")}, {})
    read, _ = read_tensors(tmp_path / "a")
    np.testing.assert_equal(read, {"t": grid.T, "s": grid[:, ::2], "big": grid})


def test_arrays_read_may_be_changed(tmp_path) -> None:
    """They are not views of the file."""
    write_tensors(tmp_path / "a", {"x": np.zeros(3)}, {})
    read_tensors(tmp_path / "a")[0]["x"][:] = 1
    np.testing.assert_array_equal(read_tensors(tmp_path / "a")[0]["x"], np.zeros(3))


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.999])
def test_one_flipped_bit_anywhere_is_found(tmp_path, share) -> None:
    """In the header, the metadata or the numbers; the file is named."""
    path = tmp_path / "a.safetensors"
    write_tensors(path, {"x": np.arange(100.0)}, {"epoch": "12"})
    content = bytearray(path.read_bytes())
    content[int(share * len(content))] ^= 4
    path.write_bytes(content)
    with pytest.raises(DamagedError) as caught:
        read_tensors(path)
    assert str(caught.value).startswith(f"The checkpoint {str(path)!r} is damaged (")
    assert str(caught.value).endswith("). Remove it: its runs start again and end the same.")


@pytest.mark.parametrize("content", [b"", b"\0" * 7, b"\xff" * 64, b"cut"])
def test_files_that_are_no_checkpoints_are_named(tmp_path, content) -> None:
    """Empty, cut off, or something else."""
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(DamagedError, match=r"^The checkpoint .* is damaged \("):
        read_tensors(tmp_path / "a")


def test_a_checkpoint_of_another_program_is_not_trusted(tmp_path) -> None:
    """Without our checksum nothing says that it is whole."""
    from safetensors.numpy import save_file

    save_file({"x": np.zeros(1)}, tmp_path / "a")
    assert refusal(read_tensors, tmp_path / "a", error=DamagedError) == (
        f"The checkpoint {str(tmp_path / 'a')!r} is damaged (its checksum does not match). "
        "Remove it: its runs start again and end the same."
    )


def test_a_missing_checkpoint_is_one_clear_message(tmp_path) -> None:
    """As after somebody cleaned up."""
    assert refusal(read_tensors, tmp_path / "gone", error=FolderError) == (
        f"Cannot read the checkpoint at {str(tmp_path / 'gone')!r}: it is missing. "
        "Put it back, or choose another folder."
    )


def test_a_process_that_may_write_no_more_is_one_clear_message(tmp_path) -> None:
    """A real limit of the operating system (ulimit -f), as good as a full disk; the checkpoint before stays."""
    path = tmp_path / "a.safetensors"
    write_tensors(path, {"x": np.ones(3)}, {})
    program = (
        "import resource, numpy as np; from pathlib import Path\n"
        "from justright.records.checkpoints import write_tensors\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        f"write_tensors(Path({str(path)!r}), {{'x': np.ones(5_000)}}, {{}})\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stderr.splitlines()[-1] == (
        f"justright.errors.FolderError: Cannot write at {str(path)!r}: the disk is full. Free some space and run the "
        "same command again; what was recorded is kept."
    )
    np.testing.assert_equal(read_tensors(path), ({"x": np.ones(3)}, {}))
    assert [file.name for file in tmp_path.iterdir()] == ["a.safetensors"]


def test_workers_can_be_sent_the_functions_and_import_little() -> None:
    """Both pickle by name, and importing their module loads neither Keras, JAX nor Polars."""
    assert pickle.loads(pickle.dumps((write_tensors, read_tensors))) == (write_tensors, read_tensors)
    program = (
        "import sys, justright.records.checkpoints\n"
        "print(sorted({'keras', 'jax', 'polars', 'tensorboard', 'sqlite3.dbapi2'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "['sqlite3.dbapi2']\n"  # faults.py names the database's errors
