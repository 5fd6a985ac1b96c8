"""A class on pages, in the order of the names that are shown."""

from __future__ import annotations

import pytest

from grader.errors import UsageError
from grader.store import Store
from grader.workflows.desk.listing import list_page, list_work


def test_pages_hold_each_submission_once(readers: Store) -> None:
    pages = [list_page(readers, "lab", number, size=3) for number in (1, 2, 3)]
    assert [page.total for page in pages] == [7, 7, 7]
    assert [(page.number, page.pages, len(page.items)) for page in pages] == [(1, 3, 3), (2, 3, 3), (3, 3, 1)]
    assert [item for page in pages for item in page.items] == list_work(readers, assignment="lab")


@pytest.mark.parametrize(("asked", "shown"), [(0, 1), (-4, 1), (9, 3)])
def test_a_page_that_is_none_is_the_nearest_that_is(readers: Store, asked: int, shown: int) -> None:
    assert list_page(readers, "lab", asked, size=3).number == shown


def test_pseudonyms_stand_in_their_own_order(readers: Store) -> None:
    pages = [list_page(readers, "lab", number, size=3, anonymous=True) for number in (1, 2, 3)]
    shown = [item.shown for page in pages for item in page.items]
    assert shown == sorted(shown)
    assert shown == [item.shown for item in list_work(readers, assignment="lab", anonymous=True)]


def test_an_assignment_that_is_not_there_is_named(readers: Store) -> None:
    with pytest.raises(UsageError, match="no assignment is called 'lob'"):
        list_page(readers, "lob")
