"""A group hands in together: one file and one run are each member's, by their own dates; and so is a mark."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.errors import UsageError
from grader.facts.case import Reference
from grader.grading.requests import Kind
from grader.store import Result, Store
from grader.store.audit import audit
from grader.store.models import AttemptRow, JobRow
from grader.workflows.desk.deciding import undo_last
from grader.workflows.handing_in.overview import handing_in, progress_of
from grader.workflows.marking.marks import MarkOrder, give_marks
from grader.workflows.marking.remark import Request, decide, open_request
from grader.workflows.running.events import Event, Finished
from grader.workflows.running.stopping import StopSignal
from grader.workflows.serving.service import Service, work_at_queues
from grader.workflows.setting_up.dates import extend
from grader.workflows.setting_up.groups import end_group, set_groups, show_names, who_hands_in_together
from tests import course
from tests.unit.workflows.conftest import Clock
from tests.unit.workflows.handing_in.conftest import HandIn

FIRST, SECOND = course.notebook(course.GOOD), course.notebook(course.SHADOWING)


@pytest.fixture
def group(store: Store, hand_in: HandIn) -> Store:
    """Three who handed in something by themselves first, so that the course knows them, and are a group."""
    for student in ("ann", "bob", "cid"):
        hand_in(course.notebook(f"x = '{student}'"), student)
    set_groups(store, "mini", {"g1": ["ann", "bob", "cid"]}, "as they signed up", actor="dean")
    return store


def serve(store: Store, folder: Path, until: int = 1) -> None:
    stop, ended = StopSignal(), []

    def notify(event: Event) -> None:
        ended.extend([event] if isinstance(event, Finished) else [])
        if len(ended) >= until and not stop.finishing:
            stop.press()

    service = Service([store], Reference(), [folder], None, False, "server", 30.0)
    work_at_queues(service, 1, open_sandbox=course.sandbox, notify=notify, stop=stop)


def queued(store: Store) -> int:
    with store.database.reading() as session:
        return session.query(JobRow).filter_by(state="queued").count()


def results(store: Store) -> dict[str, Result]:
    with store.reading() as history:
        return {each.student: each for each in history.results(assignment="mini")}


def points(store: Store, criterion: str = "why") -> dict[str, float]:
    found = {}
    for student, each in results(store).items():
        mark = each.mark.criterion(criterion) if each.mark else None
        assert mark is not None
        found[student] = mark.points
    return found


def test_one_file_is_run_once_and_is_everybodys_attempt(group: Store, hand_in: HandIn, folder: Path) -> None:
    taken = hand_in(FIRST, "bob", name="bobs lab.ipynb")
    assert queued(group) == 1, "what each sent before is not run any more"
    for student in ("ann", "bob", "cid"):
        assert progress_of(group, student, "mini").state == "queued"
    serve(group, folder)
    found = results(group)
    assert {each.submission.notebook for each in found.values()} == {taken.received.record.notebook}
    attempts = [each.attempt for each in found.values() if each.attempt is not None]
    assert len({each.evidence for each in attempts}) == 1 and len({each.job for each in attempts}) == 3
    assert {each.verdict.points for each in found.values() if each.verdict} == {2.0}
    assert progress_of(group, "cid", "mini").state == "graded"
    own = handing_in(group, [folder], "ann", "mini")
    assert own.received[0].seq == own.counts and own.group is not None and own.group.others == 2
    # Neither the name that bob gave his file nor bob is in what ann has.
    received = own.received[0]
    assert "bob" not in f"{received.record.file} {received.by} {own.group.names}"
    show_names(group, True)
    named = handing_in(group, [folder], "ann", "mini").group
    assert named is not None and named.names == ("bob", "cid")
    assert audit(group).sound


def test_the_newest_file_of_any_member_counts_and_keeps_the_place(group: Store, hand_in: HandIn) -> None:
    hand_in(FIRST, "bob")
    hand_in(FIRST, "zoe")
    hand_in(SECOND, "cid")
    with group.database.reading() as session:
        jobs = session.query(JobRow).filter_by(state="queued").order_by(JobRow.place).all()
        assert [job.student for job in jobs] == ["cid", "zoe"]
    # The same bytes by another member are no second run.
    hand_in(SECOND, "ann")
    assert queued(group) == 2


def test_a_file_that_was_run_before_there_was_a_group_is_run_for_the_others(
    store: Store, hand_in: HandIn, folder: Path
) -> None:
    hand_in(FIRST, "ann")
    hand_in(SECOND, "bob")
    serve(store, folder, until=2)
    set_groups(store, "mini", {"g1": ["ann", "bob"]}, "as they signed up", actor="dean")
    hand_in(FIRST, "ann")
    assert queued(store) == 1
    serve(store, folder)
    assert points(store, "builtin-shadowing") == {"ann": 2.0, "bob": 2.0}
    assert {progress_of(store, student, "mini").state for student in ("ann", "bob")} == {"graded"}
    # And once more changes nothing.
    hand_in(FIRST, "bob")
    assert queued(store) == 0


def test_each_ones_own_dates_say_whether_it_counts(
    group: Store, hand_in: HandIn, clock: Clock, folder: Path
) -> None:
    extend(group, "mini", ["cid"], clock.now.replace(day=25), "ill", actor="dean")
    clock.pass_days(6)
    hand_in(FIRST, "ann")
    serve(group, folder, until=3)
    found = results(group)
    notebooks = {student: each.submission.notebook for student, each in found.items()}
    assert (
        len({notebooks["ann"], notebooks["bob"]}) == 2
        and notebooks["cid"] not in list(notebooks.values())[:2]
    )
    late = {student: each.mark.late for student, each in found.items() if each.mark}
    assert late["cid"] is None


def test_a_mark_is_each_members_until_one_is_given_apart_and_is_undone_as_one(
    group: Store, hand_in: HandIn, folder: Path
) -> None:
    hand_in(FIRST, "ann")
    serve(group, folder)
    [given] = give_marks(group, "mini", [MarkOrder("bob", "why", 2.0, "fine")], actor="ben")
    assert given.fellows == 2 and set(points(group).values()) == {2.0}
    undo_last(group, "mini", actor="ben")
    assert set(points(group).values()) == {0.0}
    give_marks(group, "mini", [MarkOrder("cid", "why", 0.5, "was away", only=True)], actor="ben")
    give_marks(group, "mini", [MarkOrder("ann", "why", 3.0, "good")], actor="ben")
    assert points(group) == {"ann": 3.0, "bob": 3.0, "cid": 0.5}
    both = [MarkOrder("ann", "why", 1.0, ""), MarkOrder("bob", "why", 2.0, "")]
    give_marks(group, "mini", both, actor="ben")
    assert points(group) == {"ann": 1.0, "bob": 2.0, "cid": 0.5}


def test_a_group_that_changes_keeps_what_was(group: Store, hand_in: HandIn, folder: Path) -> None:
    hand_in(FIRST, "ann")
    set_groups(group, "mini", {"g2": ["cid"]}, "parted", actor="dean")
    serve(group, folder)
    assert len({each.submission.notebook for each in results(group).values()}) == 1
    assert all(each.attempt is not None for each in results(group).values())
    give_marks(group, "mini", [MarkOrder("ann", "why", 2.0, "fine")], actor="ben")
    assert set(points(group).values()) == {2.0}
    hand_in(SECOND, "cid")
    found = results(group)
    assert found["cid"].submission.notebook != found["ann"].submission.notebook
    end_group(group, "mini", "g1", "over", actor="dean")
    assert [each.name for each in who_hands_in_together(group, "mini").groups] == ["g2"]
    with group.database.reading() as session:
        assert session.query(AttemptRow).count() == 3


def test_what_makes_no_sense_is_refused_and_nothing_is_written(group: Store) -> None:
    for wanted, why, said in (
        ({"g2": ["ann"], "g3": ["ann"]}, "x", "two groups"),
        ({"": ["ann"]}, "x", "needs a name"),
        ({"g2": ["nobody-at-all"]}, "x", "handed in nothing"),
        ({"g2": ["ann"]}, " ", "reason"),
    ):
        with pytest.raises(UsageError, match=said):
            set_groups(group, "mini", wanted, why, actor="dean")
    with pytest.raises(UsageError, match="no group"):
        end_group(group, "mini", "g9", "x", actor="dean")
    assert [each.members for each in who_hands_in_together(group, "mini").groups] == [("ann", "bob", "cid")]


def test_what_is_decided_on_one_members_remark_is_the_others_too_but_for_who_was_marked_apart(
    group: Store, hand_in: HandIn, folder: Path
) -> None:
    hand_in(FIRST, "ann")
    serve(group, folder)
    give_marks(group, "mini", [MarkOrder("ann", "why", 1.0, "short")], actor="ben")
    give_marks(group, "mini", [MarkOrder("cid", "why", 0.5, "was away", only=True)], actor="ben")
    asked = Request("bob", "mini", "why", Kind.JUDGEMENT, "it is all there", accepted=True)
    [request] = open_request(group, [asked], actor="bob")
    decide(group, request.id, points=2.0, reason="it is, bob", actor="eve")
    assert points(group) == {"ann": 2.0, "bob": 2.0, "cid": 0.5}
    mark = results(group)["ann"].mark
    why = mark.criterion("why") if mark else None
    assert why is not None and why.decision is not None and "bob" not in why.decision.why
    with group.reading() as history:
        assert [each.student for each in history.remarks(assignment="mini")] == ["bob"]
