"""A link is for one student and assignment of one course, until it ends; anything else is none."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from grader.errors import UsageError
from grader.store import Store, open_store
from grader.store.models import SecretRow
from grader.workflows.handing_in.links import course_claimed_by, opened, sign
from tests.unit.workflows.conftest import Clock


def link(store: Store, student: str = "s1", days: float = 7) -> str:
    return sign(store, student, "mini", store.clock() + timedelta(days=days))


def test_a_link_says_whom_and_what_it_is_for(store: Store) -> None:
    signed = link(store, "jos\u00e9 / \u4e2d")
    found = opened(store, signed)
    assert found is not None
    assert (found.course, found.assignment, found.student) == ("course", "mini", "jos\u00e9 / \u4e2d")
    assert course_claimed_by(signed) == "course"
    assert signed.isascii() and "/" not in signed


def test_a_link_ends(store: Store, clock: Clock) -> None:
    signed = link(store)
    clock.pass_days(6.9)
    assert opened(store, signed) is not None
    clock.pass_days(0.2)
    assert opened(store, signed) is None
    with pytest.raises(UsageError, match="ended already"):
        link(store, days=-1)


def test_a_link_that_was_changed_in_any_place_is_none(store: Store) -> None:
    signed = link(store)
    for place, letter in enumerate(signed):
        changed = signed[:place] + ("A" if letter != "A" else "B") + signed[place + 1 :]
        assert opened(store, changed) is None, changed
    body, _, mac = signed.partition(".")
    other = link(store, "s2").partition(".")[0]
    for made_up in ("", ".", "x", signed[:-1], f"{signed}A", f"{signed}.", body, f"{other}.{mac}",
                    f"!{signed}", f"{body}==.{mac}", "\u00fc" * 9, "A" * 5000):  # fmt: skip
        assert opened(store, made_up) is None, made_up


def test_another_course_and_another_secret_open_no_link(store: Store, tmp_path: Path, clock: Clock) -> None:
    signed = link(store)
    with open_store(str(tmp_path / "other.db"), clock=clock) as other:
        assert opened(other, signed) is None
    store.name_course("vision")
    assert opened(store, signed) is None
    store.name_course("course")
    assert opened(store, signed) is not None
    with store.writing() as history:
        history.session.get_one(SecretRow, "links").value = "0" * 64
    assert opened(store, signed) is None
