"""Pages of a class whose recordings were let go of: marks as before, a plain word where nothing is left."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from grader.facts.case import Reference
from grader.store import open_store
from grader.web.presence import Presence
from grader.web.roles import Role
from grader.web.sessions import Sessions
from grader.web.site import Place, Site
from grader.workflows.marking.marks import MarkOrder, give_marks
from grader.workflows.upkeep.retention import apply, keep
from grader.workflows.views.show import find_results
from tests import course, web_class
from tests.unit.web.conftest import SignIn
from tests.web_client import ORIGIN


@pytest.fixture
def site(class_folder: Path, tmp_path: Path) -> Iterator[Site]:
    """The class with evidence of its own: all of it was decided, and then its time was over."""
    shutil.copy(class_folder / "grader.db", tmp_path / "grader.db")
    shutil.copytree(class_folder / "grader.db.evidence", tmp_path / "grader.db.evidence")
    with open_store(str(tmp_path / "grader.db")) as store:
        for criterion in (web_class.WHY, web_class.CURVES):
            orders = [
                MarkOrder(each.student, criterion, 2.5, "read", seen=course.seen_now(each, criterion))
                for each in find_results(store, "cats")
            ]
            give_marks(store, "cats", orders, actor="ann")
        keep(store, {"uploads": 0, "evidence": 0})
        later = store.clock() + timedelta(days=1)
        store.clock = lambda: later
        assert apply(store, actor="ann").files > 8
        yield Site(store, Sessions(store), Place((ORIGIN,)), Reference(), Presence(store.clock), store.course)


def test_pages_that_need_no_recording_are_as_before(sign_in: SignIn) -> None:
    client = sign_in()
    for path in ("/", "/a/cats/waiting", "/a/cats/students", "/a/cats/summary", "/a/cats/release",
                 "/a/cats/setup", "/a/cats/remarks", "/queue", "/people"):  # fmt: skip
        assert client.get(path).status == 200, path


@pytest.mark.parametrize("role", [Role.INSTRUCTOR, Role.TA])
def test_pages_that_need_one_say_that_it_was_let_go_of(sign_in: SignIn, role: Role) -> None:
    client = sign_in(role, "ben")
    students = client.get("/a/cats/students").text
    [shown, *_] = re.findall(r'href="/c/course/a/cats/s/([^"/?]+)"', students)
    told = 0
    for path in (
        f"/a/cats/s/{shown}",
        f"/a/cats/grade/{web_class.WHY}?student={shown}",
        f"/untrusted/a/cats/s/{shown}/notebook",
        f"/untrusted/a/cats/s/{shown}/answer/{web_class.WHY}",
    ):
        answer = client.get(path)
        assert answer.status in (200, 410), (path, answer.status, answer.text[-500:])
        if answer.status == 410:
            assert "This is no longer kept" in answer.text and "was let go of on" in answer.text, path
            told += 1
    assert told >= 2


def test_the_server_is_ready_and_the_evidence_can_be_moved(
    sign_in: SignIn, site: Site, tmp_path: Path
) -> None:
    assert sign_in().ask("GET", "/readyz").status in (200, 421)
    health = site.store.health()
    assert health.evidence and health.reached
    shutil.copytree(tmp_path / "grader.db.evidence", tmp_path / "moved")
    site.store.move_evidence(str(tmp_path / "moved"))
    assert site.store.health().evidence
