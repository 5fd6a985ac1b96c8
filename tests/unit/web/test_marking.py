"""Marks through the pages: what is written, what is refused, and what whoever grades blind is sent."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from grader.store import Store
from grader.web.app import routes_of
from grader.web.guards import handlers_of
from grader.web.pages import ROUTES, grading
from grader.web.roles import Role
from grader.web.site import Site
from grader.workflows.desk.deciding import last_given
from grader.workflows.desk.groups import place_of
from grader.workflows.desk.item import Item
from grader.workflows.marking.marks import MarkOrder, give_marks
from grader.workflows.views.audited import audited
from grader.workflows.views.show import find_results, name_of
from tests.unit.web.conftest import STUDENTS, SignIn
from tests.unit.web.test_routes import PARTS
from tests.web_class import CURVES, WHY
from tests.web_client import Answer, Client

GRADE, GIVE, ALIKE = f"/a/cats/grade/{WHY}", f"/a/cats/give/{WHY}", f"/a/cats/alike/{WHY}"


def field(answer: Answer, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', answer.text)
    assert found is not None, name
    return found[1]


def give(client: Client, shown: Answer, **changed: str) -> Answer:
    """Sends the form of a page."""
    fields = {name: field(shown, name) for name in ("form_token", "student", "seen", "next")}
    fields |= {"points": "2", "comment": "half of it"} | changed
    return client.post(GIVE, *fields.items())


def marks(site: Site) -> dict[str, float]:
    return {
        result.student: mark.points
        for result in find_results(site.store, "cats")
        if result.mark and (mark := result.mark.criterion(WHY)) is not None and mark.decision is not None
    }


def test_a_form_gives_a_mark_and_leads_to_the_next_who_waits(site: Site, sign_in: SignIn) -> None:
    client = sign_in(Role.HEAD_TA, "cara")
    shown = client.get(GRADE)
    answer = give(client, shown)
    assert answer.status == 303
    assert marks(site) == {field(shown, "student"): 2.0}
    following = client.get(answer.headers["location"])
    assert field(following, "student") == field(shown, "next")
    given = last_given(site.store, "cats", WHY, actor="cara")
    assert given is not None
    assert (given.points, given.comment) == (2.0, "half of it")


def test_our_script_is_answered_with_the_page_of_the_next(site: Site, sign_in: SignIn) -> None:
    client = sign_in(Role.HEAD_TA, "cara")
    shown = client.get(GRADE)
    answer = give(client, shown, answer="page")
    assert answer.status == 200
    assert marks(site) == {field(shown, "student"): 2.0}
    assert field(answer, "student") == field(shown, "next")
    [own] = re.findall(r'data-at="([^"]+)"', answer.text)
    again = client.get(own.replace("&amp;", "&"))
    assert (again.status, field(again, "student")) == (200, field(answer, "student"))
    # The same form once more is no decision on the next.
    assert give(client, shown, answer="page").status == 409
    assert list(marks(site).values()) == [2.0]


def test_our_script_is_answered_with_the_item_that_it_shows_or_with_nothing(
    site: Site, sign_in: SignIn
) -> None:
    client = sign_in(Role.HEAD_TA, "cara")
    shown = client.get(GRADE)
    following = field(shown, "next")
    give_marks(site.store, "cats", [MarkOrder(following, WHY, 1.0, "")], actor="ben")
    answer = give(client, shown, answer="shown")
    # Whoever has it on screen is told what became of it, and not led on.
    assert (answer.status, field(answer, "student")) == (200, following)
    assert f'data-at="/c/course{GRADE}?next={following}' in answer.text
    third = client.get(GRADE)
    answer = give(client, third, answer="none")
    assert (answer.status, answer.text) == (204, "")
    assert set(marks(site)) == {field(shown, "student"), following, field(third, "student")}


def test_a_form_whose_answer_was_lost_gives_its_mark_once(site: Site, sign_in: SignIn) -> None:
    client = sign_in(Role.HEAD_TA, "cara")
    shown = client.get(GRADE)
    for _ in range(2):
        assert give(client, shown, answer="none", again="yes").status == 204
    assert give(client, shown, answer="none", again="yes", points="3").status == 409
    assert give(client, shown, answer="none", again="yes", comment="another").status == 409
    # Somebody else's mark on the same is none of theirs.
    ben = sign_in(Role.HEAD_TA, "ben")
    token = ben.get(GRADE).form_token
    assert give(ben, shown, answer="none", again="yes", form_token=token).status == 409
    with site.store.reading() as history:
        rows = [type(row.record).__name__ for row in history.timeline(field(shown, "student"), "cats")]
    assert rows.count("MarkRecord") == 1


def test_who_grades_blind_is_answered_with_pseudonyms_alone(site: Site, sign_in: SignIn) -> None:
    client = sign_in(Role.TA, "ben")
    for wanted in ("page", "shown"):
        shown = client.get(GRADE)
        answer = give(client, shown, answer=wanted)
        assert (answer.status, field(answer, "student")) == (200, field(shown, "next"))
        assert not re.search(r"\bs10\d\d\b", answer.text)
    # Whose pseudonym a student's is, no answer tells.
    shown = client.get(GRADE)
    answer = give(client, shown, answer="shown", next="s1005")
    assert answer.status == 303
    assert len(marks(site)) == 3


def test_whoever_fetches_the_next_is_not_there(site: Site, sign_in: SignIn) -> None:
    ben, cara = sign_in(Role.HEAD_TA, "ben"), sign_in(Role.HEAD_TA, "cara")
    page = f"{GRADE}?student=s1001"
    assert ben.get(page, **{"x-ahead": "next"}).status == 200
    assert "this open, too" not in cara.get(page).text
    assert "cara has this open, too" in ben.get(page, **{"x-ahead": "shown"}).text
    assert "ben has this open, too" in cara.get(page).text


def test_a_mark_is_never_told_as_not_given_for_what_is_wrong_with_the_next(
    site: Site, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = sign_in(Role.HEAD_TA, "cara")
    shown = client.get(GRADE)

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(grading, "_looked_at", fail)
    answer = give(client, shown, answer="page")
    assert answer.status == 303
    assert marks(site) == {field(shown, "student"): 2.0}


def test_who_else_has_an_answer_open_is_told(site: Site, sign_in: SignIn) -> None:
    ben, cara, audit = (
        sign_in(role, name)
        for role, name in ((Role.HEAD_TA, "ben"), (Role.HEAD_TA, "cara"), (Role.AUDITOR, "dora"))
    )
    page = f"{GRADE}?student=s1001"
    audit.get(page)
    assert "this open, too" not in ben.get(page).text
    assert "ben has this open, too" in cara.get(page).text
    assert "ben and cara have this open, too" in audit.get(page).text
    assert "ben and cara are at it" in audit.get("/a/cats/waiting").text
    assert "cara is at it" in ben.get("/a/cats/waiting").text
    cara.get(f"/a/cats/grade/{CURVES}?student=s1001")
    assert "this open, too" not in ben.get(page).text


def test_opening_pages_writes_nothing(site: Site, sign_in: SignIn) -> None:
    client = sign_in(Role.INSTRUCTOR)
    before = audited(site.store, evidence=False)
    assert before.sound
    for path in ("/", "/a/cats/waiting", GRADE, ALIKE, "/a/cats/s/s1001", "/a/cats/summary", "/audit"):
        assert client.get(path).status in (200, 303)
    assert audited(site.store, evidence=False) == before


@pytest.mark.parametrize("points", ["", "many", "-1", "6", "nan", "1.234", "1e999"])
def test_points_that_cannot_be_given_are_refused_and_keep_the_comment(
    site: Site, sign_in: SignIn, points: str
) -> None:
    client = sign_in(Role.INSTRUCTOR)
    answer = give(client, client.get(GRADE), points=points)
    assert answer.status == 422
    assert marks(site) == {}


def test_the_second_of_two_is_shown_both(site: Site, sign_in: SignIn) -> None:
    ben, cara = sign_in(Role.HEAD_TA, "ben"), sign_in(Role.HEAD_TA, "cara")
    seen_by_ben, seen_by_cara = ben.get(GRADE), cara.get(GRADE)
    give(ben, seen_by_ben, points="1")
    refused = give(cara, seen_by_cara, points="5", comment="all there")
    assert refused.status == 409
    assert "ben" in refused.text and "all there" in refused.text
    assert list(marks(site).values()) == [1.0]
    again = give(cara, refused, points="5", comment="all there", form_token=seen_by_cara.form_token)
    assert again.status == 303
    assert list(marks(site).values()) == [5.0]


def test_a_page_that_is_out_of_date_undoes_nothing(site: Site, sign_in: SignIn) -> None:
    client = sign_in(Role.HEAD_TA, "ben")
    give(client, client.get(GRADE))
    page = client.get(GRADE)
    stale = field(page, "mark")
    give(client, page)
    undo = f"/a/cats/undo/{WHY}"
    assert client.post(undo, ("form_token", page.form_token), ("mark", stale)).status == 422
    assert len(marks(site)) == 2
    newest = field(client.get(GRADE), "mark")
    assert client.post(undo, ("form_token", page.form_token), ("mark", newest)).status == 303
    assert len(marks(site)) == 1


@pytest.mark.parametrize(
    ("role", "status", "said"),
    [
        (Role.TA, 422, "may be about 20 submissions"),
        (Role.HEAD_TA, 422, "handed in nothing"),
        (Role.ASSIGNED_TA, 403, "may not apply to alike"),
        (Role.AUDITOR, 403, "may not apply to alike"),
    ],
)
def test_a_ta_decides_at_most_twenty_alike_and_who_is_limited_to_a_share_none(
    sign_in: SignIn, role: Role, status: int, said: str
) -> None:
    client = sign_in(role)
    token = client.get("/").form_token
    chosen = [("chosen", f"1 anon-{place:08x}") for place in range(21)]
    answer = client.post(f"{ALIKE}/decide", ("form_token", token), ("points", "1"), *chosen)
    assert answer.status == status
    assert said in answer.text


def pages_of(site: Site, shown: str) -> Iterator[str]:
    """Every address of the route table that shows something of one student's or of all."""
    parts = PARTS | {"{student:str}": shown}
    for path, handler in handlers_of(routes_of(ROUTES, site)):
        if "GET" in handler.http_methods and not path.startswith(("/static", "/login")):
            for criterion in (WHY, CURVES) if "{criterion" in path else ("",):
                filled = path.replace("{criterion:str}", criterion)
                for part, text in parts.items():
                    filled = filled.replace(part, text)
                yield filled
                if "/grade/" in path:
                    yield f"{filled}?student={shown}"


def test_who_grades_blind_is_sent_no_id_of_anybody(site: Site, sign_in: SignIn) -> None:
    blind, seeing = sign_in(Role.TA, "ben"), sign_in(Role.HEAD_TA, "cara")
    ids = [f"s{1001 + place}" for place in range(STUDENTS)]
    name = name_of(site.store, True)
    shown = [0, 0]
    for id in ids[:4]:
        for path in pages_of(site, name(id)):
            answer = blind.get(path)
            assert not re.search("|".join(ids), answer.text + str(answer.headers)), path
            shown[0] += answer.status == 200
        for path in pages_of(site, id):
            shown[1] += bool(re.search("|".join(ids), seeing.get(path).text))
    assert shown[0] >= 20 and shown[1] >= 20


def test_who_grades_blind_learns_nobodys_pseudonym_by_asking_for_an_id(sign_in: SignIn) -> None:
    blind = sign_in(Role.TA, "ben")
    for path in (
        "/a/cats/s/s1001",
        f"{GRADE}?student=s1001",
        "/untrusted/a/cats/s/s1001/notebook",
        "/a/cats/s/s100",
    ):
        answer = blind.get(path)
        assert answer.status == 404
        assert "anon-" not in answer.text and "s1002" not in answer.text


def test_whoever_goes_on_is_not_shown_what_was_decided_at_that_moment(
    site: Site, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, read = sign_in(), grading.item_kept
    first = place_of(site.store, "cats", WHY).shown

    def read_late(store: Store, assignment: str, student: str, *names: str, **more: Any) -> Item:
        if student == first and place_of(store, "cats", WHY).shown == first:
            give_marks(store, "cats", [MarkOrder(first, WHY, 1.0, "")], actor="ben")
        return read(store, assignment, student, *names, **more)

    monkeypatch.setattr(grading, "item_kept", read_late)
    shown = client.get(GRADE).text
    assert f'name="student" value="{first}"' not in shown
    assert f'name="student" value="{place_of(site.store, "cats", WHY).shown}"' in shown
