"""The class at a glance: figures that are asked for again with the newest row that somebody knows."""

from __future__ import annotations

import json
import re

import pytest

from grader.web.roles import Role
from grader.web.site import Site
from grader.workflows.marking.marks import MarkOrder, give_marks
from tests.unit.web.conftest import SignIn
from tests.web_class import WHY


def test_figures_are_sent_anew_where_a_row_came_and_only_then(site: Site, sign_in: SignIn) -> None:
    client = sign_in(Role.HEAD_TA)
    page = client.get("/a/cats/summary")
    row = re.search(r'data-row="(\d+)"', page.text)
    assert page.status == 200 and row is not None
    assert "<dt>answers open</dt><dd>16</dd>" in page.text
    nothing = client.get(f"/a/cats/figures?after={row[1]}")
    assert (nothing.status, nothing.text) == (204, "")
    give_marks(site.store, "cats", [MarkOrder("s1001", WHY, 4.0, "")], actor="ben")
    told = json.loads(client.get(f"/a/cats/figures?after={row[1]}").text)
    assert "<dt>answers open</dt><dd>15</dd>" in told["html"]
    assert "<dt>decided by people</dt><dd>1</dd>" in told["html"]
    assert told["row"] == int(row[1]) + 1
    assert client.get(f"/a/cats/figures?after={told['row']}").status == 204
    assert client.get("/a/none/figures").status == 404


def test_people_who_judged_the_same_stand_beside_each_other(
    site: Site, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grader.workflows.desk.figures._FEWEST", 4)
    client = sign_in(Role.INSTRUCTOR)
    for by, first, points in (("ben", 1001, 4.0), ("cara", 1005, 1.0)):
        assert "How people judged the same" not in client.get("/a/cats/summary").text
        orders = [MarkOrder(f"s{first + place}", WHY, points, "") for place in range(4)]
        give_marks(site.store, "cats", orders, actor=by)
    page = client.get("/a/cats/summary").text
    assert "How people judged the same" in page and "they differ: is it the works, or the people?" in page
    assert page.index("ben 80 %") < page.index("cara 20 %")
