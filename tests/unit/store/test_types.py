from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.store.types import UtcTime, escape, unescape

#: Any Python string: lone surrogates and NUL included.
anything = st.text(st.characters(codec=None, categories=None, exclude_categories=()))


@given(anything)
def test_escaped_text_reads_back_as_it_was(text: str) -> None:
    assert unescape(escape(text)) == text


@given(anything)
def test_escaped_text_is_what_every_database_takes(text: str) -> None:
    stored = escape(text)
    assert "\x00" not in stored
    stored.encode("utf-8")


@given(st.text(st.characters(codec="utf-8", exclude_characters="\x00\x1a")))
def test_ordinary_text_is_stored_literally(text: str) -> None:
    assert escape(text) == text


def test_without_escaping_sqlite_refuses_lone_surrogates() -> None:
    with pytest.raises(UnicodeEncodeError):
        sqlite3.connect(":memory:").execute("SELECT ?", ("\ud800",))


def test_times_are_stored_in_utc_so_that_text_order_is_time_order() -> None:
    early = datetime(2026, 3, 1, 12, tzinfo=timezone(timedelta(hours=5)))
    late = datetime(2026, 3, 1, 8, tzinfo=UTC)
    stored = [UtcTime().process_bind_param(time, None) for time in (early, late)]
    assert stored == sorted(stored)
    assert UtcTime().process_result_value(stored[0], None) == early
