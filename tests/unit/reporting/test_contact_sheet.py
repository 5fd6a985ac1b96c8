"""Contact sheets: every photo, what was noticed, and nothing of a student's that runs."""

from __future__ import annotations

import pytest

from grader.reporting.contact_sheet import Sheet, SheetLine, Shot, render_contact_sheet, render_sheets_index
from tests.unit.reporting.test_hostile_reports import HOSTILE

SMALL = b"\xff\xd8small\xff\xd9"


def sheet(text: str = "s101", **more: object) -> Sheet:
    shots = (
        Shot("A1", text, SMALL, "JPEG, 224 x 224"),
        Shot("A2", text, SMALL, text, certain=(text,), hints=(text,)),
        Shot("A3", text, b"", "unreadable", hints=("it looks dark",), decision="doubt"),
    )
    given = {
        "student": text,
        "name": text,
        "title": "Photos",
        "points": "9 of 10 points",
        "lines": (SheetLine(text, "1 of 2", text, text),),
        "rows": (("Letter A", shots),),
        "left_out": ((text, text),),
        "command": f"grader photos decide photos {text}",
    }
    return Sheet(**{**given, **more})  # type: ignore[arg-type]


def test_it_shows_each_photo_with_its_choice() -> None:
    html = render_contact_sheet(sheet())
    assert html.count("<fieldset") == 3
    assert html.count("data:image/jpeg;base64,") == 2
    assert '<input type="radio" name="A3" value="doubt" checked>' in html
    assert '<input type="radio" name="A1" value="" checked>' in html


def test_what_earns_what_stands_beside_the_criterion_that_waits() -> None:
    line = SheetLine("Sharp", "0 of 1, 1 wait", "Two look blurred.", "grader mark", guide="Accept *most*.")
    assert "Accept <em>most</em>." in render_contact_sheet(sheet(lines=(line,)))


def test_only_photos_with_hints_that_nobody_decided_on_are_open() -> None:
    assert sheet().open == 1


def test_the_one_script_that_may_run_is_ours() -> None:
    html = render_contact_sheet(sheet())
    assert html.count("<script>") == 1
    assert "script-src &#39;sha256-" in html
    assert "unsafe" not in html.split("</head>")[0]


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_of_a_students_is_markup(text: str) -> None:
    plain, hostile = render_contact_sheet(sheet()), render_contact_sheet(sheet(text))
    for tag in ("<script", "<img", "<iframe", "<svg", "<a ", "<style"):
        assert hostile.count(tag) == plain.count(tag)
    assert "<script" not in render_sheets_index("Photos", [(f"{1}.html", sheet(text))])


def test_the_index_begins_where_most_waits() -> None:
    calm = sheet("calm", rows=())
    html = render_sheets_index("Photos", [("calm.html", calm), ("busy.html", sheet("busy"))])
    assert html.index("busy.html") < html.index("calm.html")
