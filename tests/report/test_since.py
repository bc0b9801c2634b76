"""Since when a network overfits, in the few words behind its verdict."""

from __future__ import annotations

from typing import Any

import pytest

from justright.report.number_formats import meanings
from justright.report.since import onset_epoch, since_short, since_words


def variant(
    label: str = "overfits", onset: dict[str, int] | None = None, epochs: int = 300
) -> dict[str, Any]:
    """Return a summary's variant with two runs, whose test loss rises by 0.002 and 0.004."""
    runs = [
        {
            "train_rows": 9,
            "epochs": epochs + seed,
            "outcome": "stopped early",
            "best": {},
            "last": {},
            "test": {"loss": 0.6},
            "test_last": {"loss": 0.602 + 0.002 * seed},
        }
        for seed in range(2)
    ]
    return {"verdict": {"label": label, "onset_epoch": onset}, "runs": runs}


def test_an_epoch_is_named_when_later_ones_were_measured():
    """The last good epoch: after it the loss is worse."""
    one = variant(onset={"low": 9, "high": 1_050, "last": 1_300})
    assert (since_words(one, "loss"), since_short(one)) == ("after epoch 1,050", "after 1,050")


def test_no_epoch_is_named_when_it_was_the_last():
    """'After epoch 299' would speak of epochs that nobody trained; how much worse the end is was measured."""
    one = variant(onset={"low": 9, "high": 299, "last": 299})
    assert (since_words(one, "loss"), since_short(one)) == ("by 0.0030 at the end", "at the end")


@pytest.mark.parametrize(("high", "epoch"), [(298, 298), (299, None)])
def test_a_judgement_without_a_last_epoch_takes_the_shortest_run_s(high, epoch):
    """Folders of older versions."""
    assert onset_epoch(variant(onset={"low": 9, "high": high})) == epoch


@pytest.mark.parametrize("label", ["underfits", "just right", "undecided", "diverged"])
def test_other_verdicts_have_no_since(label):
    """They have an onset, too, which says nothing about overfitting."""
    one = variant(label, {"low": 9, "high": 20, "last": 299})
    assert (since_words(one, "loss"), since_short(one)) == ("", "")


def test_only_verdicts_that_occur_are_explained():
    """A legend of what is not there is noise."""
    assert meanings({"variants": [variant("undecided"), variant("overfits"), variant("undecided")]}) == (
        "Overfits: its last epoch is worse than its best one, whose weights are saved. "
        "Undecided: neither shown nor excluded; its reasons say what would decide."
    )
