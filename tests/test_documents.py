"""What the documents say is what the code does."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8") if (ROOT / "README.md").is_file() else ""
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
DOCS = sorted((ROOT / "docs").rglob("*.md"))
PYTHON = re.compile(r"```python\n(.*?)```", re.DOTALL)
# docs/keras.md has a test of its own: tests/callbacks/test_keras_page.py.
PAGES_WITH_PYTHON = [
    page for page in DOCS if page.stem != "keras" and PYTHON.search(page.read_text(encoding="utf-8"))
]
# A command as it stands in code that is indented, or in the `run:` of a workflow.
COMMAND = re.compile(r"^ {4,}(?:- )?(?:run: )?(?:\$ )?(?:[A-Z_]+=\S+ )*(justright .*)", re.MULTILINE)


def commands_in(text: str) -> list[list[str]]:
    """Return the words of each command of ours in a document, as a shell would give them."""
    found = []
    for line in COMMAND.findall(text):
        words = shlex.shlex(line, posix=True, punctuation_chars="|>&;")
        words.whitespace_split = words.commenters == "#"
        taken = list(words)
        ends = [place for place, word in enumerate(taken) if set(word) <= set("|>&;")]
        found.append(taken[: min(ends, default=len(taken))])
    return found


def spellings(docs_tool) -> dict[str, list[str]]:
    """Return command -> its arguments and options as they are typed."""
    return {
        name: [docs_tool.spelling(parameter) for parameter in command.params]
        for name, command in docs_tool.commands().items()
    }


def test_the_generated_pages_are_up_to_date(docs_tool):
    """`make docs` would change nothing."""
    assert docs_tool.stale_pages() == []


def test_every_command_and_option_is_in_the_command_line_page(docs_tool):
    """A flag without a line in the documents does not exist for its users."""
    page = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
    for command, listed in spellings(docs_tool).items():
        assert f"## justright {command}\n" in page
        for spelling in listed:
            assert f"`{spelling}" in page, spelling


@pytest.mark.parametrize(
    "page",
    [ROOT / "README.md", *(page for page in DOCS if page.parent.name == "docs")],
    ids=lambda page: page.stem,
)
def test_every_command_and_option_that_a_document_names_exists(docs_tool, page):
    """No command in the README or on a page can fail for its name or its flags."""
    known = {
        name: {
            option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)
        }
        for name, command in docs_tool.commands().items()
    }
    for words in commands_in(page.read_text(encoding="utf-8")):
        name, *arguments = words[1:] or [""]
        if name in known:
            used = {word.partition("=")[0] for word in arguments if word.startswith("-") and word != "-"}
            assert used <= known[name], words
        else:
            assert name in ("", "..."), words


def test_every_link_to_a_file_resolves():
    """Links from one document to another."""
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_finding_has_a_page_and_no_page_lags_behind(docs_tool):
    """A code in an answer leads to a page; a page whose code is gone is deleted with it."""
    from justright.logs.finding_pages import PAGES

    pages = {path.stem for path in (ROOT / "docs" / "findings").glob("JR*.md")}
    assert pages == {page.code for page in PAGES}
    index = (ROOT / "docs" / "findings" / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"\[(JR\d+)\]\(\1\.md\)", index) == [page.code for page in PAGES]


def test_every_code_that_a_reading_gives_has_a_page():
    """No finding is made of a code written by hand."""
    from justright.logs.finding_pages import PAGES

    used = {
        code
        for path in (ROOT / "src" / "justright").rglob("*.py")
        for code in re.findall(r"\bJR\d{3}\b", path.read_text(encoding="utf-8"))
    }
    assert used <= {page.code for page in PAGES}


def keys_of(value):
    """Return every key in nested plain values."""
    if isinstance(value, dict):
        return set(value).union(*map(keys_of, value.values()))
    return set().union(*map(keys_of, value)) if isinstance(value, list | tuple) else set()


def test_every_key_of_a_reading_is_in_the_page_on_logs():
    """Its tables are made of docstrings: a key that one of them leaves out is missing in the page."""
    import justright as jr

    page = (ROOT / "docs" / "diagnose.md").read_text(encoding="utf-8").split("## Keys of `--json`")[1]
    values = {
        "loss": [0.5**epoch for epoch in range(30)],
        "val_loss": [abs(epoch - 10) + 9 for epoch in range(30)],
    }
    found = keys_of(jr.diagnose(values | {"val_accuracy": [0.5] * 30}).to_dict())
    assert {"worsening", "basis", "evaluations"} <= found
    documented = set(re.findall(r"`(\w+)`", page))
    assert found - documented == set()


def test_examples_import_justright_before_keras():
    """It sees to a backend: `import keras` alone fails wherever TensorFlow is not installed."""
    notebooks = [json.loads(path.read_text(encoding="utf-8")) for path in (ROOT / "examples").glob("*.ipynb")]
    texts = ["\n".join("".join(cell["source"]) for cell in one["cells"]) for one in notebooks]
    texts += [path.read_text(encoding="utf-8") for path in (ROOT / "examples").glob("*.py")]
    pages = (ROOT / "README.md", *(ROOT / "docs").rglob("*.md"))
    texts += ["\n".join(PYTHON.findall(page.read_text(encoding="utf-8"))) for page in pages]
    using = [text for text in texts if "import keras\n" in text]
    assert len(using) >= 7
    for text in using:
        known = re.search(r"import justright|\bjr\.", text)  # a page may begin with what another has imported
        assert known is not None
        assert known.start() < text.index("import keras\n"), text[:300]


@pytest.mark.slow
def test_the_readmes_python_runs(tmp_path):
    """The ten lines of code, in a process of their own, as a reader would paste them."""
    blocks = PYTHON.findall(README)
    assert blocks
    for block in blocks:
        script = tmp_path / "readme.py"
        script.write_text(block, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, str(script)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def taken_for_granted(tmp_path_factory, shared_workers):
    """A folder with the files that pages speak of, made by one small study, and the names that they use without making them."""
    import polars as pl

    import justright as jr

    folder = tmp_path_factory.mktemp("documents")
    rooms = [1 + row % 5 for row in range(60)]
    heating = ["gas" if row % 3 else "wood" for row in range(60)]
    frame = pl.DataFrame({"rooms": rooms, "heating": heating, "price": [100.0 * size for size in rooms]})
    frame.drop("price").write_csv(folder / "new.csv")
    split = jr.read_table(frame, target="price").split(validation=15, train=30)
    study = jr.Study(
        split,
        {"Dropout": jr.mlp(4, dropout=0.1)},
        jr.Recipe(batch_size=10, max_epochs=2),
        reference=False,
        neighbours=False,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # so few rows tell nothing
        result = study.run(folder / "runs" / "houses-quick", progress=False)
    result.export("Dropout", folder / "small.keras")
    shutil.copy(folder / "small.keras", folder / "seed-1.keras")
    log = folder / "lightning_logs" / "version_0" / "metrics.csv"
    log.parent.mkdir(parents=True)
    log.write_text(
        "epoch,step,train_loss,val_loss\n" + "".join(f"{n},{n},{1 / (n + 1)},1\n" for n in range(9))
    )
    return folder, {"frame": frame.drop("price")}


@pytest.mark.parametrize("page", PAGES_WITH_PYTHON, ids=lambda page: page.stem)
@pytest.mark.slow
@pytest.mark.usefixtures("keras_objects")
def test_the_python_of_every_page_runs(page, taken_for_granted, monkeypatch):
    """A page's blocks, one after the other, as in a notebook of its own."""
    import matplotlib.pyplot as plt

    folder, names = taken_for_granted
    monkeypatch.chdir(folder)
    given = {"__name__": "__main__", **names}
    for block in PYTHON.findall(page.read_text(encoding="utf-8")):
        exec(compile(block, str(page), "exec"), given)
    plt.close("all")


def test_the_workflow_for_pull_requests_fails_for_a_network_that_overfits(tmp_path):
    """Its last command on a curve that turns, and on one that does not."""
    page = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    (words,) = [
        one
        for one in commands_in(page.split("## A GitHub workflow")[1])
        if "--fail-on" in one and "diagnose" in one
    ]
    codes = []
    for turn in (10, 40):
        losses = [(0.9**epoch, 0.5 + 0.01 * abs(turn - epoch)) for epoch in range(40)]
        (tmp_path / "training.csv").write_text(
            "epoch,loss,val_loss\n" + "".join(f"{epoch},{a},{b}\n" for epoch, (a, b) in enumerate(losses))
        )
        command = [sys.executable, "-m", "justright", *words[1:]]
        codes.append(subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode)
    assert codes == [1, 0]


def test_the_citation_names_this_version():
    """Whoever cites says which version."""
    import justright as jr

    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"version: {jr.__version__}\n" in citation
    assert f'title: "{(jr.__doc__ or "").splitlines()[0].rstrip(".")}' in citation


def test_every_page_is_in_the_sites_navigation():
    """MkDocs says so as well, but only where it is installed."""
    listed = set(
        re.findall(r"[\w/-]+\.md$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), flags=re.MULTILINE)
    )
    pages = {page.relative_to(ROOT / "docs").as_posix() for page in DOCS if not page.stem.startswith("JR")}
    assert pages <= listed


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
@pytest.mark.slow
def test_every_example_runs(example, tmp_path):
    """Each in a process of its own and an empty folder."""
    done = subprocess.run(
        [sys.executable, str(example)], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
