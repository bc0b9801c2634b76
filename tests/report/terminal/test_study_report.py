"""The final table at two widths, and what surrounds it."""

from __future__ import annotations

from rich.cells import cell_len

from justright.report.terminal.study_report import pending_runs, print_study


def printed(terminal, summary, folder, *, width=80, encoding="utf-8"):
    """Return the printed lines."""
    console, file = terminal(width, encoding)
    print_study(console, summary, folder)
    return [line.rstrip() for line in file.getvalue().splitlines()]


def test_the_table_at_80_columns(make, terminal, tmp_path):
    """The essential columns, and intervals as half widths."""
    lines = printed(terminal, make.summary(), tmp_path)
    assert lines[:6] == [
        "                                best   val.         test        test",
        "variant                params  epoch   loss         loss        acc.  verdict",
        lines[2],
        "Tiny                  803,329    123  0.586  0.618±0.006  66.2±0.5 %  undecided",
        "Large                 803,329    123  0.586  0.618±0.006  66.2±0.5 %  overfits",
        "Large, dropout and …  803,329    123  0.586  0.618±0.006  66.2±0.5 %  just right",
    ]
    assert set(lines[2]) == {"─"}
    assert lines[6:] == [
        "Loss: binary crossentropy at the best epoch, one seed; ±: half a 95 % interval.",
        "Precision: float32.",
        "Overfits: something tighter is better: regularization, fewer parameters, or an",
        "earlier end. Just right: nothing freer or tighter that was measured is better.",
        "Undecided: neither shown nor excluded; its answer says what would decide.",
        "",
        "Tiny is as good as Large on test rows.",
        "- Gradient-boosted trees reach 0.566 on the same rows.",
        "",
        f"Folder       {tmp_path}",
    ]


def test_the_lines_of_a_fact_stand_under_each_other(make, terminal, tmp_path):
    """Where one ends and the next begins is seen at the dashes."""
    summary = make.summary() | {"facts": ["word " * 30, "Another."]}
    lines = printed(terminal, summary, tmp_path)
    start = next(number for number, line in enumerate(lines) if line.startswith("- word"))
    assert lines[start + 1].startswith("  word")
    assert "- Another." in lines[start + 2 : start + 4]


def test_the_full_table_at_120_columns(make, terminal, tmp_path):
    """Training values and accuracies as well."""
    lines = printed(terminal, make.summary(seeds=3), tmp_path, width=120)
    assert lines[3].split() == [
        *("Tiny", "803,329", "123–125", "0.550±0.020", "0.586±0.020", "0.618±0.006"),
        *("71.0±3.0", "%", "68.0±3.0", "%", "66.2±0.5", "%", "undecided"),
    ]


def test_names_take_the_room_there_is(make, terminal, tmp_path):
    """Cut at 72 columns, whole at 140: two strengths of one remedy differ in their last characters only."""
    summary = make.summary(seeds=3)
    name = summary["variants"][-1]["name"] = "Step 12 Dropout 0.3"
    cut, whole = (printed(terminal, summary, tmp_path, width=width)[5] for width in (72, 140))
    assert "…" in cut
    assert whole.startswith(f"{name} ")


def test_losses_of_many_digits_leave_out_columns_and_cut_none(make, terminal, tmp_path):
    """The squared error of prices: at 120 columns the full table would not fit, and half a number is none."""
    summary = make.summary(seeds=3)
    for variant in summary["variants"]:
        for kind in ("fixed", "validation", "test"):
            variant["intervals"][kind] = {"mean": 7.5e11, "low": -4e11, "high": 1.9e12}
        variant["test"] = variant["intervals"]["test"]
    lines = printed(terminal, summary, tmp_path, width=120)
    assert not any("…" in line for line in lines[:5])
    assert lines[3].split() == [
        *("Tiny", "803,329", "123–125", *["8e11±1.2e12"] * 3),
        *("71.0±3.0", "%", "68.0±3.0", "%", "66.2±0.5", "%", "undecided"),
    ]
    assert printed(terminal, summary, tmp_path, width=100)[3].split() == [
        *("Tiny", "803,329", "123–125", "7.50e11", "8e11±1.2e12", "66.2±0.5", "%", "undecided"),
    ]


def test_since_when_is_said_behind_the_verdict_where_it_fits(make, terminal, tmp_path):
    """What follows the verdict must never cost a column of the narrow table."""
    summary = make.summary({"Tiny": "overfits", "Large": "overfits", "Net": "undecided"})
    onsets = ({"low": 9, "high": 140, "last": 299}, {"low": 9, "high": 299, "last": 299}, None)
    for variant, onset in zip(summary["variants"], onsets, strict=True):
        variant["verdict"]["onset_epoch"] = onset
    for width in (80, 120):
        verdicts = [
            line.partition(" %  ")[2].split("%")[-1].strip()
            for line in printed(terminal, summary, tmp_path, width=width)[3:6]
        ]
        assert verdicts == ["overfits after 140", "overfits at the end", "undecided"]
    narrow = printed(terminal, summary, tmp_path, width=72)[3:6]
    assert [line.split()[-1] for line in narrow] == ["overfits", "overfits", "undecided"]


def test_the_other_error_of_a_regression_is_named(make, terminal, tmp_path):
    """'error' alone would leave open which; large ones are whole numbers, as exact as their interval."""
    summary = make.summary({"Tiny": "undecided"}) | {
        "loss": "mean_squared_error",
        "score": "mean_absolute_error",
    }
    summary["variants"][0]["intervals"]["test_score"] = {"mean": 24_612.0, "low": 22_969.0, "high": 26_255.0}
    lines = printed(terminal, summary, tmp_path)
    assert "24,600±1,600" in lines[3]
    assert lines[4].startswith("Loss: mean squared error, error: mean absolute error at the best epoch, one")


def test_a_terminal_without_unicode_gets_ascii(make, terminal, tmp_path):
    """Every character can be shown, and the table still fits."""
    for width in (80, 120):
        lines = printed(terminal, make.summary(seeds=3), tmp_path, width=width, encoding="ascii")
        assert "".join(lines[:9]).isascii()
        assert max(map(cell_len, lines[:6])) <= width


def test_the_fixed_training_subset_is_preferred(make, terminal, tmp_path):
    """Where the best epoch was measured in inference mode, that is the training loss."""
    summary = make.summary({"Tiny": "undecided"})
    summary["variants"][0]["intervals"] = {}
    summary["variants"][0]["runs"][0]["best"]["fixed_binary_crossentropy"] = 0.5
    assert printed(terminal, summary, tmp_path, width=120)[3].split()[3] == "0.500"


def test_what_a_study_left_is_listed(make, terminal, tmp_path):
    """Only what is there; commands can be copied."""
    (tmp_path / "report.html").touch()
    (tmp_path / "tensorboard").mkdir()
    (tmp_path / "models").mkdir()
    summary = make.summary()
    left = [
        f"Report       {tmp_path / 'report.html'}",
        f"TensorBoard  justright tensorboard {tmp_path}",
        f"Models       {tmp_path / 'models'}",
        f"Predict      justright predict {tmp_path} TABLE",
        f"Folder       {tmp_path}",
    ]
    assert printed(terminal, summary, tmp_path)[-5:] == left
    in_memory = printed(terminal, summary | {"source": "<memory>"}, tmp_path)
    assert in_memory[-4:] == [*left[:3], left[4]]  # there may be no plan for a table's columns


def test_an_unfinished_study_says_what_is_missing(make, terminal, tmp_path):
    """A seed that is recorded without an outcome, one that is not recorded, a variant without runs."""
    summary = make.summary({"Tiny": "undecided", "Large": "undecided", "Done": "overfits"}, seeds=2)
    summary["variants"][0]["runs"][1] |= {"outcome": None, "best": {}, "test": {}, "best_epoch": None}
    summary["variants"][1] |= {
        "runs": [],
        "test": {"mean": None, "low": None, "high": None},
        "parameters": None,
        "intervals": {},
    }
    assert pending_runs(summary) == {"Tiny": [1], "Large": [0, 1]}
    lines = printed(terminal, summary, tmp_path, width=120)
    assert (
        "Not trained to the end yet: Tiny (seed 1); Large (seeds 0, 1). Run the same command again to go on."
        in lines
    )
    assert lines[4].split() == ["Large", *"–" * 8, "undecided"]


def test_names_and_sentences_from_outside_cannot_command_the_terminal(make, terminal, tmp_path):
    """Escape sequences are written out, markup is text."""
    summary = make.summary({"\x1b[2J[red]x": "overfits"})
    summary["conclusion"] = "[bold]\x1b]0;title\x07 wins"
    text = "\n".join(printed(terminal, summary, tmp_path, width=120))
    assert "\x1b" not in text
    assert "\\x1b[2J[re" in text
    assert "[bold]\\x1b]0;title\\x07 wins" in text


def answered(summary):
    """Return a summary whose three networks have answers, gains and commands."""

    def gain(value):
        return {"name": "Net", "kind": "regularization", "gain": value, "low": value / 2, "high": 2 * value}

    variants = []
    for variant, (freer, tighter) in zip(
        summary["variants"], ((0.02, None), (-0.1, 0.3), (0.0004, 0.0001)), strict=True
    ):
        label = variant["verdict"]["label"]
        new = {
            "freer": gain(freer),
            "tighter": tighter and gain(tighter),
            "answer": f"{variant['name']} {label}: as measured.",
            "action": {"words": "Use Net.", "command": "justright predict DIR TABLE --variant Net"},
            "spikes": [{"seed": 0, "epoch": 9, "loss": 2.5, "level": 0.5}],
        }
        reasons = ["First. To decide: justright run --out DIR --seeds 3.", "Second."]
        variants.append(variant | {"verdict": variant["verdict"] | new | {"reasons": reasons}})
    return summary | {"variants": variants, "margin": 0.001}


def test_bars_and_answers_take_the_place_of_the_legend(make, terminal, tmp_path):
    """What is wrong with each network, and each command once, for all networks that it serves."""
    lines = printed(terminal, answered(make.summary()), tmp_path)
    assert [line.split()[-2:] for line in lines[3:6]] == [
        ["–|████··", "undecided"],
        ["██████|······", "overfits"],
        ["just", "right"],
    ]
    assert lines[5].split()[-3] == "······|······"
    assert lines[1].index("|") == lines[4].index("|")
    assert lines[6:] == [
        "Loss: binary crossentropy at the best epoch, one seed; ±: half a 95 % interval.",
        "Bars: gain by something tighter | freer, 1 to 100 margins; █ shown, ▒ possible.",
        "Precision: float32.",
        "",
        "Tiny is as good as Large on test rows.",
        "",
        "- Tiny undecided: as measured.",
        "- Large overfits: as measured.",
        "- Large, dropout and L2, strongly just right: as measured.",
        f"- Tiny, Large and Large, dropout and L2, strongly: justright predict {tmp_path} TABLE --variant Net",
        "- Gradient-boosted trees reach 0.566 on the same rows.",
        "",
        f"Folder       {tmp_path}",
    ]


def test_bars_are_ascii_where_nothing_else_can_be_shown(make, terminal, tmp_path):
    """And a terminal that is too narrow for them leaves them out."""
    lines = printed(terminal, answered(make.summary()), tmp_path, encoding="ascii")
    assert "".join(lines[:8]).isascii()
    assert [line.split()[-2].removeprefix("|") for line in lines[3:5]] == ["-|####..", "######|......"]
    narrow = printed(terminal, answered(make.summary()), tmp_path, width=64)
    assert "tight|free" not in narrow[1]
    assert max(map(cell_len, narrow[:6])) <= 64


def test_a_command_that_a_fact_names_is_not_said_again(make, terminal, tmp_path):
    """The fact says more: what it would decide."""
    summary = answered(make.summary())
    for variant in summary["variants"]:
        variant["verdict"]["action"] = {"words": "", "command": "justright run --out DIR --seeds 3"}
    summary["facts"] = ["Tiny would be decided by 3 seeds: justright run --out DIR --seeds 3; it has 1."]
    lines = printed(terminal, summary, tmp_path)
    named = [line for line in lines if "--seeds 3" in line]
    assert named == [
        f"- Tiny would be decided by 3 seeds: justright run --out {tmp_path} --seeds 3; it has 1."
    ]


def test_words_without_a_command_are_said(make, terminal, tmp_path):
    """Some things no command does."""
    summary = answered(make.summary())
    summary["variants"][0]["verdict"]["action"] = {"words": "Collect more rows.", "command": ""}
    assert "- Tiny: Collect more rows." in printed(terminal, summary, tmp_path)


def test_words_that_a_fact_says_of_all_networks_are_not_said_of_each(make, terminal, tmp_path):
    """A table that is too small for many networks is one sentence."""
    summary = answered(make.summary())
    for variant in summary["variants"]:
        words = "The table is too small to decide: that would probably take 530 test rows."
        variant["verdict"]["action"] = {"words": words, "command": ""}
    summary["facts"] = [
        "The table is too small to decide both: that would probably take 530 to 900 test rows."
    ]
    text = "\n".join(printed(terminal, summary, tmp_path))
    assert text.count("The table is too small") == 1


def test_verbose_prints_every_reason_and_spike(make, terminal, tmp_path):
    """With the folder in their commands; else there is one sentence for each network."""
    console, file = terminal(200)
    print_study(console, answered(make.summary()), tmp_path, verbose=True)
    lines = [line.rstrip() for line in file.getvalue().splitlines()]
    start = lines.index("Tiny: undecided")
    assert lines[start + 1 : start + 4] == [
        f"- First. To decide: justright run --out {tmp_path} --seeds 3.",
        "- Second.",
        "- One epoch far above its neighbours decides nothing (seed 0, epoch 9: loss 2.5000 beside 0.5000).",
    ]
    assert not any("Second." in line for line in printed(terminal, answered(make.summary()), tmp_path))


def test_a_reason_of_an_older_version_stands_behind_the_label(make, terminal, tmp_path):
    """It does not say whose it is."""
    summary = make.summary({"Tiny": "overfits"})
    summary["variants"][0]["verdict"]["reasons"] = ["Test loss rose by 0.1.", "More."]
    assert "- Tiny, overfits: Test loss rose by 0.1." in printed(terminal, summary, tmp_path)


def test_what_else_is_shown_stands_in_the_label_where_there_is_room(make, terminal, tmp_path):
    """At 120 columns; a narrow table has the label, and the answer the rest."""
    summary = answered(make.summary({"Tiny": "overfits", "Large": "overfits", "Net": "undecided"}))
    summary["variants"][0]["verdict"]["also"] = "underfits"
    assert printed(terminal, summary, tmp_path, width=120)[3].endswith("  overfits, also underfits")
    assert printed(terminal, summary, tmp_path, width=80)[3].endswith("  overfits")


def test_the_default_study_fits_on_one_screen(summary, terminal, tmp_path):
    """Seven networks with answers, facts and places."""
    for width, most in ((80, 45), (120, 36)):
        assert len(printed(terminal, summary, tmp_path, width=width)) <= most
