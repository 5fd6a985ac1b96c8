"""Pre-checks by the pages: what is run of them, when, how often, and how little stays."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from grader.errors import UsageError
from grader.evidence.codec import Bundle
from grader.facts.case import Reference
from grader.sandbox.base import Job
from grader.store import Queue, Store, open_store
from grader.store.audit import audit
from grader.store.entering import PRE_CHECK
from grader.store.hand_ins import Way
from grader.store.models import AttemptRow, JobRow, LedgerRow
from grader.store.precheck_tables import PreCheckFileRow, PreCheckRow
from grader.store.queue import Reach
from grader.workflows.handing_in.reading import Readers
from grader.workflows.handing_in.taking import NotTaken, Sender, Sent, take
from grader.workflows.prechecking.online import (
    A_DAY,
    OwnPreChecks,
    own_pre_checks,
    send_for_pre_check,
    set_pre_check_rule,
)
from grader.workflows.regrading.own_rubrics import own_rubrics
from grader.workflows.running.events import Event, Finished
from grader.workflows.running.stopping import StopSignal
from grader.workflows.serving.service import Service, work_at_queues
from tests import course
from tests.unit.workflows.conftest import Clock

PUBLIC = course.RUBRIC.replace("check: no_builtin_shadowing", "public: true\n    check: no_builtin_shadowing")
GOOD, SHADOWING = course.notebook(course.GOOD), course.notebook(course.SHADOWING)
#: Sends a file to be looked at; gives its number.
Send = Callable[..., int]


@pytest.fixture(scope="module")
def readers() -> Iterator[Readers]:
    shared = Readers(1)
    yield shared
    shared.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    course.write_rubric(tmp_path / "rubrics", PUBLIC)
    return tmp_path


@pytest.fixture
def store(folder: Path, clock: Clock) -> Iterator[Store]:
    with open_store(str(folder / "grader.db"), clock=clock) as opened:
        opened.own_rubrics = partial(own_rubrics, [folder])
        yield opened


@pytest.fixture
def seat(store: Store) -> Iterator[Queue]:
    """Somebody who is at work, and takes nothing by itself."""
    with Queue(store, serves=True) as queue:
        yield queue


@pytest.fixture
def send(store: Store, folder: Path, clock: Clock, readers: Readers, seat: Queue) -> Send:
    def send(raw: bytes = GOOD, student: str = "s1") -> int:
        with tempfile.TemporaryFile() as content:
            content.write(raw)
            content.flush()
            sent = Sent(content, "lab.ipynb", clock())
            return send_for_pre_check(store, [folder], student, "mini", sent, readers=readers)

    return send


def serve(store: Store, folder: Path, until: int = 1, reply: Callable[[Job], Bundle] = course.answer) -> None:
    """Runs until so many jobs are at their end."""
    stop, ended = StopSignal(), []

    def notify(event: Event) -> None:
        ended.extend([event] if isinstance(event, Finished) else [])
        if len(ended) >= until and not stop.finishing:
            stop.press()

    service = Service([store], Reference(), [folder], None, False, "server", 30.0)
    work_at_queues(service, 1, open_sandbox=lambda: course.sandbox(reply), notify=notify, stop=stop)


def own(store: Store, folder: Path, student: str = "s1") -> OwnPreChecks:
    found = own_pre_checks(store, [folder], student, "mini")
    assert found is not None
    return found


def rows(store: Store, table: type) -> int:
    with store.database.reading() as session:
        return session.query(table).count()


def test_what_is_public_is_told_and_nothing_of_it_is_in_the_history(
    store: Store, folder: Path, send: Send
) -> None:
    send(SHADOWING)
    before = own(store, folder)
    assert (before.left, before.looks[0].record.state, before.is_settled) == (A_DAY - 1, "queued", False)
    serve(store, folder)
    [look] = own(store, folder).looks
    assert look.seen is not None and look.record.state == "told"
    assert [(each.title, each.seems) for each in look.seen.looked] == [
        ("Builtins are left alone", "not as asked")
    ]
    assert look.seen.later == 1
    assert rows(store, LedgerRow) == rows(store, AttemptRow) == rows(store, PreCheckFileRow) == 0
    assert audit(store).sound
    assert own(store, folder, "s2").looks == ()


def test_it_never_comes_before_what_was_handed_in_and_they_are_two_jobs(
    store: Store, folder: Path, send: Send, seat: Queue, clock: Clock, readers: Readers
) -> None:
    """Also where the plan is the same, since all of the rubric is public."""
    course.write_rubric(
        folder / "rubrics", PUBLIC.partition("  - id: why")[0].replace("total: 5", "total: 2")
    )
    send(GOOD)
    with tempfile.TemporaryFile() as content:
        content.write(GOOD)
        content.flush()
        sender = Sender("s1", Way.ACCOUNT, "s1")
        take(store, [folder], "mini", sender, Sent(content, "lab.ipynb", clock()), readers=readers)
    [look] = own(store, folder).looks
    assert look.record.before == 1
    claims = [seat.claim(Reach()), seat.claim(Reach())]
    assert [claim and claim.key.purpose for claim in claims] == ["", PRE_CHECK]
    assert seat.claim(Reach(but_no=PRE_CHECK)) is None


def test_so_many_a_day_whoever_counts_and_our_own_fault_counts_as_none(
    store: Store, folder: Path, send: Send, clock: Clock, seat: Queue
) -> None:
    set_pre_check_rule(store, "mini", 2)

    def fails(job: Job) -> Bundle:
        raise RuntimeError("no engine")

    send()
    serve(store, folder, reply=fails)
    assert (own(store, folder).left, own(store, folder).looks[0].record.state) == (2, "failed")
    for raw in (GOOD, SHADOWING):
        send(raw)
        serve(store, folder)
        clock.pass_days(0.25)
    with open_store(store.location, clock=clock) as another:
        found = own(another, folder)
    assert (found.left, found.takes) == (0, False)
    with pytest.raises(NotTaken, match="2 within 24 hours") as refused:
        send()
    assert found.next_at is not None and f"{found.next_at:%H:%M}" in str(refused.value.todo)
    clock.pass_days(0.5)
    assert own(store, folder).left == 1


def test_a_newer_file_replaces_the_one_that_waits_and_one_that_runs_is_waited_for(
    store: Store, folder: Path, send: Send, seat: Queue
) -> None:
    set_pre_check_rule(store, "mini", 1)
    send(GOOD)
    send(SHADOWING)
    assert (len(own(store, folder).looks), own(store, folder).left) == (1, 0)
    assert rows(store, PreCheckFileRow) == 1
    claim = seat.claim(Reach())
    assert claim is not None and store.pre_checks.content(claim.id) == SHADOWING
    assert own(store, folder).looks[0].record.state == "running"
    with pytest.raises(NotTaken):
        send(GOOD)
    set_pre_check_rule(store, "mini", 5)
    with pytest.raises(NotTaken, match="being run"):
        send(GOOD)


def test_where_nobody_runs_notebooks_nothing_is_taken_and_that_is_said(
    store: Store, folder: Path, send: Send, seat: Queue
) -> None:
    with Queue(store):
        seat.__exit__()
        assert not own(store, folder).is_served, "a run takes only what it asked for"
        with pytest.raises(NotTaken, match="only wait"):
            send()
    assert rows(store, PreCheckRow) == 0


def test_what_is_no_notebook_counts_as_none(store: Store, folder: Path, send: Send) -> None:
    with pytest.raises(NotTaken, match="PDF"):
        send(b"%PDF-1.7 my homework")
    assert own(store, folder).left == A_DAY
    assert rows(store, JobRow) == 0


def test_a_course_may_give_none_and_keep_the_number_of_other_criteria_to_itself(
    store: Store, folder: Path, send: Send
) -> None:
    send()
    serve(store, folder)
    set_pre_check_rule(store, "", 3, tells_rest=False)
    seen = own(store, folder).looks[0].seen
    assert seen is not None and (seen.later, seen.later_points, seen.out_of) == (0, 0, 0)
    assert not any("other criteri" in sentence for sentence in seen.limits)
    set_pre_check_rule(store, "mini", 0)
    assert own_pre_checks(store, [folder], "s1", "mini") is None
    with pytest.raises(NotTaken, match="gives no pre-checks"):
        send()
    set_pre_check_rule(store, "mini", None)
    assert own(store, folder).a_day == 3
    with pytest.raises(UsageError, match="cannot be given"):
        set_pre_check_rule(store, "mini", 1000)
    course.write_rubric(folder / "rubrics", course.RUBRIC)
    assert own_pre_checks(store, [folder], "s1", "mini") is None, "nothing is public"


def test_nothing_stays_longer_than_it_is_needed(store: Store, folder: Path, send: Send, clock: Clock) -> None:
    send()
    send(student="s2")
    serve(store, folder, until=2)
    send()
    clock.pass_days(1.5)
    assert store.pre_checks.remove_old() == 1, "what nobody took"
    clock.pass_days(0.6)
    assert own(store, folder).looks == (), "not shown any more, removed or not"
    send(student="s3")
    assert rows(store, PreCheckRow) == 1
    with store.database.reading() as session:
        left = {(job.student, job.notebook) for job in session.query(JobRow) if job.student != "s3"}
    assert left == {("", "")}


def test_who_is_erased_leaves_no_pre_check(store: Store, send: Send) -> None:
    from grader.store.prechecks import forget_pre_checks, held_pre_checks

    send()
    with store.database.writing() as session:
        assert held_pre_checks(session, "s1") == 1
        forget_pre_checks(session, "s1")
    assert rows(store, PreCheckRow) == rows(store, PreCheckFileRow) == 0


def test_the_end_of_one_that_was_taken_away_meanwhile_is_dropped(
    store: Store, send: Send, seat: Queue, clock: Clock
) -> None:
    send()
    claim = seat.claim(Reach())
    assert claim is not None
    clock.now += timedelta(days=3)
    store.pre_checks.remove_old()
    with store.writing() as history:
        assert not seat.finish(history, claim)
