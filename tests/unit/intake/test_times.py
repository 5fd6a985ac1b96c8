from datetime import UTC, datetime, timedelta

import pytest

from grader.intake.times import read_time


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-02-02 15:58:23", datetime(2026, 2, 2, 15, 58, 23, tzinfo=UTC)),
        ("2026-02-02T15:58:23Z", datetime(2026, 2, 2, 15, 58, 23, tzinfo=UTC)),
        ("2026-02-02 15:58:23.5 +0200", datetime(2026, 2, 2, 13, 58, 23, 500000, tzinfo=UTC)),
        ("2026-02-02 15:58:23.948203 America/Toronto", datetime(2026, 2, 2, 20, 58, 23, 948203, tzinfo=UTC)),
    ],
)
def test_times_are_read_with_their_zone(text, expected):
    assert abs(read_time(text) - expected) < timedelta(microseconds=2)


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-02 15:58:23", "2026-02-02 15:58:23 Mars/Base"])
def test_what_is_no_time_is_never_guessed(text):
    assert read_time(text) is None
