from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from grader.checks import registry
from grader.errors import RubricError
from grader.rubric.dates import with_offsets
from grader.rubric.loader import load_rubric, read_text
from tests import course

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("late:\n  due: 2026-02-02T23:59:59\n", "late:\n  due: 2026-02-02T23:59:59+01:00\n"),
        ("late:\n  due: 2026-07-02 23:59 # noon\n", "late:\n  due: 2026-07-02 23:59+02:00 # noon\n"),
        ('late: {"due": "2026-02-02T23:59", until: 2026-02-03T23:59}\n',
         'late: {"due": "2026-02-02T23:59+01:00", until: 2026-02-03T23:59+01:00}\n'),
        ("remarks:\n  remarks_open_until: '2026-08-01T12:00'\n",
         "remarks:\n  remarks_open_until: '2026-08-01T12:00+02:00'\n"),
        # The hour that Berlin's clocks show twice: the later one.
        ("late: {due: 2026-10-25T02:30}\n", "late: {due: 2026-10-25T02:30+01:00}\n"),
    ],
)  # fmt: skip
def test_a_date_without_a_zone_is_kept_with_the_offset_of_the_courses(written: str, kept: str) -> None:
    assert with_offsets(written, BERLIN, "lab.yaml") == kept


@pytest.mark.parametrize(
    "text",
    [
        "late:\n  due: 2026-02-02T23:59:59-05:00\n",
        "late: {due: 2026-02-02T23:59Z}\n",
        "title: due 2026-02-02T23:59\nlate: {per_day: 0.1}\n",
        "criteria:\n  - hint: |\n      due: 2026-02-02T23:59\n",
        "late: {due: 2026-02-31T23:59}\n",
        "[]\n",
    ],
)
def test_all_else_stays_as_it_was_written(text: str) -> None:
    assert with_offsets(text, BERLIN, "lab.yaml") == text


def test_a_rubric_is_judged_and_kept_with_the_offset_and_refused_without_a_zone(tmp_path: Path) -> None:
    path = course.write_rubric(tmp_path, course.RUBRIC + "late: {due: 2026-02-02T23:59:59, per_day: 0.1}\n")
    rubric = load_rubric(path, registry(), zone=BERLIN)
    assert rubric.late.due == datetime.fromisoformat("2026-02-02T22:59:59+00:00")
    kept = read_text(path, BERLIN)
    assert load_rubric(kept, registry()) == rubric, "the history needs no zone to read it"
    with pytest.raises(RubricError, match=r"names no time zone; write its offset.*grader db zone"):
        load_rubric(path, registry())


def test_a_rubric_that_names_its_offsets_is_the_same_in_every_zone(tmp_path: Path) -> None:
    path = course.write_rubric(tmp_path, course.RUBRIC + "late: {due: 2026-02-02T23:59:59-05:00}\n")
    assert load_rubric(path, registry(), zone=BERLIN).digest == load_rubric(path, registry()).digest
