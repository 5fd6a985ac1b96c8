"""A course in which every page has something to show, long names and empty places included.

It is made once for all tests of a module, as nothing in them changes what it holds.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest

from grader.cli import execute
from grader.evidence.codec import Bundle
from grader.evidence.record import Outcome
from grader.facts.case import Reference
from grader.grading.requests import Kind
from grader.sandbox.base import Job
from grader.sandbox.fake import FakeSandbox
from grader.store import Queue, Store, open_store
from grader.store.hand_ins import Way
from grader.store.mails import Mailing, NewMail
from grader.store.queue import Reach
from grader.store.roster import PersonRecord
from grader.store.workers import Said
from grader.web.roles import Role
from grader.workflows.accounts.people import add_account, set_password
from grader.workflows.desk.flags import raise_flag
from grader.workflows.desk.steering import drain, pause, rerun
from grader.workflows.handing_in.links import sign
from grader.workflows.handing_in.taking import Sender, Sent, take
from grader.workflows.leasing.workers import let_in
from grader.workflows.marking.marks import MarkOrder, give_marks
from grader.workflows.marking.remark import Request, decide, open_request
from grader.workflows.prechecking.online import send_for_pre_check
from grader.workflows.releasing.release import release_marks
from grader.workflows.running.events import Event, Finished
from grader.workflows.running.stopping import StopSignal
from grader.workflows.serving.service import Service, work_at_queues
from grader.workflows.setting_up.dates import extend
from grader.workflows.setting_up.excusing import excuse
from grader.workflows.setting_up.groups import set_groups, show_names
from grader.workflows.setting_up.sharing import draw_shares
from tests import course, web_class
from tests.web_class import WHY, Handed

__all__ = ["ALIKE", "PASSWORD", "FullCourse", "full_course", "run_what_waits"]

PASSWORD = "green horse on the moon"
LATE = 'late: {due: "2090-03-11T12:00+00:00", per_day: 0.1, until: "2090-03-14T12:00+00:00"}\n'
RUBRIC = (
    web_class.RUBRIC.replace("    section: names\n", "    section: names\n    public: true\n").replace(
        "title: The curves are described",
        "title: The curves of training and validation are described, with where they under- and overfit",
    )
    + LATE
)
#: Nobody handed in anything to it, and nothing of it is public.
EMPTY = course.RUBRIC.replace("assignment: mini", "assignment: nobodys").replace("small", "lonely")
PHOTOS = """\
assignment: hands
title: "Lab 3 Part A: Hands"
total: 1
criteria:
  - {id: letters, title: Letters, points: 1, check: photo_count, letters: AB, each: 1, asks: A., hint: B.}
"""
#: Two who wrote this are a pair of near copies.
ALIKE = """\
def train_{0}(net_{0}, data_{0}, epochs_{0}):
    losses_{0} = []
    for epoch_{0} in range(epochs_{0} + 7):
        total_{0} = 7 * 0.5
        for number_{0} in data_{0}:
            total_{0} += number_{0} ** 7 / (epoch_{0} + 7)
            total_{0} = max(total_{0}, 7 - number_{0})
        losses_{0}.append(total_{0} / 7 + len(data_{0}))
        print('epoch', epoch_{0}, 'of', epochs_{0}, total_{0})
    return losses_{0}, min(losses_{0}) + 7
"""
_UNLUCKY = "print('our sandbox fails this one')"
_SAID = Said(
    "gpu-1.cs.example.org", "0.4", 8, 8, "https://head.department-of-computer-science.example.org:8787/status"
)
_LONG = "Maximiliane-Theodora Wolfeschlegelsteinhausenbergerdorff von und zu Hohenlohe"


@dataclass
class FullCourse:
    """What was made.

    Attributes:
        folder: The course's own, with its rubrics.
        seat: Who would run a pre-check.
        ids: Numbers and keys of things that have pages of their own, by what they are.
    """

    store: Store
    folder: Path
    seat: Queue
    ids: dict[str, str] = field(default_factory=dict)

    def stay(self) -> None:
        """Lets those at work say that they are there, as they do every few seconds."""
        self.seat.beat()
        for worker in self.store.workers.all():
            if worker.name == "gpu-1":
                self.store.workers.hear(worker.id, _SAID)


@contextmanager
def full_course(folder: Path) -> Iterator[FullCourse]:
    """Makes it in an empty folder, and holds what works at its queue until the end."""
    _grade(folder)
    with open_store(str(folder / "grader.db"), evidence=folder / "grader.db.evidence") as store:
        _people(store)
        with Queue(store, serves=True, lease_s=600) as seat:
            made = FullCourse(store, folder, seat)
            _set_up(store)
            _marks(made)
            _pre_checks(made)
            _handed_in(made)
            _mails(store)
            _queue(store)
            yield made


def run_what_waits(store: Store, folder: Path, files: int) -> None:
    """Runs so many notebooks of the queue, as seats of a server do."""
    stop, ended = StopSignal(), []

    def notify(event: Event) -> None:
        ended.extend([event] if isinstance(event, Finished) else [])
        if len(ended) >= files and not stop.finishing:
            stop.press()

    service = Service([store], Reference(), (folder,), None, False, "server", 30.0)
    work_at_queues(service, 1, open_sandbox=web_class.sandbox, notify=notify, stop=stop)


def _grade(folder: Path) -> None:
    class_ = web_class.students_of(12)
    class_[3:5] = [replace(class_[place], code=ALIKE.format(name)) for place, name in ((3, "a"), (4, "b"))]
    class_ += [
        Handed("s1020", web_class.ANSWERS[0], code=_UNLUCKY),
        Handed(f"{'a-very-long-login-name-' * 3}s1021", "W" * 120, code=f"{'name' * 40} = 1"),
    ]
    web_class.write_class(folder, class_)
    course.write_rubric(folder / "rubrics", RUBRIC, "cats.yaml")
    course.write_rubric(folder / "rubrics", PHOTOS, "hands.yaml")
    course.write_rubric(folder / "rubrics", EMPTY, "nobodys.yaml")
    course.hand_in(folder / "submissions", "s1022", raw=b"%PDF-1.7 homework")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name in ("GRADER_DB", "GRADER_RUBRIC", "GRADER_DATA"):
            patch.delenv(name, raising=False)
        patch.setenv("GRADER_USER", "ann")
        patch.setattr("grader.sandbox.select.choose_sandbox", lambda *_, **__: FakeSandbox(_answer))
        assert execute(["run", "submissions", "--rubric", "cats", "--jobs", "1"]) == 1


def _answer(job: Job) -> Bundle:
    if _UNLUCKY.encode() in job.notebook:
        return course.answer(job, outcome=Outcome.SANDBOX_UNAVAILABLE, detail="the engine was restarted")
    return web_class.answer(job)


def _people(store: Store) -> None:
    students = [f"s{1001 + place}" for place in range(12)]
    people = [
        PersonRecord(
            student=each,
            name=_LONG if each == "s1003" else f"{each.upper()} Example",
            email=f"{each}@students.department-of-computer-science.uni.example",
            section="L0101",
        )
        for each in (*students, "s1099")
    ]
    with store.writing() as history:
        history.replace_roster([(person, [f"id {person.student}"]) for person in people])
    for login, role in (("ben", Role.TA), ("cara", Role.HEAD_TA), ("dan", Role.ASSIGNED_TA)):
        set_password(store, add_account(store, login, role, course=store.course.name), PASSWORD)
    for student in ("s1001", "s1002", "s1004", "s1022", "s1099"):
        account = add_account(store, student, Role.STUDENT, course=store.course.name, student=student)
        set_password(store, account, PASSWORD)


def _set_up(store: Store) -> None:
    set_groups(store, "cats", {"g1": ["s1002", "s1006"]}, "as they signed up", actor="ann")
    show_names(store, True)
    draw_shares(store, "cats", ["dan", "ben"], actor="ann")
    until = store.clock() + timedelta(days=30_000)
    extend(store, "cats", ["s1007"], until, "ill", actor="ann")
    excuse(store, "cats", ["s1008"], "exchange semester", actor="ann")


def _marks(made: FullCourse) -> None:
    store = made.store
    for student, points in (("s1001", 2.0), ("s1002", 4.0), ("s1005", 1.0), ("s1009", 2.0)):
        give_marks(store, "cats", [MarkOrder(student, WHY, points, "the danger is missing")], actor="ben")
    raise_flag(store, "cats", "s1004", WHY, "word for word as s1005?", actor="ben")
    with store.reading() as history:
        newest = history.newest_row()
    release_marks(store, "cats", upto=newest, reason="as announced", actor="ann")
    asked = [
        Request(each, "cats", WHY, Kind.JUDGEMENT, "The second sentence of my answer says it.", True)
        for each in ("s1001", "s1009", "s1005", "s1002")
    ]
    opened = open_request(store, asked, actor="cara")
    for each in opened[:2]:
        decide(store, each.id, points=3.0, reason="It does; I had not read so far.", actor="cara")
    made.ids |= {"decided": str(opened[1].id), "open": str(opened[2].id)}


def _pre_checks(made: FullCourse) -> None:
    """One that was told, and one that waits."""
    for source in (course.SHADOWING, course.GOOD):
        _send(made, "s1001", source)
        if source is course.SHADOWING:
            run_what_waits(made.store, made.folder, 1)


def _send(made: FullCourse, student: str, source: str) -> None:
    with tempfile.TemporaryFile() as content:
        content.write(course.notebook(source))
        content.flush()
        sent = Sent(content, f"{'my-own-lab-' * 6}final.ipynb", made.store.clock())
        send_for_pre_check(made.store, [made.folder], student, "cats", sent)


def _handed_in(made: FullCourse) -> None:
    """A file of a group, one by a link, and photos."""
    store = made.store
    signed = sign(store, "s1004", "cats", store.clock() + timedelta(days=2))
    photos = sign(store, "s1004", "hands", store.clock() + timedelta(days=2))
    made.ids |= {"signed": signed, "signed photos": photos}
    made.ids["receipt"] = _take(made, "s1001", "cats", course.notebook(course.GOOD))
    made.ids["group receipt"] = _take(made, "s1002", "cats", course.notebook("x = 3"))


def _take(made: FullCourse, student: str, assignment: str, raw: bytes) -> str:
    with tempfile.TemporaryFile() as content:
        content.write(raw)
        content.flush()
        sent = Sent(content, f"{'my-own-lab-' * 6}final.ipynb", made.store.clock())
        taken = take(made.store, [made.folder], assignment, Sender(student, Way.ACCOUNT, student), sent)
    return str(taken.received.seq)


def _mails(store: Store) -> None:
    with store.writing() as history:
        history.set_mailing(Mailing("course@uni.example"))
        history.post_mails(
            [
                NewMail(f"about {each}", each, f"{each}@{'sub.' * 12}uni.example", "cats: marks", "There.\n")
                for each in ("s1001", "s1002", "s1003")
            ],
            store.clock(),
        )
    for state, error in (("given up", "550 5.1.1 no such mailbox"), ("sent", "")):
        mail = store.outbox.take()
        assert mail is not None and store.outbox.note(mail, state, error=error)


def _queue(store: Store) -> None:
    """Workers of every kind, something that runs, something that failed, and two pauses."""
    for name in ("gpu-1", "gpu-2", "lab-pc", "gone"):
        let_in(store, name, actor="ann")
    workers = {each.name: each for each in store.workers.all()}
    store.workers.drain("gpu-2", draining=True)
    store.workers.revoke("gone", "ann")
    store.workers.hear(workers["gpu-1"].id, _SAID)
    rerun(store, (), "cats", ["s1009", "s1010", "s1011"], "the data set was incomplete", actor="cara")
    queue = Queue(store, run=workers["gpu-1"].run, lease_s=600)
    queue.sign_on("gpu-1", 0)
    queue.claim(Reach())
    failed = queue.claim(Reach())
    assert failed is not None
    queue.retry(failed, "the sandbox of host gpu-1.cs.example.org could not be started: no space left")
    queue.give_back(failed)
    drain(store, "cats", "a new image", actor="cara")
    pause(store, "", "the GPU host is being repaired", actor="cara")
