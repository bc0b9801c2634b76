"""Names from outside stay names: no sink lets one leave the folder, end its cell, or command anything.

Variants' names are refused where they are made unless they are plain; columns, files and metrics of other tools are
not ours to choose. So every sink gets any text, as if no check stood before it.
"""

from __future__ import annotations

import copy
import io
import json
import re
import shutil
import sqlite3
import tempfile
import tomllib
from contextlib import closing
from html.parser import HTMLParser
from pathlib import Path
from unicodedata import category

import numpy as np
import pytest
import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from tests.refusals import refusal

import justright as jr
from justright.data.checks import check_names
from justright.errors import FolderError, InputError, JustrightError
from justright.records.folder import StudyFolder
from justright.records.reader import StoreReader
from justright.records.schema import TABLES
from justright.records.store import Store
from justright.report import render_html, render_markdown
from justright.report.drawable_text import printable
from justright.report.terminal.study_report import print_study
from justright.report.terminal.table_report import print_table_description
from justright.report.terminal.terminal import Terminal
from justright.report.terminal.text import UNSAFE_CATEGORIES, plain
from justright.runs.events import EpochBlock, RowLosses, RunKey, StackCheckpoint, VariantBuilt
from justright.study.spec import read_spec, study_from_dict, study_to_dict
from justright.study.variant import MAX_NAME_BYTES, check_name

VERSION_1 = Path(__file__).parent / "fixtures" / "study-version-1"
BENIGN = "Benign"
# Each ends, escapes or reorders something somewhere.
KNOWN = [
    *("../../etc/passwd", "..", "/etc/passwd", "C:\\Windows"),
    *(
        "a/b",
        "a\\b",
        "NUL",
        "~",
        "-rf",
        "x" * 300,
        "é" * 130,
    ),
    *("'; DROP TABLE runs; --", 'a"b', "a`b", "run", "epoch", "EPOCH", "rowid", "sqlite_sequence", "a]b"),
    *("</script><script>alert(1)</script>", "<!--", "]]>"),
    *("&lt;", "{{ 7*7 }}", "{% raw %}", "' onload='x", "$&"),
    *(
        "a|b",
        "| --- |",
        "[x](http://evil)",
        "![i](http://evil)",
        "`code`",
        "# h",
        "1. x",
        "www.evil.com",
        "~~~",
    ),
    *('"""', "'''", "[table]", "a = 1", "a\nb = 2", "\\u0000", "key.with.dots", "#"),
    *("\x1b[2J", "\x1b]0;title\x07", "\r", "\u202egnp.exe", "\u2066", "\u2028", "\x9b2J", "\u200b", "\ufeff"),
    *("\x00", "\x01", "\x08", "\x0c", "\ufffe", "\uffff", "\ufdd0", "\U0001fffe", "\ue000"),
    *("[bold]x[/bold]", "[link=http://evil]x[/link]", ":smile:", "\U0001f600", "ｆｕｌｌ", "e\u0301" * 40),
]
# Lone surrogates cannot come in: text files, Parquet and TOML are UTF-8, and the checks refuse them (tested below).
NAMES = st.one_of(
    st.sampled_from(KNOWN),
    st.text(min_size=1, max_size=40),
    st.lists(st.sampled_from(KNOWN), min_size=2, max_size=3).map("".join),
).filter(str.strip)
# Sinks that draw a report take most of a second.
EXAMPLES = {"html": 12, "sqlite": 40, "toml": 60, "spec": 60, "terminal": 40}


class Sinks:
    """What every sink needs: the summary of a real study, whose names are replaced."""

    def __init__(self, summary):
        self.summary = summary
        self.benign_tags = tags_of(render_html(renamed(summary, BENIGN)))
        self.benign_blocks = blocks_of(render_markdown(renamed(summary, BENIGN)))


@pytest.fixture(scope="module")
def sinks(tmp_path_factory):
    """The study of the compatibility fixture, and what its reports are made of with harmless names."""
    folder = tmp_path_factory.mktemp("hostile") / "study"
    folder.mkdir()
    shutil.copy(VERSION_1 / "study.toml", folder)
    with closing(sqlite3.connect(folder / "study.db")) as connection:
        connection.executescript((VERSION_1 / "study.sql").read_text())
    return Sinks(jr.open_result(folder).summary)


def renamed(summary, name):
    """Return the summary with a variant, a column, a class and every text from outside called `name`."""

    def walk(value):
        if isinstance(value, dict):
            return {walk(key) if key == "Tiny" else key: walk(item) for key, item in value.items()}
        if isinstance(value, list):
            return [walk(item) for item in value]
        return name if value == "Tiny" else value

    changed = walk(copy.deepcopy(summary))
    assert changed != summary
    table = changed["table"]
    table["columns"][0]["name"] = table["target"] = table["source"] = table["classes"][0]["name"] = name
    for key in ("study", "source", "conclusion"):
        changed[key] = name
    changed["facts"] = changed["variants"][1]["verdict"]["reasons"] = [name]
    changed["environment"] = {**changed["environment"], "python": name}
    return changed


class _Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = set()

    def handle_starttag(self, tag, attrs):
        self.found |= {(tag, name) for name, _ in attrs} | {(tag, None)}


def tags_of(page):
    """Return the (element, attribute) pairs of a page."""
    parser = _Tags()
    parser.feed(page)
    return parser.found


def blocks_of(text):
    """Return the kinds of blocks in Markdown, in order, and the kinds of inline markup."""
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(text)
    return [token.type for token in tokens], {
        child.type for token in tokens for child in token.children or ()
    }


def into_html(sinks, name, folder):
    """No element or attribute that a harmless name would not have, and the charts' data say the same name."""
    page = render_html(renamed(sinks.summary, name))
    assert tags_of(page) <= sinks.benign_tags
    assert page.count("<script") == 2
    data = re.search(r'id="report-data">(.*?)</script>', page, flags=re.DOTALL).group(1)
    assert printable(name) in {line["v"] for line in json.loads(data)["curves"]["loss"]["lines"]}


def into_markdown(sinks, name, folder):
    """The same headings, tables and cells, and no link, image, code or HTML."""
    blocks, inline = blocks_of(render_markdown(renamed(sinks.summary, name)))
    assert blocks == sinks.benign_blocks[0]
    assert inline <= sinks.benign_blocks[1] | {"text", "text_special"}


def into_terminal(sinks, name, folder):
    """Nothing that a terminal would act on, in the final table, a table's description and an error."""
    text = io.StringIO()
    terminal = Terminal(text, width=120)
    changed = renamed(sinks.summary, name)
    print_study(terminal, changed, folder / "study")
    print_table_description(terminal, changed["table"])
    terminal.say(plain(InputError(f"`x` must be; got {name!r}, {name}")))
    unsafe = {character for character in text.getvalue() if category(character) in UNSAFE_CATEGORIES}
    assert unsafe <= {"\n"}


def into_json(sinks, name, folder):
    """The same name comes out, from ASCII that any pipe can take."""
    from justright.report.summary import result_json

    text = json.dumps(result_json(renamed(sinks.summary, name)), allow_nan=False)
    assert text.isascii()
    assert json.loads(text)["variants"][0]["name"] == name


def into_sqlite(sinks, name, folder):
    """As variant, metric, note and key: the same texts come out, and no table came or went."""
    run = RunKey(name, 0, 10)
    losses = RowLosses(run, "validation", 0, np.float32([1, 2]))
    block = EpochBlock(run, 0, {"loss": np.float64([0.5]), name: np.float64([0.25])}, (losses,))
    with StudyFolder.open(folder / "study", "create") as place, Store(place) as store:
        store.handle(VariantBuilt(name, 3, name, name, ((name, name, name, 3),)))
        store.handle(StackCheckpoint("stack", "checkpoints/a", 1, (run,), (block,), ()))
        store.set_meta(name, name)
        store.note(name, name)
    with StudyFolder.open(folder / "study") as place, StoreReader(place) as reader:
        assert [record.run for record in reader.runs()] == [run]
        assert reader.get_meta(name) == name
        assert [built.variant for built in reader.variants()] == [name]
        (row,) = reader.curves(variant=name).rows(named=True)
        assert (row["loss"], row["seed"]) == (0.5, 0) or name == "loss"
        assert 0.25 in row.values()
    with closing(sqlite3.connect(folder / "study" / "study.db")) as connection:
        made = {item for (item,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    assert made == set(TABLES)


def into_files(sinks, name, folder):
    """A path inside the study folder, made of one more step, or a refusal."""
    place = StudyFolder(folder / "study", "read")
    for make in (place.model_path, place.tensorboard_run_path):
        try:
            path = make(RunKey(name, 0, 10), full_rows=10)
        except FolderError:
            continue
        assert path.resolve().is_relative_to(place.path.resolve())
        assert path.parent.name == name
        path.parent.mkdir(parents=True, exist_ok=True)
        (path.parent / "x").write_bytes(b"")
    assert {item.name for item in folder.iterdir()} <= {"study"}
    for relative in (name, f"models/{name}"):
        try:
            inside = place.inside(relative)
        except FolderError:
            continue
        assert inside.resolve().is_relative_to(place.path.resolve())


def into_toml(sinks, name, folder):
    """A variant whose name is accepted, and a column and file whatever they are called, read back the same."""
    values = read_spec(VERSION_1 / "study.toml")
    values["variants"] = {name: {"family": "mlp", "units": [2], "standardize": True, "group": name}}
    table = jr.read_table((np.arange(120.0).reshape(60, 2), np.arange(60) % 2))
    try:
        study = study_from_dict(values, read=lambda source, **options: table)
    except JustrightError:
        return
    again = tomllib.loads(tomli_w.dumps(study_to_dict(study)))
    assert again["variants"] == values["variants"]
    assert set(again) == {
        "schema_version",
        "name",
        "seeds",
        "reference",
        "table",
        "split",
        "recipe",
        "variants",
    }


def into_spec(sinks, name, folder):
    """A table's own names, written into study.toml by a study that was read from a file of that name."""
    from dataclasses import replace

    from justright.data.table import TableSource

    table = jr.read_table((np.arange(120.0).reshape(60, 2), np.arange(60) % 2))
    source = TableSource(name, target=name, missing=(name,), categorical=(name, "b"), location=name)
    split = replace(table, source=source).split(validation=10, train=30, test=5)
    written = tomllib.loads(tomli_w.dumps(study_to_dict(jr.Study(split, {"Tiny": jr.mlp(2)}))))
    assert written["table"] == {
        "source": name,
        "target": name,
        "missing": [name],
        "categorical": [name, "b"],
        "location": name,
    }
    assert list(written["variants"]) == ["Tiny"]


SINKS = {
    "html": into_html,
    "markdown": into_markdown,
    "terminal": into_terminal,
    "json": into_json,
    "sqlite": into_sqlite,
    "files": into_files,
    "toml": into_toml,
    "spec": into_spec,
}


@pytest.mark.parametrize("sink", SINKS)
def test_any_name_stays_a_name(sinks, sink):
    """The contract of every sink, over the same names."""

    @settings(max_examples=EXAMPLES.get(sink, 100), suppress_health_check=list(HealthCheck))
    @given(name=NAMES)
    def contract(name):
        with tempfile.TemporaryDirectory() as folder:
            SINKS[sink](sinks, name, Path(folder))

    contract()


@pytest.mark.parametrize("sink", [sink for sink in SINKS if sink not in ("html", "sqlite")])
def test_the_known_names_stay_names(sinks, sink, tmp_path):
    """Each of the list, whatever Hypothesis chose."""
    for number, name in enumerate(KNOWN):
        if name.strip():
            folder = tmp_path / str(number)
            folder.mkdir()
            SINKS[sink](sinks, name, folder)


def test_all_known_names_at_once_in_one_database(tmp_path):
    """As metrics of one run: each is a column of its own, though SQLite does not tell capitals apart."""
    run, names = RunKey("Tiny", 0, 10), list(dict.fromkeys(KNOWN))
    metrics = {name: np.float64([index]) for index, name in enumerate(names)}
    with StudyFolder.open(tmp_path / "study", "create") as place, Store(place) as store:
        block = EpochBlock(run, 0, metrics, ())
        store.handle(StackCheckpoint("stack", "checkpoints/a", 1, (run,), (block,), ()))
        columns = dict(store._connection.execute("SELECT name, column_name FROM metrics"))
        (values,) = store._connection.execute("SELECT * FROM epochs").fetchall()
        order = [item[1] for item in store._connection.execute("PRAGMA table_info(epochs)")]
    assert set(columns) == set(names)
    assert [values[order.index(columns[name])] for name in names] == list(range(len(names)))


def test_all_known_names_at_once_in_the_page(sinks, tmp_path):
    """One page holds them all: drawing is slow."""
    into_html(sinks, "".join(KNOWN), tmp_path)


@given(name=NAMES)
def test_a_variants_name_that_is_accepted_is_harmless_everywhere(name):
    """It is one file name of at most 255 bytes with all that is put around it, and one line of a terminal."""
    try:
        check_name(name)
    except InputError:
        return
    longest = f".part-01234567-{name}-rows-{2**31}-seeds-{2**31}-{2**31}-x10000-0123456789.safetensors"
    assert len(longest.encode()) <= 255
    assert plain(name) == name
    assert Path(name).name == name
    assert not set(name) & set("/\\:*?\"<>|'`[]{}$&#;\n")


@pytest.mark.parametrize("name", ["é" * 60, "名" * 40, "𝒳" * 30])
def test_a_variants_name_is_measured_in_bytes_too(name):
    """File systems count bytes: 80 letters of some scripts are 320."""
    check_name(name)
    assert refusal(check_name, name + name[0]) == (
        f"A variant's name must take at most {MAX_NAME_BYTES} bytes in UTF-8, since it becomes part of file names; "
        f"{name + name[0]!r} takes {len((name + name[0]).encode())}. Shorten it."
    )


@pytest.mark.parametrize("name", ["\ud800", "a\udfffb"])
def test_half_a_character_is_no_name(name):
    """A lone surrogate cannot be written to any file; it is refused where names come in."""
    with pytest.raises(InputError):
        check_name(name)
    assert (
        refusal(check_names, "column", [name])
        == f"A column name must not hold control characters; got {name!r}. Rename it."
    )
