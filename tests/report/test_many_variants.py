"""Hundreds of variants: a page that can be sent and a terminal that can be read, with everything in result.json."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tomli_w
from rich.cells import cell_len

from justright.records.folder import StudyFolder
from justright.records.store import Store
from justright.report import render_html
from justright.report.notable_variants import MOST_PRINTED, MOST_WHOLE, notable_variants, rest_words
from justright.report.sections.answer_list import FEW_ANSWERS
from justright.report.terminal.study_report import print_study
from justright.runs.events import EpochBlock, RunFinished, RunKey, StackCheckpoint, VariantBuilt
from justright.session.result import open_result

LOSS, SCORE = "binary_crossentropy", "accuracy"
MEMORY_BYTES = 4 * 1024**3  # of address space: a JavaScript engine, for instance, reserves more


def write_study(path: Path, *, variants: int, seeds: int = 3, epochs: int = 30, ended: bool = True) -> Path:
    """Write the folder of a judged study without training: later variants reach lower losses, every third overfits."""
    names = [f"Network {number}" for number in range(variants)]
    described = {name: {"family": "mlp", "units": [4 + at], "group": "own"} for at, name in enumerate(names)}
    with StudyFolder.open(path, "create") as folder, Store(folder) as store:
        values = {"schema_version": 1, "name": "wide", "seeds": list(range(seeds)), "variants": described}
        table = {"source": "t.csv", "target": "y"}
        recipe = {"batch_size": 50, "max_epochs": epochs}
        folder.study_path.write_text(tomli_w.dumps(values | {"table": table, "recipe": recipe}))
        parts = {"train": 100, "validation": 40, "test": 60}
        store.set_meta("table", {"source": "t.csv", "task": "binary", "parts": parts, "columns": []})
        judged = []
        for at, name in enumerate(names):
            store.handle(VariantBuilt(name, 100 + at, "summary\n" * 20, "{}", ()))
            if not ended:
                continue
            level = 0.6 - at / (10 * variants)
            blocks, finished = [], []
            for seed in range(seeds):
                run = RunKey(name, seed, 100)
                curve = level + 0.1 * np.exp(-np.arange(epochs) / 5) + 0.001 * seed
                metrics = {
                    f"{kind}{metric}": curve for kind in ("", "val_", "fixed_") for metric in (LOSS, SCORE)
                }
                at_end = {metric: float(values[-1]) for metric, values in metrics.items()}
                test = {LOSS: at_end[LOSS], SCORE: 0.7}
                blocks.append(EpochBlock(run, 0, metrics))
                finished.append(
                    RunFinished(run, "finished", "Done.", epochs, epochs - 1, 1.0, *2 * [at_end], *2 * [test])
                )
            store.handle(
                StackCheckpoint(
                    f"stack-{at}", f"checkpoints/{at}.safetensors", epochs, (), tuple(blocks), tuple(finished)
                )
            )
            label = "overfits" if at % 3 == 0 else "undecided"
            verdict = {"label": label, "onset_epoch": None, "margin": 0.001, "reasons": ["One reason. " * 5]}
            ends = {"mean": level, "low": level - 0.01, "high": level + 0.01}
            judged.append({"name": name, "verdict": verdict, "test": ends})
        if judged:
            store.set_meta(
                "judgement", {"variants": judged, "conclusion": "It was seen.", "best_variant": names[-1]}
            )
    return path


@pytest.fixture(scope="module")
def many(tmp_path_factory) -> Path:
    """The folder of a study of 200 variants."""
    return write_study(tmp_path_factory.mktemp("many") / "study", variants=200, seeds=2)


def test_a_page_of_many_variants_shows_the_notable_ones_whole_and_names_all(many):
    """All are named with verdict and loss; curves, runs, reasons and models are those of forty."""
    page = render_html(open_result(many).summary)
    assert len(page.encode()) < 1_000_000
    assert all(f"Network {number}<" in page for number in range(200))
    assert "160 more variants (106 undecided, 54 overfits)" in page
    assert (
        page.count('<div class="inside">') == 2 * MOST_WHOLE + 2
    )  # reasons, models; the other variants and study.toml
    data = json.loads(re.search(r'id="report-data">(.*?)</script>', page, flags=re.DOTALL).group(1))
    assert len({line["v"] for line in data["curves"]["loss"]["lines"]}) == MOST_WHOLE
    assert len(open_result(many).result["variants"]) == 200


@pytest.mark.parametrize("width", [80, 120])
def test_a_terminal_shows_those_that_matter_and_counts_the_rest(many, terminal, width):
    """One screen, the best among them, and the command that lists all."""
    console, file = terminal(width)
    print_study(console, open_result(many).summary, many)
    lines = file.getvalue().splitlines()
    assert sum(line.startswith("Network ") for line in lines) == MOST_PRINTED
    assert any(line.startswith("Network 199 ") for line in lines)
    assert max(cell_len(line) for line in lines if line.startswith("Network ")) <= width
    said = (
        "180 more variants (120 undecided, 60 overfits) are not shown: the best, what others change, and those that "
        f"validation rows like best are. For all of them: justright show --json {many}"
    )
    assert said in " ".join(file.getvalue().split())
    assert sum(line.startswith("- Network ") for line in lines) == FEW_ANSWERS
    assert len(lines) <= 45


def test_the_notable_variants_are_the_best_what_others_change_and_those_with_the_lowest_validation_loss(many):
    """In the study's order; where there are few, all."""
    summary = open_result(many).summary
    summary["variants"][3]["baseline"] = "Network 7"
    summary["best_variant"] = "Network 5"
    assert [one["name"] for one in notable_variants(summary, 4)] == [
        "Network 5",
        "Network 7",
        "Network 198",
        "Network 199",
    ]
    assert notable_variants(summary, 200) == summary["variants"]
    assert rest_words(summary["variants"], summary["variants"]) == ""


def test_a_study_of_which_nothing_has_ended_says_so(tmp_path):
    """The first variants that are still to be trained are named, the others counted."""
    folder = write_study(tmp_path / "study", variants=30, ended=False)
    done = justright("show", str(folder))
    assert "No run has ended yet: nothing can be concluded." in done.stdout
    assert "Network 7 (seeds 0, 1, 2); 22 more variants. Run the same command again" in " ".join(
        done.stdout.split()
    )
    assert "No run has ended yet: nothing can be concluded." in render_html(open_result(folder).summary)


def test_a_report_is_drawn_within_little_memory(tmp_path):
    """Under a limit of address space, as batch systems set it, with the charts of every figure."""
    folder = write_study(tmp_path / "study", variants=2, seeds=1)

    done = justright(
        "report", str(folder), before=("bash", "-c", f'ulimit -v {MEMORY_BYTES // 1024} && exec "$@"', "")
    )
    assert done.stdout == f"{folder / 'report.html'}\n"
    assert '<path class="val mean" d="M' in (folder / "report.html").read_text()


def justright(*arguments: str, before: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own, which must succeed and complain of nothing."""
    command = [
        *before,
        sys.executable,
        "-c",
        "import sys; from justright.cli.main import main; main(sys.argv[1:])",
        *arguments,
    ]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    return done
