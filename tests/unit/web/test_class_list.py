"""The class list, a page at a time."""

from __future__ import annotations

from functools import partial

import pytest

from grader.web.pages import students
from grader.workflows.desk.listing import list_page
from tests.unit.web.conftest import SignIn


def test_a_class_is_turned_over_by_pages(sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(students, "list_page", partial(list_page, size=3))
    client = sign_in()
    seen = []
    for number in (1, 2, 3):
        text = client.get(f"/a/cats/students?page={number}").text
        assert f"Page {number} of 3" in text
        assert ('rel="prev"' in text, 'rel="next"' in text) == (number > 1, number < 3)
        seen.append(text.count("/a/cats/s/"))
    assert seen == [3, 3, 2]


@pytest.mark.parametrize("asked", ["", "x", "0", "-1", "99999999999", "²"])
def test_what_is_no_page_is_the_first_or_the_last(sign_in: SignIn, asked: str) -> None:
    answer = sign_in().get(f"/a/cats/students?page={asked}")
    assert (answer.status, answer.text.count("/a/cats/s/")) == (200, 8)
