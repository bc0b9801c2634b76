"""A summary as Markdown that nothing from outside can break."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from justright.report import render_markdown
from justright.report.markdown import escape_markdown

HOSTILE = "a|b\n# <script>alert(1)</script> [x](http://evil) `code` ![i](http://evil/i.png) www.evil.com"


def text_of(token):
    """Return the text of an inline token, and fail on anything that is not text."""
    assert {child.type for child in token.children} <= {"text", "text_special"}
    return "".join(child.content for child in token.children)


@given(st.text())
def test_escaped_text_is_read_back_as_the_same_text(text):
    """Markdown sees one line of plain text, whatever it was."""
    clean = " ".join(text.replace("\0", "").split())
    tokens = [
        t for t in MarkdownIt("commonmark").parse(f"# {escape_markdown(clean)} end") if t.type == "inline"
    ]
    assert [text_of(token) for token in tokens] == [f"{clean} end".strip() if clean else "end"]


@given(st.text(alphabet="#+-=.)0123456789*_ |>`<&~$@!:/w\\[]", max_size=12))
def test_escaped_text_opens_no_block_at_the_start_of_a_line(text):
    """A fact that begins with a number and a dot is no list."""
    types = {token.type for token in MarkdownIt("commonmark").parse(f"- x{escape_markdown(text)}\n")}
    inner = {token.type for token in MarkdownIt("commonmark").parse(escape_markdown(text))}
    assert types == {"bullet_list_open", "list_item_open", "paragraph_open", "inline"} | {
        "paragraph_close",
        "list_item_close",
        "bullet_list_close",
    }
    assert inner <= {"paragraph_open", "inline", "paragraph_close"}


def test_table_has_a_row_for_each_variant_and_as_many_cells_in_each(summary):
    """Every variant is there, in the study's order, with its verdict; the reference model comes last."""
    tokens = MarkdownIt("commonmark").enable("table").parse(render_markdown(summary))
    rows, row = [], None
    for token in tokens:
        if token.type == "tr_open":
            row = []
            rows.append(row)
        elif token.type == "inline" and row is not None:
            row.append(token.content)
        elif token.type == "table_close":
            break
    assert [cells[0] for cells in rows] == [
        "Variant",
        "Tiny",
        "Small",
        "Medium",
        "Large",
        "L2",
        "Dropout",
        "Combined",
        "Gradient-boosted trees",
    ]
    assert {len(cells) for cells in rows} == {8}
    assert rows[3][1] == "↑ overfits, also underfits (overfits after epoch 32)"
    assert rows[4][1:4] == ["↑ overfits after epoch 10", "803,329", "5–6"]


def test_hostile_names_stay_in_their_cells(small_summary):
    """A name cannot end its cell, start a heading, or become a link, an image or HTML."""
    hostile = copy.deepcopy(small_summary)
    hostile["variants"][0]["name"] = hostile["source"] = hostile["conclusion"] = HOSTILE
    hostile["facts"] = hostile["variants"][0]["verdict"]["reasons"] = [HOSTILE]
    verdict = hostile["variants"][0]["verdict"]
    verdict["answer"], verdict["action"] = HOSTILE, {"words": HOSTILE, "command": HOSTILE}
    hostile["environment"] = {HOSTILE: HOSTILE}
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(render_markdown(hostile))
    kinds = {token.type for token in tokens} | {child.type for t in tokens for child in t.children or ()}
    assert kinds.isdisjoint({"html_block", "html_inline", "link_open", "image"})
    code = [child.content for t in tokens for child in t.children or () if child.type == "code_inline"]
    own = hostile["variants"][1]["verdict"]["action"]["command"]
    assert code == [" ".join(HOSTILE.split()), own]  # what is to be copied, and nothing else
    assert [token.tag for token in tokens if token.type == "heading_open"].count("h1") == 1


@pytest.mark.parametrize("command", ["justright run 'a```b.csv'", "justright run a\nb"])
def test_command_stays_in_its_fence(small_summary, command):
    """A file name with backticks or a line break cannot close the code block."""
    tokens = MarkdownIt("commonmark").parse(render_markdown({**small_summary, "command": command}))
    assert [t.content for t in tokens if t.type == "fence"] == [" ".join(command.splitlines()) + "\n"]


def test_same_summary_gives_the_same_text(summary):
    """Reports can be compared."""
    assert render_markdown(summary) == render_markdown(copy.deepcopy(summary))
