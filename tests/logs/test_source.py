"""The content of a log, read once: encodings, JSON as it is really written, JSON Lines."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import math
import zipfile

import pytest
from tests.refusals import refusal

from justright.errors import InputError
from justright.logs.source import Source
from justright.logs.text.binary_files import KINDS

HISTORY = {"loss": [0.7, 0.6], "val_loss": [0.8, 0.7]}


def source_of(tmp_path, content):
    """Return the source of a file with this content."""
    path = tmp_path / "log.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return Source.of_file(path)


def zip_of(members):
    """Return an archive of texts."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        '{"loss": [0.7, 0.6], "val_loss": [0.8, 0.7]}',
        '\ufeff{"loss": [0.7, 0.6], "val_loss": [0.8, 0.7]}',
        "{'loss': [0.7, 0.6], 'val_loss': [0.8, 0.7]}",
        '{"loss": [0.7, 0.6], "val_loss": [0.8, 0.7,],}',
        "{'loss': [np.float64(0.7), np.float32(0.6)], 'val_loss': array([0.8, 0.7], dtype=float32)}",
        "defaultdict(<class 'list'>, {'loss': [0.7, 0.6], 'val_loss': [tensor(0.8, device='cuda:0'), tensor(0.7)]})",
        "OrderedDict({\n 'loss': (0.7, 0.6),\n 'val_loss': (0.8, 0.7)})",
        '{"loss": [0.7, 0.6], "val_loss": [0.8, 0.7]}'.encode("utf-16"),
    ],
)
def test_json_is_read_as_tools_write_it(tmp_path, content):
    """Valid JSON, what `str()` makes of a dict, and trailing commas; nothing is called."""
    source = source_of(tmp_path, content)
    assert (source.is_json, source.value, source.records, source.table) == (True, HISTORY, None, None)


def test_nan_and_infinities_are_numbers(tmp_path):
    """JSON's own spelling, and Python's."""
    for content in ('{"loss": [NaN, -Infinity]}', "{'loss': [nan, -inf]}"):
        not_a_number, infinite = source_of(tmp_path, content).value["loss"]
        assert math.isnan(not_a_number)
        assert infinite == -math.inf


def test_code_in_a_literal_is_not_run(tmp_path):
    """A call stands for its last argument; what else is no value is refused as JSON."""
    assert source_of(tmp_path, "{'loss': __import__('os')}").value == {"loss": "os"}
    source = source_of(tmp_path, "{'loss': [x for x in y]}")
    with pytest.raises(InputError, match=r"^A JSON log must be valid; "):
        assert source.value


def test_json_lines_are_records(tmp_path):
    """A line that holds no object costs itself and is said, as is a half-written last line."""
    source = source_of(tmp_path, '{"loss": 0.7}\n\n{"loss": NaN}\nWARNING: slow\n{\'loss\': 0.6}\n{"lo')
    assert [str(record) for record in source.records] == ["{'loss': 0.7}", "{'loss': nan}", "{'loss': 0.6}"]
    assert source.value is None
    assert source.is_json
    assert source.notes == [
        "1 line that holds no JSON object was left out (the first: line 4).",
        "The last line is half-written, and was left out.",
    ]


@pytest.mark.parametrize("content", ['{"loss": 0.7}', '{"loss": 0.7}\n', '[{"loss": 0.7},\n{"loss": 0.6}]'])
def test_one_value_is_no_json_lines(tmp_path, content):
    """A lone object on one line, and a list, are JSON."""
    source = source_of(tmp_path, content)
    assert source.records is None
    assert source.value


@pytest.mark.parametrize(
    "content",
    [
        "[12]\ttrain-auc:0.5\n[13]\ttrain-auc:0.6\n",
        "[2026-01-31 12:00:00] INFO loss: 0.5\n",
        "[INFO] epoch 1 loss: 0.5\n",
        "[1,  2000] loss: 2.173\n[1,  4000] loss: 1.9\n",
        "{'loss': 0.7, 'epoch': 1.0}\nsaving\nsaving\nsaving\n",
        "epoch,loss\n0,0.5\n",
    ],
)
def test_text_that_only_begins_like_json_is_none(tmp_path, content):
    """Brackets around times, levels and counts, and a dict printed at the beginning of a text."""
    source = source_of(tmp_path, content)
    assert (source.is_json, source.value, source.records) == (False, None, None)


def test_a_half_written_last_character_is_left_out(tmp_path):
    """The file was read while it was written."""
    assert source_of(tmp_path, "epoch,loss\n0,0.5\n# é".encode()[:-1]).text == "epoch,loss\n0,0.5\n# "
    assert source_of(tmp_path, "\x1b[1mEpoch 1\x1b[0m loss: 0.5\r\n").text == "Epoch 1 loss: 0.5\n"


CUT_OFF = "The file ends in the middle of a value: what is whole before it was read."


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (
            '[{"epoch": 0, "loss": 0.7},\n {"epoch": 1, "loss": 0.6},\n {"epoch": 2, "lo',
            [{"epoch": 0, "loss": 0.7}, {"epoch": 1, "loss": 0.6}],
        ),
        ('[{"epoch": 0, "loss": 0.7},\n', [{"epoch": 0, "loss": 0.7}]),
        ('{"log": [{"a": [1, 2]}, {"a": {"b": 3', {"log": [{"a": [1, 2]}]}),
        ('{"loss": [0.7, 0.6], "val_loss": [0.8, 0.7, 0.', {"loss": [0.7, 0.6], "val_loss": [0.8, 0.7]}),
        ('{"loss": [0.7, 0.6], "val_lo', {"loss": [0.7, 0.6]}),
        ('[{"name": "a, [b", "loss": [0.7, 0.6', [{"name": "a, [b", "loss": [0.7]}]),
    ],
)
def test_json_that_ends_in_the_middle_is_read_as_far_as_it_is_whole(tmp_path, content, value):
    """A run that was killed while it wrote keeps its curves; a record or number that may be half-written is left out."""
    source = source_of(tmp_path, content)
    assert source.value == value
    assert source.notes == [CUT_OFF]


@pytest.mark.parametrize("content", ['{"loss": [0.7, 0.6}}', '{"loss" 0.7}'])
def test_other_faults_of_json_are_refused(tmp_path, content):
    """Where nothing is merely missing at the end."""
    with pytest.raises(InputError, match=r"^A JSON log must be valid; "):
        _ = source_of(tmp_path, content).value


def notebook(*outputs):
    """Return a notebook with a cell for each output."""
    cells = [{"cell_type": "markdown", "source": ["# Training"]}]
    cells += [{"cell_type": "code", "source": ["fit()"], "outputs": [output]} for output in outputs]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, indent=1)


def test_a_notebook_is_what_its_cells_printed(tmp_path):
    """Texts are lists of lines there."""
    printed = {
        "output_type": "stream",
        "name": "stdout",
        "text": ["Epoch 1/2\n", "loss: 0.7 - val_loss: 0.8\n"],
    }
    source = source_of(
        tmp_path, notebook(printed, {"output_type": "execute_result", "data": {"text/plain": "7"}})
    )
    assert source.text == "Epoch 1/2\nloss: 0.7 - val_loss: 0.8\n"


def test_the_table_that_a_notebook_shows_while_it_trains_comes_first(tmp_path):
    """Hugging Face's and fastai's, of which the last is read; other tables, as of data, are none."""
    shown = "<div><table>{}</table></div>"
    table = shown.format("<tr><th>Epoch</th><th>Training Loss</th></tr><tr><td>1</td><td>0.7</td></tr>")
    frame = shown.format("<tr><th></th><th>age</th></tr><tr><td>0</td><td>31</td></tr>")
    outputs = [{"output_type": "display_data", "data": {"text/html": [html]}} for html in (table, frame)]
    source = source_of(tmp_path, notebook(*outputs))
    assert source.text == "Epoch\tTraining Loss\n1\t0.7\n"


def test_a_notebook_without_outputs_is_refused_in_one_sentence(tmp_path):
    """It was saved before it ran."""
    assert refusal(source_of, tmp_path, notebook()) == (
        f"A notebook must hold what training printed; no cell of {str(tmp_path / 'log.json')!r} holds an output. "
        "Run it, and save it."
    )


def test_a_log_in_gzip_is_unpacked(tmp_path):
    """As far as it goes, if its end is missing; a damaged one is refused."""
    packed = gzip.compress(b"epoch,loss,val_loss\n" + b"0,0.7,0.8\n" * 1_000)
    assert source_of(tmp_path, packed).text.endswith("0,0.7,0.8\n")
    assert source_of(tmp_path, packed[:-8]).text.startswith("epoch,loss,val_loss\n0,0.7,0.8\n")
    assert (
        refusal(source_of, tmp_path, b"\x1f\x8b\x08\x00 what is this")
        == f"A log in gzip must be whole; {str(tmp_path / 'log.json')!r} is damaged."
    )


def test_the_log_of_a_container_is_what_its_program_printed(tmp_path):
    """Docker wraps each line in JSON."""
    lines = [
        json.dumps({"log": f"epoch {k} val_loss {v}\n", "stream": "stdout"}) for k, v in enumerate((0.7, 0.6))
    ]
    assert source_of(tmp_path, "\n".join(lines)).text == "epoch 0 val_loss 0.7\nepoch 1 val_loss 0.6\n"


# What is in an archive without files, and the header of an array of objects.
REST = {
    b"PK\x03\x04": zip_of({"model.weights": b"\x00"})[4:],
    b"\x93NUMPY": b"\x01\x00\x76\x00{'descr': '|O', 'fortran_order': False, 'shape': (), }",
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_is_no_text_is_named_with_what_to_give_instead(tmp_path, kind):
    """In one sentence and a second."""
    magics, words = kind
    for magic in magics:
        assert (
            refusal(source_of, tmp_path, magic + REST.get(magic, b"\x00\x01"))
            == f"A training log must be text; {str(tmp_path / 'log.json')!r} {words}"
        )


@pytest.mark.parametrize(
    "pack",
    [
        gzip.compress,
        bz2.compress,
        lzma.compress,
        lambda text: zip_of({"a/history.json": text, "README.md": b"x"}),
    ],
    ids=["gzip", "bzip2", "xz", "zip"],
)
def test_what_is_packed_is_read_as_what_is_in_it(tmp_path, pack):
    """As pandas packs a table whose name ends so."""
    assert source_of(tmp_path, pack(json.dumps(HISTORY).encode())).value == HISTORY


def test_of_several_texts_in_an_archive_the_one_named_as_a_log_is_read(tmp_path):
    """Two of them are refused, with their names."""
    text = json.dumps(HISTORY)
    assert source_of(tmp_path, zip_of({"notes.txt": "x", "metrics.json": text})).value == HISTORY
    assert refusal(source_of, tmp_path, zip_of({"log-1.json": text, "log-2.json": text})) == (
        f"A zip archive must hold one log; {str(tmp_path / 'log.json')!r} holds 'log-1.json', 'log-2.json'. "
        "Unpack it, and give the folder."
    )


def test_a_damaged_archive_is_refused(tmp_path):
    """In a sentence."""
    assert refusal(source_of, tmp_path, zip_of({"log.json": "{}"})[:30]) == (
        f"A log in a zip archive must be readable; {str(tmp_path / 'log.json')!r} is not: File is not a zip file. "
        "Unpack it first."
    )


def test_toml_that_begins_with_a_bracket_is_no_json(tmp_path):
    """A table for each epoch."""
    source = source_of(tmp_path, "[[epoch]]\nloss = 0.7\n[[epoch]]\nloss = 0.6\n")
    assert source.value == {"epoch": [{"loss": 0.7}, {"loss": 0.6}]}
