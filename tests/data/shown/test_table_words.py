"""Tables and splits as a console and a notebook show them."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree as ET

import numpy as np

import justright as jr
from justright.data.shown.cards import Picture, card_table, histogram


def table(features=3, classes=2, rows=100) -> jr.Table:
    """Return a table whose features count upwards."""
    values = np.arange(rows * features, dtype=np.float32).reshape(rows, features)
    return jr.Table(
        features=values,
        target=(np.arange(rows) % classes).astype(np.float32 if classes == 2 else np.int32),
        feature_names=tuple(f"x{number}" for number in range(features)),
        target_name="y",
        task="binary" if classes == 2 else "multiclass",
        class_names=tuple("abcdefgh"[:classes]),
    )


def cells(html: str) -> list[list[str]]:
    """Return the texts of a card's rows; a card must be whole."""
    rows = ET.fromstring(html).iter("tr")
    return [["".join(cell.itertext()) for cell in row] for row in rows]


def test_a_table_is_three_lines_of_text() -> None:
    """What, how many, and of which classes."""
    assert repr(table()) == (
        "Table('<memory>'): 100 rows x 3 features\n  target: y (binary), a: 50 %, b: 50 %\n  features: x0, x1, x2"
    )


def test_many_features_and_classes_are_counted_not_listed() -> None:
    """Five of each stand for all."""
    lines = repr(table(features=1_000, classes=8)).splitlines()
    assert lines[0] == "Table('<memory>'): 100 rows x 1,000 features"
    assert lines[1].endswith("and 3 more")
    assert lines[2] == "  features: x0, x1, x2, x3, x4 and 995 more"
    assert max(map(len, lines)) < 120


def test_a_card_of_a_table_has_a_line_for_each_of_twelve_features() -> None:
    """With its picture, its range and its mean, against the numbers themselves."""
    many = table(features=15)
    html = many._repr_html_()
    rows = cells(html)
    assert rows[0] == ["target", "y (binary), a: 50 %, b: 50 %"]
    assert rows[1] == ["feature", "distribution", "least", "mean", "largest"]
    assert rows[2] == ["x0", "", "0", "742.5", "1485"]
    assert [row[0] for row in rows[2:]] == [f"x{number}" for number in range(12)]
    assert "and 3 more features" in html
    assert html.count("<svg") == 12


def test_a_split_says_what_its_rows_do() -> None:
    """In text and as a card, which draws the parts in proportion."""
    split = table().split(validation=20, train=50, test=30)
    first, *others = repr(split).splitlines()
    assert first == "Split: of the rows 50 train, 20 validate, 30 test"
    assert others[0] == "  table: '<memory>', 100 rows x 3 features"
    assert cells(split._repr_html_())[2] == ["order", "stratified, seed 0"]
    for part, share in (("train", "0.5000"), ("validation", "0.2000"), ("test", "0.3000")):
        assert f'title="{part}" style="flex: {share}' in split._repr_html_()


def test_names_of_a_table_are_escaped() -> None:
    """A column may be called anything."""
    hostile = replace(table(), feature_names=("<script>", "x1", "x2"), target_name="<img>")
    html = hostile._repr_html_() + hostile.split(validation=20)._repr_html_()
    assert "<script>" not in html
    assert "<img>" not in html
    assert "&lt;script&gt;" in html


def test_a_histogram_counts_rows() -> None:
    """The fullest bin is as high as the picture, the others in proportion; a constant has no shape."""
    values = np.array([0, 0, 0, 0, 1, 24], np.float32)
    assert "M0 20v-20.0h4v20.0z" in histogram(values)
    assert "M5 20v-5.0h4v5.0z" in histogram(values)
    assert "M115 20v-5.0h4v5.0z" in histogram(values)
    assert histogram(np.zeros(4, np.float32)) == histogram(np.zeros(0, np.float32)) == Picture("")


def test_only_pictures_are_taken_as_html() -> None:
    """A text that looks like one is a text."""
    html = card_table(["a"], [["<svg></svg>"]], texts=1)
    assert "&lt;svg&gt;" in html
