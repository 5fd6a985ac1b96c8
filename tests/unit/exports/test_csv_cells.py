from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.errors import UsageError
from grader.exports.cells import csv_bytes, neutralise, number_text
from grader.exports.worksheet import read_worksheet

texts = st.text(max_size=30) | st.sampled_from(["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1"])


@given(texts)
def test_no_text_cell_begins_a_formula(text: str) -> None:
    [[cell]] = csv.reader(io.StringIO(csv_bytes([[text or "x"]]).decode(), newline=""))
    assert not cell.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    storable = (text or "x").encode("utf-8", "replace").decode()
    assert cell in (storable, f"'{storable}")


@given(st.floats(-1e6, 1e6).map(lambda value: round(value, 2)))
def test_numbers_stay_numbers(value: float) -> None:
    [[cell]] = csv.reader(io.StringIO(csv_bytes([[value]]).decode()))
    assert float(cell) == value
    assert neutralise(value) == value


@pytest.mark.parametrize(
    ("value", "text"), [(40.0, "40"), (37.5, "37.5"), (0.0, "0"), (-0.0, "0"), (-4.0, "-4"), (1e6, "1000000")]
)
def test_points_are_written_short(value: float, text: str) -> None:
    assert number_text(value) == text


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """CSV files as programs write them: any line end, quoting, delimiter, with or without a mark."""
    text = io.StringIO()
    writer = csv.writer(
        text,
        delimiter=draw(st.sampled_from([",", ";", "\t"])),
        lineterminator=draw(st.sampled_from(["\n", "\r\n"])),
        quoting=draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])),
    )
    head = ["Name", "Id", "Mark"]
    cells = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
    rows = draw(st.lists(st.lists(cells, min_size=3, max_size=3), max_size=5))
    writer.writerows([head, *rows])
    body = text.getvalue().encode()
    body = body if draw(st.booleans()) else body.rstrip(b"\r\n")
    return (b"\xef\xbb\xbf" if draw(st.booleans()) else b"") + body


@given(files())
def test_a_file_read_and_filled_with_nothing_is_the_same_bytes(raw: bytes) -> None:
    sheet = read_worksheet(raw, where="f")
    assert sheet.filled({}) == raw
    found = list(
        csv.reader(io.StringIO(raw.decode("utf-8-sig"), newline=""), delimiter=sheet.delimiter.decode())
    )
    assert [[cell.text for cell in row.cells] for row in sheet.rows if row.cells != ()][: len(found)] == [
        row or [""] for row in found
    ]


@given(files(), st.data())
def test_a_filled_cell_changes_itself_and_nothing_else(raw: bytes, data: st.DataObject) -> None:
    sheet = read_worksheet(raw, where="f")
    place = data.draw(st.integers(0, len(sheet.rows) - 1))
    column = data.draw(st.integers(0, len(sheet.rows[place].cells) - 1))
    cell = sheet.rows[place].cells[column]
    after = sheet.filled({(place, column): "12.5"})
    assert after[: cell.start] == raw[: cell.start]
    assert after.endswith(raw[cell.end :])
    again = read_worksheet(after, where="f")
    assert again.rows[place].cells[column].text == "12.5"
    assert again.rows[place].cells[column].quoted == cell.quoted


def test_a_row_that_is_too_short_is_made_long_enough() -> None:
    sheet = read_worksheet(b"a,b,c\r\nx\r\ny,1,2\r\n", where="f")
    assert sheet.filled({(1, 2): "7"}) == b"a,b,c\r\nx,,7\r\ny,1,2\r\n"


def test_windows_1252_stays_windows_1252() -> None:
    raw = "Name;Mark\r\nZoë;\r\n".encode("cp1252")
    sheet = read_worksheet(raw, where="f")
    assert sheet.rows[1].text(0) == "Zoë"
    assert sheet.filled({(1, 1): "3"}) == "Name;Mark\r\nZoë;3\r\n".encode("cp1252")


@pytest.mark.parametrize("raw", ["Name,Mark\n".encode("utf-16"), b"PK\x03\x04\0\0", b"", b"\xef\xbb\xbf\r\n"])
def test_what_is_no_csv_file_is_refused(raw: bytes) -> None:
    with pytest.raises(UsageError, match=r"no CSV file|is empty"):
        read_worksheet(raw, where="f")


def test_a_quote_that_is_never_closed_is_read_as_it_stands() -> None:
    sheet = read_worksheet(b'a,b\n"x,1\n' + b"y,2\n" * 3, where="f")
    assert sheet.rows[1].text(1) == "1"
    assert sheet.filled({(4, 1): "9"}).endswith(b"y,9\n")
