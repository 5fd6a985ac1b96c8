"""The queue is paused, drained, resumed and told to run again by those who may, on the page as by command."""

from __future__ import annotations

import pytest

from grader.cli import execute
from grader.store import Ask, JobKey, Queue, Store
from grader.store.pauses import QueueAction
from grader.web.roles import Role
from grader.web.site import Site
from grader.workflows.desk.queueing import queue_view
from grader.workflows.desk.steering import drain, pause, rerun, resume
from grader.workflows.handing_in.overview import progress_of
from grader.workflows.views.audited import prove
from grader.workflows.views.show import name_of
from grader.workflows.views.telling import tell
from tests.unit.web.conftest import SignIn
from tests.web_client import Client


def ask(student: str, notebook: str, assignment: str = "cats") -> Ask:
    return Ask(JobKey(student, assignment, notebook * 64, "p", ""))


def enqueue(store: Store, *asks: Ask) -> None:
    with store.writing() as history:
        history.queue(list(asks), store.clock(), fresh=True)


def orders(store: Store) -> list[tuple[QueueAction, str, str | None, str, str]]:
    """The newest first."""
    with store.reading() as history:
        found = history.queue_orders(50)
    return [(o.order.action, o.order.assignment, o.order.student, o.order.reason, o.by) for o in found]


def post(client: Client, path: str, **fields: str) -> tuple[int, str]:
    token = client.get("/queue").form_token
    answer = client.post(path, ("form_token", token), *fields.items())
    return answer.status, answer.text


def test_the_page_pauses_and_resumes_with_sealed_orders(site: Site, sign_in: SignIn) -> None:
    enqueue(site.store, ask("s1001", "a"))
    client = sign_in(Role.HEAD_TA, "cara")
    assert post(client, "/queue/steer", step="pause", assignment="", reason="new GPUs")[0] == 303
    shown = client.get("/queue").text
    assert "The whole queue is paused" in shown and "new GPUs" in shown and "1 held back" in shown
    with Queue(site.store) as queue:
        assert queue.claim() is None
    status, said = post(client, "/queue/steer", step="pause", assignment="", reason="twice")
    assert status == 422 and "paused already, by cara" in said
    assert post(client, "/queue/steer", step="resume", assignment="")[0] == 303
    assert "is paused" not in client.get("/queue").text
    assert orders(site.store) == [
        (QueueAction.RESUME, "", None, "", "cara"),
        (QueueAction.PAUSE, "", None, "new GPUs", "cara"),
    ]
    assert prove(site.store, evidence=False, expect="").found.sound


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"step": "pause", "assignment": "", "reason": " "}, "needs a reason"),
        ({"step": "pause", "assignment": "cat", "reason": "x"}, "no assignment is called"),
        ({"step": "resume", "assignment": ""}, "is not paused"),
    ],
)
def test_what_cannot_be_ordered_is_refused_with_the_reason(
    site: Site, sign_in: SignIn, fields: dict[str, str], said: str
) -> None:
    status, shown = post(sign_in(), "/queue/steer", **fields)
    assert status == 422 and said in shown
    assert orders(site.store) == []


@pytest.mark.parametrize(
    ("role", "steers", "reruns"),
    [
        (Role.TA, False, True),
        (Role.HEAD_TA, True, True),
        (Role.AUDITOR, False, False),
        (Role.ADMIN, True, True),
    ],
)
def test_the_page_offers_what_its_reader_may_do(
    site: Site, sign_in: SignIn, role: Role, steers: bool, reruns: bool
) -> None:
    client = sign_in(role)
    shown = client.get("/queue").text
    assert ('value="pause"' in shown, 'name="students"' in shown) == (steers, reruns)
    status, _ = post(client, "/queue/steer", step="pause", assignment="", reason="x")
    assert status == (303 if steers else 403)


def test_a_submission_is_run_again_and_its_history_says_for_whom(site: Site, sign_in: SignIn) -> None:
    client = sign_in(Role.INSTRUCTOR, "ann")
    asked = {"assignment": "cats", "students": "s1001\ns1002", "reason": "the data set was incomplete"}
    assert post(client, "/queue/rerun", **asked)[0] == 303
    with site.store.reading() as history:
        [jobs] = history.jobs()
        told = tell(history.timeline("s1001", "cats"), "s1001", "s1001")[-1]
    assert (jobs.assignment, jobs.state, jobs.number) == ("cats", "queued", 2)
    assert (told.kind, told.who) == ("queue_orders", "ann")
    assert told.what == "run again: the data set was incomplete"
    status, said = post(client, "/queue/rerun", **asked)
    assert status == 422 and "s1001 waits in the queue already" in said
    assert len(orders(site.store)) == 2


def test_a_ta_has_one_run_again_at_a_time_and_by_pseudonym(site: Site, sign_in: SignIn) -> None:
    client = sign_in(Role.TA, "ben")
    shown = [name_of(site.store, True)(student) for student in ("s1001", "s1002")]
    status, said = post(
        client, "/queue/rerun", assignment="cats", students="\n".join(shown), reason="no plot"
    )
    assert status == 422 and "too many for you" in said
    assert post(client, "/queue/rerun", assignment="cats", students="s1001", reason="no plot")[0] == 404
    assert post(client, "/queue/rerun", assignment="cats", students=shown[0], reason="no plot")[0] == 303
    assert orders(site.store) == [(QueueAction.RERUN, "cats", "s1001", "no plot", "ben")]
    status, said = post(client, "/queue/rerun", assignment="cats", students=shown[0], reason="no plot")
    assert status == 422 and f"{shown[0]} waits" in said and "s1001" not in said


def test_a_drain_runs_what_waits_and_lets_later_work_wait(site: Site) -> None:
    store = site.store
    enqueue(store, ask("s1001", "a"), ask("s1002", "b"))
    drain(store, "cats", "a new image", actor="ann")
    enqueue(store, ask("s1003", "c"))
    # A newer file takes the place of the one that waited, and is run as that would have been.
    enqueue(store, ask("s1002", "d"))
    enqueue(store, ask("s1009", "e", "dogs"))
    with Queue(store) as queue:
        from grader.store.queue import Reach

        taken = []
        while claim := queue.claim(Reach()):
            taken.append((claim.key.student, claim.key.notebook[0]))
    assert sorted(taken) == [("s1001", "a"), ("s1002", "d"), ("s1009", "e")]
    view = queue_view(store)
    assert (view.held_back, [each.pause.drains for each in view.jobs if each.pause]) == (1, [True])


def test_what_runs_is_finished_and_a_student_is_told_that_theirs_waits(site: Site) -> None:
    store = site.store
    rerun(store, (), "cats", ["s1001"], "x", actor="ann")
    rerun(store, (), "cats", ["s1002"], "x", actor="ann")
    with Queue(store) as queue:
        from grader.store.queue import Reach

        held = queue.claim(Reach())
        assert held is not None
        pause(store, "cats", "a wrong rubric", actor="ann")
        assert queue.claim(Reach()) is None
        assert queue.renew([(held.id, held.token)]) == {(held.id, held.token)}
        with store.writing() as history:
            assert queue.finish(history, held)
        other = "s1002" if held.key.student == "s1001" else "s1001"
        assert progress_of(store, other, "cats").paused
        resume(store, "cats", actor="ann")
        assert not progress_of(store, other, "cats").paused
        assert queue.claim(Reach()) is not None


def test_the_commands_do_the_same(
    site: Site, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    db = ("--db", site.store.location)
    monkeypatch.setenv("GRADER_USER", "ann")
    assert execute(("queue", "rerun", "s1001", "-a", "cats", "--reason", "again", *db)) == 0
    assert execute(("queue", "pause", "--reason", "repairs", *db)) == 0
    assert execute(("queue", "show", *db)) == 0
    said = capsys.readouterr().out
    assert "queued again: s1001" in said and "ann paused the queue" in said and "1 held back" in said
    assert execute(("queue", "drain", "-a", "cats", "--reason", "x", *db)) == 0
    assert execute(("queue", "resume", *db)) == 0
    assert execute(("queue", "resume", *db)) != 0
    assert "not paused" in capsys.readouterr().err
    assert execute(("queue", "show", "--json", "--anonymous", *db)) == 0
    assert "s1001" not in capsys.readouterr().out
