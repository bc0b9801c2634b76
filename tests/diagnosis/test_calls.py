"""Commands as calls: what a report advises where no command can read the rows again."""

from __future__ import annotations

import pytest

from justright.diagnosis.words.calls import with_calls

SENTENCE = "Tiny would probably be decided by 6 seeds in all: justright run --out DIR --seeds 6."


@pytest.mark.parametrize(
    ("command", "call"),
    [
        ("justright run --out DIR --seeds 6", 'study.run("DIR", seeds=6)'),
        ("justright run --out DIR --max-epochs 80", 'study.run("DIR", max_epochs=80)'),
        (
            "justright run --out DIR --study remedies --of 'It'\"'\"'s mine'",
            """study.run("DIR", study="remedies", of="It's mine")""",
        ),
        (
            "justright run --out DIR --study neighbours --of Ä5",
            'study.run("DIR", study="neighbours", of="Ä5")',
        ),
        ("justright run --out DIR --seeds 4 --test FILE", 'study.run("DIR", seeds=4, test="FILE")'),
        ("justright predict DIR TABLE --variant Tiny", "justright predict DIR TABLE --variant Tiny"),
        ("", ""),
    ],
)
def test_a_command_becomes_the_call_that_does_the_same(command, call):
    """Every option, and names as Python writes them; other commands work as they are."""
    assert with_calls(command, "study") == call


def test_commands_in_sentences_become_calls_wherever_they_stand():
    """The full stop after a command stays one."""
    verdict = {
        "reasons": [SENTENCE, "No command."],
        "margin": 0.1,
        "action": {"command": SENTENCE[50:-1]},
        "also": None,
    }
    assert with_calls(verdict, "study") == {
        "reasons": [
            'Tiny would probably be decided by 6 seeds in all: study.run("DIR", seeds=6).',
            "No command.",
        ],
        "margin": 0.1,
        "action": {"command": 'study.run("DIR", seeds=6)'},
        "also": None,
    }


@pytest.mark.parametrize(
    ("options", "call"),
    [
        ("--seeds 3", "estimator.set_params(seeds=3).fit(X, y)"),
        ("--max-epochs 40", "estimator.set_params(max_iter=40).fit(X, y)"),
        ("--study neighbours --of Tiny", 'estimator.set_params(study="quick").fit(X, y)'),
    ],
)
def test_an_estimator_is_fitted_again(options, call):
    """With its own parameters."""
    assert with_calls(f"justright run --out DIR {options}", "estimator") == call


def test_recorded_trainings_are_joined():
    """The next one is trained by its user, too."""
    join = 'jr.join(["DIR", "OTHER"], "BOTH")'
    assert with_calls("justright run --out DIR --seeds 3", "recorder") == join
    assert with_calls(SENTENCE, "recorder") == (
        f"Tiny would probably be decided by 6 seeds in all: recorded in a folder of its own, then {join}."
    )
