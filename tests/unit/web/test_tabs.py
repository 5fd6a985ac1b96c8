"""Tabs of an assignment say which of them is open, and long lists lead from page to page."""

from __future__ import annotations

import re
from functools import partial

import pytest

from grader.web.pages import students
from grader.workflows.desk.listing import list_page
from tests.unit.web.conftest import SignIn


def test_the_tab_of_the_page_that_is_open_is_marked(sign_in: SignIn) -> None:
    client = sign_in()
    for part, label in (("waiting", "Waiting"), ("students", "Students"), ("setup", "Set-up")):
        text = client.get(f"/a/cats/{part}").text
        assert re.findall(r'aria-current="page">([^<]+)<', text) == [label]


def test_the_next_page_of_a_list_is_where_its_link_leads(
    sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(students, "list_page", partial(list_page, size=3))
    client = sign_in()
    [link] = re.findall(r'rel="next" href="([^"]+)"', client.get("/a/cats/students").text)
    following = client.ask("GET", link)
    assert following.status == 200 and "Page 2 of 3" in following.text
