"""Workers on other machines: they grade what waits; what they lie about is not believed, and nothing runs."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import os
import pickle
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from grader.errors import SandboxUnavailable
from grader.evidence.codec import Bundle, encode
from grader.evidence.parcel import unpack_parcel
from grader.evidence.record import Outcome
from grader.facts.case import Reference
from grader.sandbox.base import Job
from grader.sandbox.fake import FakeSandbox
from grader.store import Store, open_store
from grader.store.audit import audit
from grader.store.models import JobRow
from grader.web.serve import Opened, listen
from grader.worker.seats import About, Seats, Stop
from grader.worker.server import Answer, Away, Lease, Server, Trust
from grader.workflows.desk.steering import pause, resume
from grader.workflows.handing_in.taking import Sent
from grader.workflows.leasing.remote import RemoteDesk
from grader.workflows.prechecking.online import send_for_pre_check
from grader.workflows.regrading.pool import shared_pool
from tests import course
from tests.queued import queue_up

LONG_S = 300.0
RUBRIC = course.RUBRIC + "limits:\n  evidence_bytes: 100000\n"
ABOUT = {"host": "gpu-1.example.org", "version": "0", "seats": 1, "gpus": 0}
WANTED = {"image": "fake", "gpu": False}


class Lab:
    """A course with a server for workers."""

    def __init__(self, folder: Path, store: Store, desk: Opened) -> None:
        self.folder, self.store, self.desk = folder, store, desk
        self.rubric = course.write_rubric(folder / "rubrics", RUBRIC)
        self.tokens = {name: store.workers.let_in(name, "ann") for name in ("one", "two")}
        self._servers: list[Server] = []

    def server(self, name: str = "one", kind: type[Server] = Server, token: str = "") -> Server:
        self._servers.append(kind(self.desk.place.origins[0], token or self.tokens[name], Trust()))
        return self._servers[-1]

    def close(self) -> None:
        for each in self._servers:
            each.close()

    def queue(self, student: str, *sources: str, **more: Any) -> None:
        queue_up(self.store, student, *sources, rubric=self.rubric, **more)

    def attempts(self) -> dict[str, tuple[int, str, float | None]]:
        with self.store.reading() as history:
            assert history.first_break() is None
            return {
                each.student: (
                    each.attempt.number,
                    each.attempt.outcome,
                    each.verdict.points if each.verdict else None,
                )
                for each in history.results(assignment="mini")
                if each.attempt is not None
            }

    def end_leases(self) -> None:
        """As if their time had passed by the database's clock."""
        with self.store.database.writing() as session:
            session.execute(update(JobRow).where(JobRow.state == "claimed").values(lease_until=0.0))


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    with open_store(str(tmp_path / "grader.db")) as store, listen("127.0.0.1", 0) as listening:
        desk = Opened(store, Reference(), listening, places=[tmp_path])
        serving = threading.Thread(target=desk.run, daemon=True)
        serving.start()
        made = Lab(tmp_path, store, desk)
        yield made
        made.close()
        desk.stop()
        serving.join(LONG_S)


def until(has_come: Callable[[], bool]) -> None:
    for _ in range(round(LONG_S / 0.1)):
        if has_come():
            return
        time.sleep(0.1)
    pytest.fail("it did not come")


def claimed(server: Server) -> tuple[Lease, bytes]:
    """A job, and the work on it."""
    [told] = server.ask("POST", "claim", WANTED).told["jobs"]
    lease = Lease(told["course"], told["job"], told["token"])
    raw = server.ask("GET", "work", lease=lease).body
    assert (hashlib.sha256(raw).hexdigest(), len(raw)) == (told["sha256"], told["size"])
    return lease, raw


def evidence(work: bytes, **changed: Any) -> bytes:
    """What an honest sandbox makes of it, but for what is changed."""
    parcel = unpack_parcel(work)
    bundle = FakeSandbox(course.answer).open(parcel.plan).run(Job("a", parcel.notebook, parcel.plan))
    return encode(Bundle(bundle.evidence.model_copy(update=changed), bundle.arrays))


def send(server: Server, lease: Lease, raw: bytes, digest: str = "") -> int:
    name = digest or hashlib.sha256(raw).hexdigest()
    return server.ask("PUT", f"blob/{name}", raw, lease=lease).status


def finish(server: Server, lease: Lease, raw: bytes) -> Answer:
    end = {**vars(lease), "evidence": hashlib.sha256(raw).hexdigest()}
    answer = server.ask("POST", "finish", {"ends": [end]})
    [ended] = answer.told["ended"]
    return Answer(ended.pop("status"), json.dumps(ended).encode())


def worked(
    lab: Lab, sandbox: FakeSandbox, done: int, connect: Callable[[], Server] | None = None, **more: Any
) -> None:
    """Lets a worker work until so many attempts are there."""
    stop = Stop()
    about = About("gpu-1.example.org", "0", 1, 0, "http://head:8787/status")
    working = Seats(connect or lab.server, sandbox, lambda: about, lambda _: None, stop, beat_s=0.2, **more)
    thread = threading.Thread(target=working.work)
    thread.start()
    try:
        until(lambda: len(lab.attempts()) == done)
    finally:
        stop.press()
        thread.join(LONG_S)
    assert not thread.is_alive()


def test_a_worker_grades_what_waits_and_learns_nobodys_name(lab: Lab) -> None:
    lab.queue("ada-lovelace", course.GOOD, beside=(("helper.py", b"x = 1"),))
    lab.queue("bob", course.SHADOWING)
    lab.queue("carl", raw=b"%PDF-1.7 homework")
    sandbox = course.sandbox()
    worked(lab, sandbox, 3)
    assert lab.attempts() == {
        "ada-lovelace": (1, "COMPLETED", 2.0),
        "bob": (1, "COMPLETED", 0.0),
        "carl": (1, "INVALID_SUBMISSION", 0.0),
    }
    assert [job.files for job in sandbox.jobs] == [(("helper.py", b"x = 1"),), ()]
    (one, _) = lab.store.workers.all()
    assert (one.host, one.seats, one.seen is not None) == ("gpu-1.example.org", 1, True)
    assert one.dashboard == "http://head:8787/status"
    lab.queue("ada-lovelace", course.GOOD, "print(1)", fresh=True)
    _, work = claimed(lab.server())
    assert b"lovelace" not in work and b"builtin-shadowing" not in work


def test_a_pre_check_goes_to_a_worker_after_what_was_handed_in_and_leaves_no_attempt(lab: Lab) -> None:
    course.write_rubric(
        lab.folder / "rubrics",
        RUBRIC.replace("    check: no_builtin", "    public: true\n    check: no_builtin"),
    )
    server = lab.server()
    assert server.ask("POST", "claim", WANTED).status == 204
    assert lab.store.pre_checks.is_served()
    with tempfile.TemporaryFile() as content:
        content.write(course.notebook(course.SHADOWING))
        content.flush()
        sent = Sent(content, "ada.ipynb", lab.store.clock())
        send_for_pre_check(lab.store, [lab.folder], "ada-lovelace", "mini", sent)
    lab.queue("bob", course.GOOD)
    (first, of_bob), (lease, work) = claimed(server), claimed(server)
    assert b"sum = 1" not in of_bob and b"sum = 1" in work and b"lovelace" not in work
    for held, raw in ((lease, evidence(work)), (first, evidence(of_bob))):
        assert send(server, held, raw) == 201
        assert finish(server, held, raw).told == {"recorded": "now"}, held
    assert lab.attempts() == {"bob": (1, "COMPLETED", 2.0)}
    (look,) = lab.store.pre_checks.of("ada-lovelace", "mini")
    assert (
        look.state == "told" and '"seems":"not as asked"' in look.told and "any sound reason" not in look.told
    )


def test_what_a_worker_lies_about_is_not_believed(lab: Lab) -> None:
    lab.queue("s1", course.GOOD)
    lab.queue("s2", course.SHADOWING)
    server, other = lab.server(), lab.server("two")
    lease, work = claimed(server)
    mine, theirs = evidence(work), claimed(other)
    # Another worker's job, and jobs that are none.
    for foreign in (theirs[0], Lease("course", 99, 1), Lease("nowhere", 1, 1)):
        assert server.ask("GET", "work", lease=foreign).status == 409
        assert send(server, foreign, mine) == 409
        assert finish(server, foreign, mine).status == 409
        failed = server.ask("POST", "fail", {**vars(foreign), "reason": "boom"})
        assert failed.status == 409
        beaten = server.ask("POST", "beat", {"about": ABOUT, "leases": [vars(foreign)]}).told
        assert (beaten["keep"], beaten["stop"]) == ([], [vars(foreign)])
    guessed = dataclasses.replace(lease, token=lease.token + 1)
    assert finish(server, guessed, mine).status == 409
    # Digest, size, what it is of, what only the server may say, and bytes that run where they are unpickled.
    assert send(server, lease, mine, "0" * 64) == 422
    assert send(server, lease, b"x" * 3_000_000) == 413
    assert finish(server, lease, mine).status == 404
    bad = [
        evidence(theirs[1]),
        evidence(work, plan="0" * 64),
        evidence(work, outcome=Outcome.SANDBOX_UNAVAILABLE),
        evidence(work, outcome=Outcome.INVALID_SUBMISSION),
        mine[:-10],
        pickle.dumps(_Marks(lab.folder / "ran")),
    ]
    for raw in bad:
        assert send(server, lease, raw) == 201
        assert finish(server, lease, raw).status == 422
    for request in ({}, {**vars(lease), "evidence": "../../etc/passwd"}, {**vars(lease), "job": "1"}):
        assert server.ask("POST", "finish", {"ends": [request]}).status == 400
    assert not (lab.folder / "ran").exists() and lab.attempts() == {}
    for link in ("javascript:alert(1)", 'http://a/"onclick=x', "file:///etc/passwd"):
        said = {"about": {**ABOUT, "dashboard": link}, "leases": []}
        assert server.ask("POST", "beat", said).status == 400
    # The truth is taken, once; told again, by whomever, nothing more is written.
    assert send(server, lease, mine) == 201 and send(server, lease, mine) == 200
    assert finish(server, lease, mine).told == {"recorded": "now"}
    assert finish(server, lease, mine).told == {"recorded": "before"}
    assert finish(other, lease, mine).status == 409
    assert send(server, lease, mine) == 409
    assert lab.attempts() == {"s1": (1, "COMPLETED", 2.0)}


class _Marks:
    """Leaves a file where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self._path),)


def test_a_worker_gets_nothing_of_a_paused_queue_and_ends_what_it_has(lab: Lab) -> None:
    lab.queue("s1", "x = 1")
    lab.queue("s2", "x = 2")
    server = lab.server()
    lease, work = claimed(server)
    pause(lab.store, "", "repairs", actor="ann")
    assert server.ask("POST", "claim", WANTED).status == 204
    raw = evidence(work)
    assert send(server, lease, raw) == 201
    assert finish(server, lease, raw).told == {"recorded": "now"}
    assert len(lab.attempts()) == 1
    resume(lab.store, "", actor="ann")
    claimed(server)


def test_a_token_opens_nothing_when_it_is_none_or_was_revoked(lab: Lab) -> None:
    lab.queue("s1", course.GOOD)
    for token in ("", "gw_guessed", lab.tokens["one"][:-1]):
        with pytest.raises(SandboxUnavailable, match="takes this token not"):
            lab.server(token=token or "x").ask("POST", "claim", WANTED)
    lab.store.workers.drain("one", draining=True)
    assert lab.server().ask("POST", "claim", WANTED).status == 204
    lab.store.workers.revoke("one", "ann")
    with pytest.raises(SandboxUnavailable):
        lab.server().ask("POST", "claim", WANTED)
    kept = (lab.folder / "grader.db").read_bytes()
    assert not any(token.encode() in kept for token in lab.tokens.values())


def test_who_was_cut_off_and_went_on_is_refused_at_its_end(lab: Lab) -> None:
    lab.queue("s1", course.GOOD)
    cut_off, other = lab.server(), lab.server("two")
    lease, work = claimed(cut_off)
    lab.end_leases()
    later, same = claimed(other)
    assert (later.job, same) == (lease.job, work) and later.token > lease.token
    raw = evidence(work)
    assert cut_off.ask("POST", "beat", {"about": ABOUT, "leases": [vars(lease)]}).told["keep"] == []
    assert finish(cut_off, lease, raw).status == 409
    assert send(other, later, raw) == 201 and finish(other, later, raw).told == {"recorded": "now"}
    # What was said before comes late, in another order, and again.
    for _ in range(2):
        assert send(cut_off, lease, raw) == 409
        assert finish(cut_off, lease, raw).status == 409
        assert finish(other, later, raw).told == {"recorded": "before"}
    assert lab.attempts() == {"s1": (1, "COMPLETED", 2.0)}


class _Lossy(Server):
    """The first answer to each request is lost, after the server has done what was asked."""

    lost: set[str] = set()  # noqa: RUF012, of all threads' connections together

    def ask(self, method: str, path: str, *arguments: Any, **more: Any) -> Answer:
        answer = super().ask(method, path, *arguments, **more)
        kind = path.split("/")[0]
        if kind not in (*_Lossy.lost, "claim"):
            _Lossy.lost.add(kind)
            raise Away("the answer was lost")
        return answer


@pytest.mark.parametrize("inline_bytes", [0, 100_000])
def test_lost_answers_are_asked_for_again_and_nothing_is_recorded_twice(lab: Lab, inline_bytes: int) -> None:
    lab.queue("s1", course.GOOD)
    _Lossy.lost.clear()
    worked(lab, course.sandbox(), 1, lambda: lab.server(kind=_Lossy), inline_bytes=inline_bytes)
    assert _Lossy.lost - {"beat"} == ({"finish"} if inline_bytes else {"work", "blob", "finish"})
    assert lab.attempts() == {"s1": (1, "COMPLETED", 2.0)}


def test_a_server_that_began_anew_is_sent_the_evidence_once_more(lab: Lab) -> None:
    lab.queue("s1", course.GOOD)

    class Restarting(Server):
        began = False

        def ask(self, method: str, path: str, *arguments: Any, **more: Any) -> Answer:
            if path == "finish" and not Restarting.began:
                Restarting.began = True
                # What lay in its memory and its temporary folder is gone.
                lab.desk.courses.remote = RemoteDesk(
                    {"course": lab.store}, Reference(), [lab.folder], pool=shared_pool()
                )
            return super().ask(method, path, *arguments, **more)

    worked(lab, course.sandbox(), 1, lambda: lab.server(kind=Restarting), inline_bytes=0)
    assert Restarting.began and lab.attempts() == {"s1": (1, "COMPLETED", 2.0)}


@pytest.mark.parametrize("why", ["a stop", "a drain", "nobody is free"])
def test_what_is_in_hand_and_not_begun_is_given_back(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    for number in range(16):
        lab.queue(f"s{number:02d}", course.GOOD, f"x = {number}")
    begun, let_go = list[str](), threading.Event()

    def answer(job: Job) -> Bundle:
        begun.append(job.attempt)
        # Eight are short; then two seats are busy for long.
        if len(begun) > 8:
            assert let_go.wait(LONG_S)
        found: Bundle = course.answer(job)
        return found

    def claimed_now() -> int:
        with lab.store.database.reading() as session:
            return session.query(JobRow).filter_by(state="claimed").count()

    if why == "nobody is free":
        monkeypatch.setattr("grader.worker.ahead._LONGEST_S", 1.0)
    stop, about = Stop(), About("gpu-1.example.org", "0", 2, 0)
    working = Seats(lab.server, FakeSandbox(answer), lambda: about, lambda _: None, stop, beat_s=0.2)
    thread = threading.Thread(target=working.work)
    thread.start()
    try:
        until(lambda: len(lab.attempts()) == 8 and len(begun) == 10 and claimed_now() > 2)
        if why == "a drain":
            lab.store.workers.drain("one", draining=True)
        elif why == "a stop":
            stop.press()
        until(lambda: claimed_now() == 2)
    finally:
        if not stop.finishing.is_set():
            stop.press()
        let_go.set()
        thread.join(LONG_S)
    assert len(begun) == 10
    assert len(lab.attempts()) == 10
    with lab.store.database.reading() as session:
        left = session.query(JobRow).filter(JobRow.state != "done").all()
        assert [(row.state, row.tries, row.claimed_at) for row in left] == [("queued", 0, None)] * 6
    lab.store.workers.drain("one", draining=False)
    worked(lab, course.sandbox(), 16)
    assert list(lab.attempts().values()) == [(1, "COMPLETED", 2.0)] * 16


def test_ends_of_one_request_are_written_together_and_each_as_if_it_were_alone(lab: Lab) -> None:
    """First ones, a second attempt, one that is said twice, one whose lease is lost."""
    server = lab.server()
    lab.queue("s0", course.GOOD)
    worked(lab, course.sandbox(), 1)
    lab.queue("s0", course.GOOD, fresh=True)
    for number in range(1, 5):
        lab.queue(f"s{number}", course.GOOD, f"x = {number}")
    told = server.ask("POST", "claim", {**WANTED, "most": 5, "inline": True}).told["jobs"]
    with lab.store.database.writing() as session:
        taken_over = update(JobRow).where(JobRow.student == "s4").values(token=JobRow.token + 1)
        lost = session.scalars(taken_over.returning(JobRow.id)).one()
    ends = []
    for each in [*told, told[-1]]:
        raw = evidence(base64.b64decode(each["work"]))
        lease = {name: each[name] for name in ("course", "job", "token")}
        digest, text = hashlib.sha256(raw).hexdigest(), base64.b64encode(raw).decode()
        ends.append({**lease, "evidence": digest, "raw": text})
    said = server.ask("POST", "finish", {"ends": ends}).told["ended"]
    assert [each["status"] for each in said] == [409 if each["job"] == lost else 200 for each in ends]
    numbers = {student: number for student, (number, *_) in lab.attempts().items()}
    assert numbers == {"s0": 2, "s1": 1, "s2": 1, "s3": 1}
    report = audit(lab.store, evidence=False)
    assert report.sound, report


def test_a_sandbox_that_fails_costs_nobody_points(lab: Lab) -> None:
    lab.queue("s1", course.GOOD)
    worked(lab, course.sandbox(lambda _: SandboxUnavailable("the engine is gone")), 1)
    assert lab.attempts() == {"s1": (1, "SANDBOX_UNAVAILABLE", 0.0)}
    with lab.store.reading() as history:
        (result,) = history.results(assignment="mini")
    assert result.mark is not None and result.mark.pending == 5.0
