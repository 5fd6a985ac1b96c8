"""Two submissions side by side: pages, frames, and what a blind TA is sent of them."""

from __future__ import annotations

import re

from grader.web.roles import Role
from grader.web.site import Site
from grader.workflows.views.show import name_of
from tests.unit.web.conftest import SignIn
from tests.web_class import WHY


def test_two_are_reached_from_a_students_page_and_shown_with_both_answers(sign_in: SignIn) -> None:
    client = sign_in(Role.HEAD_TA)
    assert 'action="/c/course/a/cats/compare"' in client.get("/a/cats/s/s1001").text
    asked = client.get("/a/cats/compare?left=s1001")
    assert asked.status == 200 and 'name="right"' in asked.text
    page = client.get(f"/a/cats/compare?left=s1001&right=s1005&criterion={WHY}")
    assert page.status == 200
    frames = re.findall(r'<iframe[^>]* src="([^"]+)"', page.text)
    assert frames == [
        f"/c/course/untrusted/a/cats/s/s1001/answer/{WHY}",
        f"/c/course/untrusted/a/cats/s/s1005/answer/{WHY}",
        "/c/course/untrusted/a/cats/compare?left=s1001&amp;right=s1005",
    ]
    code = client.get(frames[2].replace("&amp;", "&"))
    assert code.status == 200
    assert code.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert "total" in code.text and "sum" in code.text and "differs:" in code.text


def test_a_pair_that_is_none_is_not_there(sign_in: SignIn) -> None:
    client = sign_in(Role.HEAD_TA)
    for query in ("left=&right=", "left=s1001&right=s9", "left=s1001&right=s1001", ""):
        assert client.get(f"/a/cats/compare?{query}").status == 404, query
        assert client.get(f"/untrusted/a/cats/compare?{query}").status == 404, query


def test_a_blind_ta_compares_by_pseudonym_and_reads_no_name(site: Site, sign_in: SignIn) -> None:
    name = name_of(site.store, anonymous=True)
    client = sign_in(Role.TA, "ben")
    pair = f"left={name('s1001')}&right={name('s1005')}"
    for path in (f"/a/cats/compare?{pair}&criterion={WHY}", f"/untrusted/a/cats/compare?{pair}"):
        answer = client.get(path)
        assert answer.status == 200
        assert not re.search(r"s100\d", answer.text)
    for path in ("/a/cats/compare", "/untrusted/a/cats/compare"):
        assert client.get(f"{path}?left=s1001&right=s1005").status == 404
