"""A folder of submissions with groups: one file is run once and is each member's; which counts is told."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from grader.facts.case import Reference
from grader.intake import Submission, find_submissions
from grader.intake.roster import RosterEntry, roster_from
from grader.sandbox.base import Job
from grader.store import Result, Store, open_store
from grader.store.audit import audit
from grader.workflows.desk.roster import keep_roster
from grader.workflows.marking.marks import MarkOrder, give_marks
from grader.workflows.regrading.own_rubrics import own_rubrics
from grader.workflows.regrading.rubrics import load_rubric_file
from grader.workflows.running.events import Event, Notice
from grader.workflows.running.planning import plan_work, read_file
from grader.workflows.running.run import run
from grader.workflows.running.stopping import StopSignal
from grader.workflows.setting_up.groups import end_group, set_groups
from tests import course

WHEN = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Folder:
    """A folder of submissions, graded as often as a test asks.

    Attributes:
        at: When each student's file came, where the folder says so.
        told: Notices of the last run.
        ran: How many notebooks the last run executed.
    """

    def __init__(self, folder: Path, store: Store) -> None:
        self.store, self.at = store, dict[str, datetime]()
        self.told: list[str] = []
        self.ran = 0
        self.submissions = folder / "submissions"
        self._rubric = load_rubric_file(course.write_rubric(folder / "rubrics"))

    def put(self, student: str, source: str, at: datetime | None = None) -> None:
        course.hand_in(self.submissions, student, source)
        if at is not None:
            self.at[student] = at

    def take_out(self, student: str) -> None:
        shutil.rmtree(self.submissions / student)

    def grade(self) -> dict[str, Result]:
        self.told, self.ran = [], 0

        def reply(job: Job) -> object:
            self.ran += 1
            return course.answer(job)

        def notify(event: Event) -> None:
            self.told += [event.text] if isinstance(event, Notice) else []

        found = find_submissions(self.submissions).submissions
        files = [read_file(self._dated(each)) for each in found]
        report = run(
            plan_work(files, lambda _: self._rubric),
            store=self.store,
            reference=Reference(),
            open_sandbox=lambda: course.sandbox(reply),
            notify=notify,
            stop=StopSignal(),
            actor="dean",
            jobs=1,
        )
        assert report.unfinished == 0
        return {each.student: each for each in report.results}

    def _dated(self, submission: Submission) -> Submission:
        return replace(submission, submitted_at=self.at.get(submission.student))


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    """Of a group of three, and one who hands in alone."""
    with open_store(str(tmp_path / "grader.db")) as store:
        made = Folder(tmp_path, store)
        store.own_rubrics = partial(own_rubrics, [tmp_path])
        names = ("ann", "bob", "cid", "dot")
        keep_roster(store, roster_from([RosterEntry(each, each.title()) for each in names]))
        set_groups(store, "mini", {"g1": ["ann", "bob", "cid"]}, "as they signed up", actor="dean")
        yield made
        assert audit(store).sound


def attempts(found: dict[str, Result]) -> dict[str, int]:
    """By student which attempt counts, by its number."""
    return {student: each.attempt.number for student, each in found.items() if each.attempt}


def test_the_file_of_one_is_run_once_and_is_the_attempt_of_all(folder: Folder) -> None:
    folder.put("bob", course.GOOD)
    folder.put("dot", course.SHADOWING)
    found = folder.grade()
    assert set(found) == {"ann", "bob", "cid", "dot"} and folder.ran == 2 and folder.told == []
    members = [found[each] for each in ("ann", "bob", "cid")]
    assert len({each.submission.notebook for each in members}) == 1
    assert len({each.attempt.evidence for each in members if each.attempt}) == 1
    assert {found[each].submission.path for each in ("ann", "cid")} == {"notebook.ipynb"}
    with folder.store.reading() as history:
        assert set(history.sharers("mini", "bob", members[0].submission.notebook)) == {"ann", "cid"}

    [given] = give_marks(folder.store, "mini", [MarkOrder("ann", "why", 1.0, "so")], actor="ben")
    again = folder.grade()
    assert folder.ran == 0 and attempts(again) == attempts(found), "the same folder once more changes nothing"
    marks = [mark for each in ("ann", "bob", "cid") if (mark := again[each].mark)]
    assert [mark.criterion("why").points for mark in marks] == [1.0] * 3 and given.after == 1.0


def test_of_different_files_the_last_counts_for_all_and_that_is_told(folder: Folder) -> None:
    folder.put("ann", course.GOOD, WHEN)
    folder.put("cid", course.SHADOWING, WHEN + timedelta(hours=1))
    found = folder.grade()
    assert len({each.submission.notebook for each in found.values()}) == 1 and folder.ran == 1
    assert {each.submission.submitted_at for each in found.values()} == {WHEN + timedelta(hours=1)}
    assert folder.told == [
        "ann, group g1: another file than cid's, which came last and counts for all of the group"
    ]


def test_where_nothing_says_which_came_last_each_keeps_their_own_and_that_is_told(folder: Folder) -> None:
    folder.put("ann", course.GOOD)
    folder.put("cid", course.SHADOWING)
    found = folder.grade()
    assert set(found) == {"ann", "cid"} and folder.ran == 2
    assert len({each.submission.notebook for each in found.values()}) == 2
    [line] = folder.told
    assert "ann, cid, group g1: 2 different files" in line and "taken out of the folder" in line
    folder.take_out("ann")
    found = folder.grade()
    assert set(found) == {"ann", "bob", "cid"} and folder.told == []
    assert len({each.submission.notebook for each in found.values()}) == 1


def test_a_file_of_the_same_bytes_and_one_that_cannot_be_read_need_no_time(folder: Folder) -> None:
    folder.put("ann", course.GOOD)
    folder.put("bob", course.GOOD)
    course.hand_in(folder.submissions, "cid", raw=b"no notebook")
    found = folder.grade()
    assert set(found) == {"ann", "bob", "cid"} and folder.ran == 1
    assert len({each.submission.notebook for each in found.values()}) == 1
    assert not any(each.submission.problem for each in found.values())
    assert [line.split(":")[0] for line in folder.told] == ["cid, group g1"]


def test_what_was_graded_before_there_was_a_group_stays_and_who_lacks_it_gets_it(folder: Folder) -> None:
    end_group(folder.store, "mini", "g1", "not yet", actor="dean")
    folder.put("ann", course.GOOD)
    folder.put("bob", course.GOOD)
    first = folder.grade()
    assert attempts(first) == {"ann": 1, "bob": 1} and folder.ran == 2
    set_groups(folder.store, "mini", {"g1": ["ann", "bob"]}, "now", actor="dean")
    assert attempts(folder.grade()) == attempts(first) and folder.ran == 0
    set_groups(folder.store, "mini", {"g1": ["ann", "bob", "cid"]}, "and a third", actor="dean")
    found = folder.grade()
    assert folder.ran == 1 and set(found) == {"ann", "bob", "cid"}
    assert len({each.attempt.evidence for each in found.values() if each.attempt}) == 1


def test_a_later_file_of_the_service_is_not_replaced_by_anothers_in_a_folder(folder: Folder) -> None:
    folder.put("bob", course.SHADOWING, WHEN + timedelta(days=1))
    folder.grade()
    folder.take_out("bob")
    end_group(folder.store, "mini", "g1", "anew", actor="dean")
    set_groups(folder.store, "mini", {"g2": ["bob", "dot"]}, "other pairs", actor="dean")
    folder.put("dot", course.GOOD, WHEN)
    found = folder.grade()
    assert set(found) == {"dot"}
    with folder.store.reading() as history:
        bobs = history.submission("bob", "mini")
    assert bobs is not None and bobs.notebook != found["dot"].submission.notebook
