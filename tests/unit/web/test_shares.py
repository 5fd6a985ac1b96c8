"""Assigned TAs: every route of the desk, asked for students within a share and beyond it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from grader.store import Store
from grader.store.drops import DropRecord
from grader.store.history import History
from grader.store.ledger import Signature
from grader.store.limited import LimitedStore
from grader.web.app import routes_of
from grader.web.guards import handlers_of, permission_of
from grader.web.pages import ROUTES
from grader.web.roles import GRANTED, Permission, Role
from grader.web.site import Site
from grader.workflows.desk.deciding import Alike, decide_alike
from grader.workflows.desk.flags import raise_flag
from grader.workflows.marking.marks import MarkOrder, give_marks
from grader.workflows.setting_up.sharing import end_share, give_share
from grader.workflows.views.show import name_of
from tests import course
from tests.unit.web.conftest import SignIn
from tests.unit.web.test_marking import field, give
from tests.unit.web.test_remark_pages import asked
from tests.unit.web.test_routes import filled
from tests.web_class import WHY
from tests.web_client import Answer, Client

INSIDE = ["s1001", "s1002", "s1003"]
OUTSIDE = ["s1004", "s1005", "s1006", "s1007", "s1008"]
NOBODY = "anon-00000000"
GRADE = f"/a/cats/grade/{WHY}"


@pytest.fixture
def shared(site: Site) -> Site:
    """Ben has three of eight students; of the others, something of each kind happened."""
    give_share(site.store, "cats", {"ben": INSIDE, "cara": OUTSIDE}, "by hand", actor="ann")
    give_marks(site.store, "cats", [MarkOrder("s1004", WHY, 2.0, "too short")], actor="ann")
    raise_flag(site.store, "cats", "s1005", WHY, "look", actor="cara")
    asked(site, "builtin-shadowing")
    return site


def shown(site: Site, student: str) -> str:
    return name_of(site.store, True)(student)


def asks(site: Site, method: str) -> Iterator[str]:
    """Routes of this kind that an assigned TA may ask for."""
    for path, handler in handlers_of(routes_of(ROUTES, site)):
        permission = permission_of(handler)
        ours = path.startswith("/c/") and permission in GRANTED[Role.ASSIGNED_TA] - {Permission.PUBLIC}
        if ours and method in handler.http_methods:
            yield path


def read(client: Client, path: str, student: str, id: str = "1") -> Answer:
    """A page about a student, in every way in which an address can name one."""
    address = filled(path.replace("{student:str}", student).replace("{id:int}", id))
    named = "&".join(f"{name}={student}" for name in ("student", "left", "right", "next", "before"))
    return client.ask("GET", f"{address}?{named}")


def without(answer: Answer, *names: str) -> str:
    # Whole words: the token of a form may hold any number.
    named = "|".join(re.escape(name) for name in names)
    return re.sub(rf"(?<![\w-])(?:{named})(?![\w-])", "WHO", answer.text)


def test_every_page_answers_for_others_as_for_nobody_and_holds_none_of_them(
    shared: Site, sign_in: SignIn
) -> None:
    client = sign_in(Role.ASSIGNED_TA, "ben")
    mine, theirs = shown(shared, "s1001"), shown(shared, "s1005")
    hidden = [*OUTSIDE, *(shown(shared, each) for each in OUTSIDE)]
    paths = list(asks(shared, "GET"))
    assert len(paths) >= 10
    with shared.store.reading() as history:
        [request] = [str(each.id) for each in history.remarks()]
    found = 0
    for path in paths:
        own, foreign = (read(client, path, each, request) for each in (mine, theirs))
        missing = read(client, path, NOBODY, "999999")
        assert own.status in (200, 303, 404), path
        found += own.status == 200
        assert foreign.status == missing.status, path
        assert without(foreign, theirs, request) == without(missing, NOBODY, "999999"), path
        for answer in (own, foreign):
            assert not [name for name in hidden if name != theirs and name in answer.text], path
        assert "look" not in re.findall(r"<li>.*look.*", foreign.text), path
    assert found >= 7


def test_every_form_about_others_is_answered_as_about_nobody_and_writes_nothing(
    shared: Site, sign_in: SignIn
) -> None:
    client = sign_in(Role.ASSIGNED_TA, "ben")
    token = client.get(GRADE).form_token
    theirs = shown(shared, "s1005")

    def send(path: str, student: str) -> Answer:
        fields = {
            "form_token": token, "student": student, "points": "1", "comment": "c", "seen": "1",
            "next": student, "mark": "1", "chosen": f"1 {student}", "note": "n", "step": "raise",
        }  # fmt: skip
        return client.post(filled(path.replace("{student:str}", student)), *fields.items())

    with shared.store.reading() as history:
        before = history.newest_row()
    paths = [path for path in asks(shared, "POST") if not path.endswith("/share/take")]
    assert len(paths) >= 3
    for path in paths:
        foreign, missing = send(path, theirs), send(path, NOBODY)
        assert foreign.status == missing.status >= 400, path
        assert without(foreign, theirs) == without(missing, NOBODY), path
    with shared.store.reading() as history:
        assert history.newest_row() == before


def test_within_a_share_a_ta_marks_and_counts_as_in_a_class_of_their_own(
    shared: Site, sign_in: SignIn
) -> None:
    client = sign_in(Role.ASSIGNED_TA, "ben")
    first = client.get(GRADE)
    assert "3 of 3" in first.text
    assert give(client, first).status == 303
    marked = field(first, "student")
    assert marked in [shown(shared, each) for each in INSIDE]
    assert "1 of 3 decided" in client.get("/a/cats/waiting").text
    assert client.get("/a/cats/students").text.count("/a/cats/s/") == 3
    assert "3 submissions" in client.get("/").text
    # Once it is done, nothing else is offered.
    for _ in range(2):
        assert give(client, client.get(GRADE)).status == 303
    assert 'name="give"' not in client.get(GRADE).text


def test_another_share_takes_the_work_away_and_leaves_its_marks(shared: Site, sign_in: SignIn) -> None:
    client = sign_in(Role.ASSIGNED_TA, "ben")
    first = client.get(GRADE)
    give(client, first)
    who = field(first, "student")
    assert client.get(f"/a/cats/s/{who}").status == 200
    assert "Undo" in client.get(GRADE).text
    end_share(shared.store, "cats", "ben", actor="ann")
    assert [client.get(path).status for path in (f"/a/cats/s/{who}", GRADE, "/a/cats/waiting")] == [404] * 3
    assert "Nothing is in your share" in client.get("/").text
    assert "half of it" in sign_in(Role.HEAD_TA, "ann").get(f"/a/cats/s/{real(shared, who)}").text


def real(site: Site, pseudonym: str) -> str:
    return next(each for each in INSIDE + OUTSIDE if shown(site, each) == pseudonym)


def test_a_ta_of_the_whole_class_is_led_through_their_share_first(shared: Site, sign_in: SignIn) -> None:
    client = sign_in(Role.TA, "ben")
    waiting = client.get("/a/cats/waiting").text
    assert "Your share" in waiting and "The whole class" in waiting
    mine = [shown(shared, each) for each in INSIDE]
    seen = []
    for _ in range(3):
        page = client.get(GRADE)
        seen.append(field(page, "student"))
        give(client, page)
    assert sorted(seen) == sorted(mine)
    after = client.get(GRADE)
    assert field(after, "student") not in mine
    assert client.get(f"/a/cats/s/{shown(shared, 's1005')}").status == 200


def test_works_are_taken_where_the_course_hands_out_none(site: Site, sign_in: SignIn) -> None:
    client = sign_in(Role.ASSIGNED_TA, "ben")
    assert "/a/cats/waiting" in client.get("/").text
    page = client.get("/a/cats/waiting")
    assert "Take the next 8" in page.text and "Why a validation" not in page.text
    token = ("form_token", page.form_token)
    assert client.post("/a/cats/share/take", token).status == 303
    assert client.get("/a/cats/students").text.count("/a/cats/s/") == 8
    assert "Take" not in client.get("/a/cats/waiting").text
    assert client.post("/a/cats/share/take", token).status >= 400


def test_nothing_is_taken_where_the_course_hands_shares_out(shared: Site, sign_in: SignIn) -> None:
    client = sign_in(Role.ASSIGNED_TA, "dan")
    assert client.get("/a/cats/waiting").status == 404
    token = ("form_token", client.get("/").form_token)
    assert client.post("/a/cats/share/take", token).status >= 400


def test_a_question_that_nobody_thought_of_is_refused(site: Site) -> None:
    """Every method of the history answers for a share, or says that it does not."""
    from grader.errors import UsageError

    with LimitedStore(site.store, "ben").reading() as history:
        for name in ("people", "load", "histogram", "graders", "jobs", "first_break"):
            assert hasattr(History, name)
            with pytest.raises(UsageError, match="more than your share"):
                getattr(history, name)()
    with LimitedStore(site.store, "ben").writing() as history:
        drop = DropRecord(student="s1001", assignment="cats", reason="x", dropped=True)
        with pytest.raises(UsageError, match="more than your share"):
            history.drop(drop, Signature("ben", site.store.clock(), "test"))


def test_a_decision_that_reaches_beyond_a_share_is_refused_as_a_whole(shared: Site) -> None:
    limited: Store = LimitedStore(shared.store, "ben")
    from grader.errors import UsageError
    from grader.workflows.views.show import find_results

    both = [
        Alike(each.student, course.seen_now(each, WHY))
        for each in find_results(shared.store, "cats", ["s1001", "s1006"])
    ]
    with pytest.raises(UsageError, match="handed in nothing"):
        decide_alike(limited, "cats", WHY, 1.0, "", both, actor="ben")
