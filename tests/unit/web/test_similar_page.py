"""Near copies are for instructors alone, shown side by side, with the words that it accuses nobody."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest

from grader.cli import execute
from grader.facts.case import Reference
from grader.store import open_store
from grader.web.app import create_app
from grader.web.presence import Presence
from grader.web.roles import Role
from grader.web.sessions import Person, Sessions
from grader.web.site import Place, Site
from grader.workflows.desk.similar import look_for_near_copies
from tests import course
from tests.unit.web.conftest import SignIn
from tests.web_client import ORIGIN, Answer, Client

_OWN = """\
def train_{0}(net_{0}, data_{0}, epochs_{0}):
    losses_{0} = []
    for epoch_{0} in range(epochs_{0} + {1}):
        total_{0} = {1} * 0.5
        for number_{0} in data_{0}:
            total_{0} += number_{0} ** {1} / (epoch_{0} + {1})
            total_{0} = max(total_{0}, {1} - number_{0})
        losses_{0}.append(total_{0} / {1} + len(data_{0}))
        print('epoch', epoch_{0}, 'of', epochs_{0}, total_{0})
    return losses_{0}, min(losses_{0}) + {1}
"""
_OTHER = "\n".join(
    f"value_{number} = [item * {number} for item in range({number} + 3)][-{number}:]\nassert value_{number}"
    for number in range(1, 9)
)


@pytest.fixture(scope="module")
def alike(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two who wrote the same under other names, and one who did not."""
    folder = tmp_path_factory.mktemp("alike")
    course.write_rubric(folder / "rubrics")
    for student, source in (("s1", _OWN.format("a", 7)), ("s2", _OWN.format("b", 7)), ("s3", _OTHER)):
        course.hand_in(folder / "submissions", student, source)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name in ("GRADER_DB", "GRADER_RUBRIC", "GRADER_DATA"):
            patch.delenv(name, raising=False)
        patch.setenv("GRADER_USER", "ann")
        patch.setattr("grader.sandbox.select.choose_sandbox", lambda *_, **__: course.sandbox())
        assert execute(["run", "submissions", "--rubric", "mini", "--jobs", "1"]) == 0
    return folder


@pytest.fixture
def desk(alike: Path):
    with open_store(str(alike / "grader.db")) as store:
        yield Site(store, Sessions(store), Place((ORIGIN,)), Reference(), Presence(store.clock), store.course)


def signed_in(site: Site, name: str = "ann", role: Role = Role.INSTRUCTOR) -> Client:
    client = Client(create_app(site))
    client.get(f"/login?token={site.sessions.link_for(Person(name, role))}")
    return client


def looked(client: Client) -> tuple[str, Answer]:
    token = client.get("/a/mini/similar").form_token
    began = client.post("/a/mini/similar/look", ("form_token", token), ("least", "50"))
    assert began.status == 303
    where = began.headers["location"].removeprefix("/c/course")
    for _ in range(600):
        page = client.get(where)
        if "http-equiv" not in page.text:
            return where, page
        time.sleep(0.05)
    raise AssertionError("it is never over")


def test_a_pair_is_listed_and_shown_side_by_side_with_care(desk: Site) -> None:
    client = signed_in(desk)
    first = client.get("/a/mini/similar").text
    assert "This accuses nobody" in first and "s1 and s2" not in first
    where, page = looked(client)
    assert "3 works compared" in page.text and "1 pair to look at" in page.text
    assert "s1 and s2" in page.text and "s3" not in page.text and "accuses nobody" in page.text
    pair = client.get(f"{where}&left=s1&right=s2").text
    [frame] = re.findall(r'<iframe[^>]* src="([^"]+)"', pair)
    code = client.ask("GET", frame.replace("&amp;", "&"))
    assert code.status == 200 and "train_a" in code.text and "Equal code is no proof" in code.text
    # A pair that was not found is not shown as one.
    assert "<iframe" not in client.get(f"{where}&left=s1&right=s3").text


def test_looking_writes_nothing_and_is_the_lookers_own(desk: Site) -> None:
    with desk.store.reading() as history:
        before = history.newest_row()
    where, _ = looked(signed_in(desk))
    with desk.store.reading() as history:
        assert history.newest_row() == before
    other = signed_in(desk, "bob").get(where)
    assert other.status == 200 and "s1 and s2" not in other.text and "no longer here" in other.text


@pytest.mark.parametrize("role", [Role.ASSIGNED_TA, Role.TA, Role.HEAD_TA, Role.AUDITOR, Role.ADMIN])
def test_nobody_else_gets_there_or_is_led_there(sign_in: SignIn, role: Role) -> None:
    client = sign_in(role)
    assert client.get("/a/cats/similar").status == 403
    if role not in (Role.ADMIN, Role.ASSIGNED_TA):
        assert "/similar" not in client.get("/a/cats/waiting").text


def test_whose_evidence_is_gone_is_named_and_the_others_are_compared(desk: Site, tmp_path: Path) -> None:
    with desk.store.reading() as history:
        [third] = [each for each in history.results(assignment="mini") if each.student == "s3"]
    assert third.attempt is not None
    raw = desk.store.blobs.get(third.attempt.evidence)
    desk.store.blobs.remove(third.attempt.evidence)
    try:
        seen: list[tuple[int, int]] = []
        found = look_for_near_copies(desk.store, "mini", told=lambda *step: seen.append(step))
    finally:
        desk.store.blobs.put(raw)
    assert [student for student, _ in found.not_compared] == ["s3"]
    assert [(pair.left, pair.right) for pair in found.pairs] == [("s1", "s2")]
    assert found.pairs[0].share == 1.0 and found.pairs[0].share_as_written < 0.5
    assert seen[0] == (0, 6) and json.dumps(seen)
