"""What TensorBoard says of a study that was judged."""

from __future__ import annotations

from justright.records.boards.tensorboard_files import WHOLE_STUDY
from justright.session.boards.board_texts import board_texts


def variant(name: str, label: str, **verdict: object) -> dict[str, object]:
    """A variant of a summary with the parts that texts are made of."""
    parts = {"label": label, "reasons": [], "margin": 0.01, "also": None, "answer": None, "action": None}
    return {"name": name, "verdict": parts | verdict}


def test_a_verdict_says_what_it_is_what_would_help_and_why() -> None:
    """And the study's text has a line for each network, after the conclusion."""
    tiny = variant(
        "Tiny",
        "underfits",
        answer="Tiny underfits: more capacity gains 0.02.",
        action={"words": "Take Small.", "command": "justright run"},
        reasons=["Small is better.", "The end is not worse."],
    )
    both = variant("Net", "overfits", also="underfits", reasons=["Dropout is better."])
    assert board_texts({"conclusion": "One of two.", "variants": [tiny, both]}) == {
        "Tiny": "**underfits.** Tiny underfits: more capacity gains 0.02. Take Small.\n\n- Small is better.\n- The end is not worse.",
        "Net": "**overfits, also underfits.** Dropout is better.\n\n- Dropout is better.",
        WHOLE_STUDY: "One of two.\n\n- **Tiny**: underfits. Tiny underfits: more capacity gains 0.02.\n"
        "- **Net**: overfits, also underfits. Dropout is better.",
    }


def test_names_from_outside_are_no_markup() -> None:
    """A class or column in a sentence may be called anything."""
    odd = variant("A_B_", "undecided", reasons=["Class '<b>[x](y)' has *one* row."])
    assert board_texts({"conclusion": "", "variants": [odd]}) == {
        "A_B_": "**undecided.** Class '\\<b\\>\\[x\\](y)' has \\*one\\* row.\n\n- Class '\\<b\\>\\[x\\](y)' has \\*one\\* row.",
        WHOLE_STUDY: "- **A\\_B\\_**: undecided. Class '\\<b\\>\\[x\\](y)' has \\*one\\* row.",
    }


def test_a_study_of_very_many_networks_lists_some_of_them() -> None:
    """Each still has its own text."""
    many = [variant(f"Net {number}", "undecided") for number in range(1_250)]
    texts = board_texts({"conclusion": "None is decided.", "variants": many})
    lines = texts[WHOLE_STUDY].splitlines()
    assert lines[:3] == ["None is decided.", "", "- **Net 0**: undecided."]
    assert lines[-1] == "- and 1,150 more, each with a text of its own"
    assert len(lines) == 103
    assert len(texts) == 1_251
