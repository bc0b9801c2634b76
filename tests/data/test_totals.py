"""Rows of totals below a table are no cases: they are left out, and said; rows that are only called so are kept."""

from __future__ import annotations

import pytest

from justright.data.read import read_columns, read_table

GERMAN = "Nr.;Einkommen;y\n" + "".join(f"{n};1.{n:03d},50 €;{n}\n" for n in range(1, 9))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,y\n1,2\n2,4\n3,6\n4,8\nTotal,20\n", "'Total'"),
        (GERMAN + "Summe;8.040,00 €;36\n", "'Summe'"),
        (GERMAN + "Summe:;8.040,00 €;\nMittelwert;1.005,00 €;\n", "'Summe:', 'Mittelwert'"),
    ],
    ids=["numbers", "with units", "two rows"],
)
def test_rows_of_totals_are_no_cases(tmp_path, text, words) -> None:
    """A cell calls them so, and a sum or a mean in them is right. Each row of a table that is predicted stays."""
    path = tmp_path / "t.csv"
    path.write_text(text)
    table, rows = read_table(path, target="y", task="regression"), text.count("\n") - 1
    count = words.count(",") + 1
    verb = f"{count} rows hold totals and are" if count > 1 else "row holds totals and is"
    assert table.rows == rows - count
    assert [one for one in table.notes if "totals" in one] == [f"The last {verb} left out: {words}."]
    assert read_columns(str(path)).frame.height == rows


@pytest.mark.parametrize(
    "last", ["Total,7\n", "Total,20\nd,8\n"], ids=["a case of that name", "not at the end"]
)
def test_rows_that_are_only_called_so_stay(tmp_path, last) -> None:
    """A company may be called Total."""
    path = tmp_path / "t.csv"
    path.write_text(f"who,y\na,2\nb,4\nc,6\nd,8\n{last}")
    table = read_table(path, target="y", task="regression", categorical=["who"])
    assert table.rows == 4 + last.count("\n")
